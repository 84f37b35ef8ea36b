/** One row of the benchmark's table. */
export interface Line {
  readonly what: string;
  readonly value: string;
  /** What the value should be; empty where it is context. */
  readonly aim: string;
  /** Whether it is; undefined where there is no aim. */
  readonly met?: boolean;
}

/** A line of context, without an aim. */
export function context(what: string, value: string): Line {
  return { what, value, aim: '' };
}

/** A line whose number should be at most `aim`. */
export function atMost(what: string, value: string, figure: number, aim: number, unit = ''): Line {
  return { what, value, aim: `≤ ${aim}${unit}`, met: figure <= aim };
}

/** A line whose number should be at least `aim`. */
export function atLeast(what: string, value: string, figure: number, aim: number, unit = ''): Line {
  return { what, value, aim: `≥ ${aim}${unit}`, met: figure >= aim };
}

/** A Markdown table whose columns also line up as plain text. */
export function renderTable(title: string, lines: readonly Line[]): string {
  const verdict = ({ met }: Line): string => (met === undefined ? '' : met ? 'met' : 'MISSED');
  const rows = lines.map((line) => [line.what, line.value, line.aim, verdict(line)]);
  const all = [[title, 'median [quartiles]', 'aim', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(3, ...all.map((row) => (row[column] ?? '').length)));
  const show = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  const [head = [], ...body] = all;
  return [show(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(show)].join('\n');
}
