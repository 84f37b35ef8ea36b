/** Rows and columns of a tile at a time: two packed tiles of this side and {@link DEPTH} stay in the second cache. */
const SIDE = 126;

/** Numbers of a row taken at a time: a packed panel of three such rows and one of three columns stay in the first. */
const DEPTH = 256;

/** Rows and columns of what is summed in registers: nine sums and six factors are as many as there are registers. */
const WIDTH = 3;

/** A matrix inside an array: element (i, j) lies at `offset + i · rowStride + j · columnStride`. */
export interface MatrixView {
  readonly values: Float64Array;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** A row-major matrix of whole rows of `width` numbers, seen from element (row, column) on. */
export function rowMajor(values: Float64Array, width: number, row = 0, column = 0): MatrixView {
  return { values, offset: row * width + column, rowStride: width, columnStride: 1 };
}

/** The same numbers with rows and columns changing places. */
export function transposed({ values, offset, rowStride, columnStride }: MatrixView): MatrixView {
  return { values, offset, rowStride: columnStride, columnStride: rowStride };
}

/** How many rows and columns the result of a product has, and over how many terms its elements sum. */
export interface ProductSize {
  readonly rows: number;
  readonly terms: number;
  readonly columns: number;
}

/**
 * Adds `factor · left · right` to `out`, in place: `left` is [rows, terms], `right` is [terms, columns]. Tiles are
 * packed so that the innermost loop reads memory in order, whatever the strides are, and uses each number three times.
 * Source of the order of the loops: Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.
 * Cost: rows · terms · columns multiplications. Sums depend on nothing but the sizes, so they are the same every time.
 * @param out none of its elements may be one of the two others
 */
export function addProduct(
  out: MatrixView,
  left: MatrixView,
  right: MatrixView,
  { rows, terms, columns }: ProductSize,
  factor = 1,
): void {
  const depth = Math.min(DEPTH, terms);
  const lefts = new Float64Array(roundUp(Math.min(SIDE, rows)) * depth);
  const rights = new Float64Array(roundUp(Math.min(SIDE, columns)) * depth);
  const other = transposed(right);
  for (let from = 0; from < terms; from += DEPTH) {
    const length = Math.min(DEPTH, terms - from);
    for (let column = 0; column < columns; column += SIDE) {
      const width = Math.min(SIDE, columns - column);
      pack(other, column, width, from, length, rights);
      for (let row = 0; row < rows; row += SIDE) {
        const height = Math.min(SIDE, rows - row);
        pack(left, row, height, from, length, lefts);
        addTile(out, row, height, column, width, lefts, rights, length, factor);
      }
    }
  }
}

/** The least multiple of the width of a panel that is not below a number. */
function roundUp(count: number): number {
  return Math.ceil(count / WIDTH) * WIDTH;
}

/**
 * Lays out rows in panels of three, whose numbers alternate; the last panel is filled up with zeros. A panel at a time,
 * so that three numbers side by side are read together where it is rows that lie close.
 */
function pack(
  { values, offset, rowStride, columnStride }: MatrixView,
  row: number,
  height: number,
  from: number,
  length: number,
  out: Float64Array,
): void {
  const start = offset + row * rowStride + from * columnStride;
  const whole = height - (height % WIDTH);
  for (let i = 0; i < whole; i += WIDTH) {
    let at = start + i * rowStride;
    for (let to = i * length; to < (i + WIDTH) * length; to += 3, at += columnStride) {
      out[to] = values[at] as number;
      out[to + 1] = values[at + rowStride] as number;
      out[to + 2] = values[at + 2 * rowStride] as number;
    }
  }
  if (whole === height) return;
  out.fill(0, whole * length, (whole + WIDTH) * length);
  for (let i = whole; i < height; i++) {
    let at = start + i * rowStride;
    for (let k = 0; k < length; k++, at += columnStride)
      out[whole * length + k * WIDTH + i - whole] = values[at] as number;
  }
}

/** Multiplies all panels of two packed tiles. */
function addTile(
  out: MatrixView,
  row: number,
  height: number,
  column: number,
  width: number,
  lefts: Float64Array,
  rights: Float64Array,
  length: number,
  factor: number,
): void {
  const { values, offset, rowStride, columnStride } = out;
  const sums = new Float64Array(WIDTH * WIDTH);
  for (let j = 0; j < width; j += WIDTH) {
    for (let i = 0; i < height; i += WIDTH) {
      multiplyPanels(lefts, i * length, rights, j * length, length, sums);
      const tall = Math.min(WIDTH, height - i);
      const wide = Math.min(WIDTH, width - j);
      for (let a = 0; a < tall; a++) {
        for (let b = 0; b < wide; b++) {
          const at = offset + (row + i + a) * rowStride + (column + j + b) * columnStride;
          values[at] = (values[at] as number) + factor * (sums[a * WIDTH + b] as number);
        }
      }
    }
  }
}

/** The nine products of the three rows packed at `a` with the three columns packed at `b`. */
function multiplyPanels(
  lefts: Float64Array,
  a: number,
  rights: Float64Array,
  b: number,
  length: number,
  sums: Float64Array,
): void {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  const shift = b - a;
  const end = a + WIDTH * length;
  for (let at = a; at < end; at += 3) {
    const r0 = rights[at + shift] as number;
    const r1 = rights[at + shift + 1] as number;
    const r2 = rights[at + shift + 2] as number;
    const l0 = lefts[at] as number;
    s00 += l0 * r0;
    s01 += l0 * r1;
    s02 += l0 * r2;
    const l1 = lefts[at + 1] as number;
    s10 += l1 * r0;
    s11 += l1 * r1;
    s12 += l1 * r2;
    const l2 = lefts[at + 2] as number;
    s20 += l2 * r0;
    s21 += l2 * r1;
    s22 += l2 * r2;
  }
  sums[0] = s00;
  sums[1] = s01;
  sums[2] = s02;
  sums[3] = s10;
  sums[4] = s11;
  sums[5] = s12;
  sums[6] = s20;
  sums[7] = s21;
  sums[8] = s22;
}
