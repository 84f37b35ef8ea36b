/** A chart as text: drawn on the server, with what it shows in words and as a table for those who do not see it. */
export interface Chart {
  readonly title: string;
  /** One sentence that says what is to be seen; the text alternative. */
  readonly summary: string;
  /** An <svg> element: no script, no id, colours only through CSS variables and currentColor. */
  readonly svg: string;
  readonly table: {
    readonly columns: readonly string[];
    readonly rows: readonly (readonly string[])[];
    /** Columns, besides the first, that hold words and no numbers. */
    readonly words?: readonly string[];
  };
}
