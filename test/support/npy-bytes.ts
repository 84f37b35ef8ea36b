/** How to write a .npy file; what is left out is what numpy.save would write. */
export interface NpyOptions {
  readonly version?: 1 | 2 | 3;
  readonly fortran?: boolean;
}

/** The bytes of a .npy file, as numpy.save writes it: padded so that the numbers start at a multiple of 64. */
export function npyBytes(
  descr: string,
  shape: readonly number[],
  payload: Uint8Array,
  { version = 1, fortran = false }: NpyOptions = {},
): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const order = fortran ? 'True' : 'False';
  return npyFile(`{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${tuple}, }`, payload, version);
}

/** The bytes of a .npy file with any header text, right or wrong. */
export function npyFile(header: string, payload: Uint8Array, version: 1 | 2 | 3 = 1): Uint8Array {
  const prefix = version === 1 ? 10 : 12;
  const padding = (64 - ((prefix + header.length + 1) % 64)) % 64;
  const text = Buffer.from(`${header}${' '.repeat(padding)}\n`, version === 3 ? 'utf8' : 'latin1');
  const start = Buffer.alloc(prefix);
  start.write('\x93NUMPY', 'latin1');
  start[6] = version;
  if (version === 1) start.writeUInt16LE(text.length, 8);
  else start.writeUInt32LE(text.length, 8);
  return new Uint8Array(Buffer.concat([start, text, payload]));
}
