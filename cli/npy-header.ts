/** What the header of a .npy file says. */
export interface NpyHeader {
  /** `<`, `>`, `=` or `|`; `|` where there is none. */
  readonly byteOrder: string;
  /** The element type without its byte order, e.g. `f4`; `[` for structured records. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the numbers start. */
  readonly dataOffset: number;
}

const MAGIC = '\x93NUMPY';

/** NumPy itself never writes more than 64 axes; its own reader refuses headers over 10,000 characters by default. */
const MAX_HEADER = 0x10000;
const MAX_AXES = 64;

/** As many bytes from the start of a file hold any header that is read. */
export const HEADER_ROOM: number = 12 + MAX_HEADER;

/** True when the bytes start as every .npy file does. */
export function isNpy(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, MAGIC.length)) === MAGIC;
}

/**
 * Reads the header of a .npy file.
 * @throws Error saying what is wrong with it, without a file name and without a full stop.
 */
export function readHeader(bytes: Uint8Array): NpyHeader {
  if (!isNpy(bytes)) throw new Error('it does not start with the .npy signature');
  const major = bytes[MAGIC.length] ?? 0;
  if (major < 1 || major > 3) throw new Error(`its format version is ${major}, where 1, 2 and 3 are known`);
  const wide = major > 1;
  const start = MAGIC.length + 2 + (wide ? 4 : 2);
  if (bytes.length < start) throw new Error('it ends within the header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = wide ? view.getUint32(MAGIC.length + 2, true) : view.getUint16(MAGIC.length + 2, true);
  const dataOffset = start + length;
  if (length > MAX_HEADER) throw new Error(`its header claims ${length} bytes, where ${MAX_HEADER} is the limit`);
  if (bytes.length < dataOffset) throw new Error('it ends within the header');
  const text = bytes.subarray(start, dataOffset);
  return { ...interpret(parseDict(major === 3 ? new TextDecoder().decode(text) : latin1(text))), dataOffset };
}

/** A Python literal as it occurs in headers. What stands inside a structured `descr` is of no interest to us. */
type Literal = string | number | boolean | readonly Literal[];

function interpret(dict: ReadonlyMap<string, Literal>): Omit<NpyHeader, 'dataOffset'> {
  const [descr, fortranOrder, shape] = [dict.get('descr'), dict.get('fortran_order'), dict.get('shape')];
  if (typeof fortranOrder !== 'boolean') throw new Error("its header has no True or False under 'fortran_order'");
  if (typeof shape !== 'object') throw new Error("its header has no tuple under 'shape'");
  const dims = shape.map((dim) => {
    if (typeof dim === 'number' && Number.isSafeInteger(dim) && dim >= 0) return dim;
    throw new Error(`its header has ${JSON.stringify(dim)} as an axis length`);
  });
  if (dims.length > MAX_AXES)
    throw new Error(`its header declares ${dims.length} axes, where ${MAX_AXES} is the limit`);
  if (typeof descr === 'object') return { byteOrder: '|', descr: '[', fortranOrder, shape: dims };
  if (typeof descr !== 'string' || descr === '') throw new Error("its header has no element type under 'descr'");
  const ordered = /^[<>=|]/.test(descr);
  return {
    byteOrder: ordered ? descr.charAt(0) : '|',
    descr: ordered ? descr.slice(1) : descr,
    fortranOrder,
    shape: dims,
  };
}

/** Strings, integers (with Python 2's L), names and punctuation; one match per token, from where the last one ended. */
const TOKEN = /\s*(?:('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(-?\d+)L?|(True|False)|([{}()[\]:,]))/y;

function tokens(text: string): Literal[] {
  const found: Literal[] = [];
  const pattern = new RegExp(TOKEN);
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const at = pattern.lastIndex;
    const [, quoted, integer, name, mark] = pattern.exec(text) ?? [];
    // Strings keep their opening quote, so that they cannot be taken for punctuation.
    if (quoted !== undefined) found.push(`'${quoted.slice(1, -1)}`);
    else if (integer !== undefined) found.push(Number(integer));
    else if (name !== undefined) found.push(name === 'True');
    else if (mark !== undefined) found.push(mark);
    else
      throw new Error(`its header cannot be read from character ${at} on (${JSON.stringify(text.slice(at, at + 20))})`);
  }
  return found;
}

function parseDict(text: string): Map<string, Literal> {
  const queue = tokens(text);
  let next = 0;

  function take(mark: string): void {
    if (queue[next] !== mark) throw new Error(`its header lacks a '${mark}'`);
    next += 1;
  }

  function value(depth: number): Literal {
    const token = queue[next];
    next += 1;
    if (token === '(' || token === '[') return list(token === '(' ? ')' : ']', depth + 1);
    if (typeof token === 'string' && token.startsWith("'")) return token.slice(1);
    if (typeof token === 'number' || typeof token === 'boolean') return token;
    throw new Error('its header ends early or has a mark where a value belongs');
  }

  function list(close: string, depth: number): Literal[] {
    if (depth > 16) throw new Error('its header is nested more than 16 deep');
    const items: Literal[] = [];
    while (queue[next] !== close) {
      items.push(value(depth));
      if (queue[next] !== close) take(',');
    }
    take(close);
    return items;
  }

  const dict = new Map<string, Literal>();
  take('{');
  while (queue[next] !== '}') {
    const key = value(0);
    if (typeof key !== 'string' || dict.has(key))
      throw new Error(`its header has the key ${JSON.stringify(key)} twice or no name`);
    take(':');
    dict.set(key, value(0));
    if (queue[next] !== '}') take(',');
  }
  take('}');
  return dict;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
