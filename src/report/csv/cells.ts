/** What a cell holds before it is written: numbers are not rounded, null is an empty cell. */
export type Value = string | number | boolean | null | undefined;

/** Rows under named columns; a column that a row lacks is empty there. */
export interface Sheet {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, Value>>[];
}

/** What spreadsheets take for the start of a formula (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * Text from outside (names, reasons) as a cell: where a spreadsheet would take it for a formula, with an apostrophe before it.
 * Numbers are no such text and stay as they are.
 */
export function textCell(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** Several texts as one cell, with semicolons between them. */
export function listCell(texts: readonly string[]): string {
  return textCell(texts.join('; '));
}

/** Dims as one cell: `N×8×4×4`. */
export function dimsCell(dims: readonly (number | string)[]): string {
  return textCell(dims.join('×'));
}
