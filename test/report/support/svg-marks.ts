/** An element of an SVG, as the tests need it. */
export interface Mark {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Text directly inside of it, unescaped. */
  text: string;
  readonly parent: Mark | null;
}

const TOKEN = /<\/([a-z]+)>|<([A-Za-z]+)((?:\s+[a-zA-Z][\w:-]*="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
const ENTITY = /&(?:(amp|lt|gt|quot|apos)|#(\d+)|#x([0-9a-f]+));/g;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * Reads markup as an XML parser would: every tag closed in order, every attribute quoted and given once, no bare & or control
 * character.
 * @throws Error that says where the markup is not well-formed
 */
export function readMarks(svg: string): Mark[] {
  const marks: Mark[] = [];
  let open: Mark | null = null;
  let at = 0;
  for (const match of svg.matchAll(TOKEN)) {
    if (match.index !== at) break;
    at += match[0].length;
    const [, closed, opened, attributes, alone, text] = match;
    if (text !== undefined) {
      if (open === null) throw new Error(`text outside of the root at ${at}`);
      open.text += unescaped(text);
    } else if (closed !== undefined) {
      if (open?.tag !== closed) throw new Error(`</${closed}> closes <${open?.tag}> at ${at}`);
      open = open.parent;
    } else if (opened !== undefined) {
      const mark: Mark = { tag: opened, attributes: attributesOf(attributes ?? ''), text: '', parent: open };
      if (open === null && marks.length > 0) throw new Error(`a second root at ${at}`);
      marks.push(mark);
      if (alone !== '/') open = mark;
    }
  }
  if (at !== svg.length) throw new Error(`not well-formed at ${at}: ${svg.slice(at, at + 80)}`);
  if (open !== null) throw new Error(`<${open.tag}> is never closed`);
  return marks;
}

function attributesOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/([a-zA-Z][\w:-]*)="([^"]*)"/g)) {
    if (name in found) throw new Error(`the attribute ${name} is given twice`);
    found[name] = unescaped(value);
  }
  return found;
}

function unescaped(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML cannot hold
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text)) throw new Error(`a control character in "${text}"`);
  if (/&/.test(text.replace(ENTITY, ''))) throw new Error(`a bare & in "${text}"`);
  return text.replace(ENTITY, (_, name: string | undefined, decimal: string | undefined, hex: string | undefined) =>
    name !== undefined
      ? (NAMED[name] ?? '')
      : String.fromCodePoint(Number.parseInt(decimal ?? hex ?? '', decimal ? 10 : 16)),
  );
}

/** The texts of all marks of one tag: `title` for what hovering explains, `text` for what is written. */
export function textsOf(svg: string, tag: 'title' | 'text'): string[] {
  return readMarks(svg)
    .filter((mark) => mark.tag === tag)
    .map((mark) => mark.text);
}
