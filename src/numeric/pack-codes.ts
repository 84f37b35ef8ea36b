/**
 * The transpose of a matrix of bytes. @param codes [rows, columns], row-major @returns [columns, rows], row-major
 */
export function transposeCodes(codes: Int8Array, rows: number, columns: number): Int8Array {
  const transposed = new Int8Array(codes.length);
  for (let column = 0, to = 0; column < columns; column++) {
    for (let row = 0, from = column; row < rows; row++, from += columns) transposed[to++] = codes[from] as number;
  }
  return transposed;
}

/**
 * Signed integers as unsigned ones, packed in blocks: 0 becomes 2^(bits − 1), and fills the last block of each row where it
 * is not full; of 4 bits, the first of two is in the lower half of a byte.
 * Source: onnxruntime ContribOperators.md, com.microsoft.MatMulNBits.
 * @param codes [rows, columns], row-major, from −2^(bits − 1) to 2^(bits − 1) − 1
 * @param size columns of a block, even
 * @returns [rows, blocks, size · bits / 8]
 */
export function packBlocks(
  codes: Int8Array,
  rows: number,
  columns: number,
  { bits, size }: { readonly bits: 4 | 8; readonly size: number },
): Uint8Array {
  const zero = 1 << (bits - 1);
  const padded = Math.ceil(columns / size) * size;
  const bytes = new Uint8Array((rows * padded * bits) / 8).fill(bits === 4 ? zero * 17 : zero);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const code = (codes[row * columns + column] as number) + zero;
      const at = row * padded + column;
      if (bits === 8) bytes[at] = code;
      else if (at % 2 === 0) bytes[at >> 1] = ((bytes[at >> 1] as number) & 0xf0) | code;
      else bytes[at >> 1] = ((bytes[at >> 1] as number) & 0x0f) | (code << 4);
    }
  }
  return bytes;
}
