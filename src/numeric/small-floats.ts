/** Floating-point numbers of at most 8 bits. */
export type SmallFloat =
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'float8e8m0'
  | 'float4e2m1';

/** How a format reads its bits: sign, exponent, fraction. */
interface Format {
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly bias: number;
  /** What the patterns that stand for no finite number stand for, by pattern. */
  readonly special: (pattern: number) => number | undefined;
}

/** NaN where all bits but the sign are set. */
const oneNan = (pattern: number): number | undefined => ((pattern & 0x7f) === 0x7f ? Number.NaN : undefined);
/** NaN in the place of minus zero. */
const nanForMinusZero = (pattern: number): number | undefined => (pattern === 0x80 ? Number.NaN : undefined);

/**
 * Source: ONNX, docs, "Float stored in 8 bits" and "Float stored in 4 bits"; P. Micikevicius et al., "FP8 Formats for Deep
 * Learning", 2022; B. Noune et al., "8-bit Numerical Formats for Deep Neural Networks", 2022 (the kinds called fnuz).
 */
const FORMATS: Readonly<Record<Exclude<SmallFloat, 'float8e8m0'>, Format>> = {
  float8e4m3fn: { exponentBits: 4, fractionBits: 3, bias: 7, special: oneNan },
  float8e4m3fnuz: { exponentBits: 4, fractionBits: 3, bias: 8, special: nanForMinusZero },
  float8e5m2: {
    exponentBits: 5,
    fractionBits: 2,
    bias: 15,
    special: (pattern) => {
      if ((pattern & 0x7c) !== 0x7c) return undefined;
      if ((pattern & 3) !== 0) return Number.NaN;
      return pattern & 0x80 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    },
  },
  float8e5m2fnuz: { exponentBits: 5, fractionBits: 2, bias: 16, special: nanForMinusZero },
  float4e2m1: { exponentBits: 2, fractionBits: 1, bias: 1, special: () => undefined },
};

/** The exact value of every pattern of a format, built on first use. */
const TABLES = new Map<SmallFloat, Float32Array>();

function tableOf(type: SmallFloat): Float32Array {
  const known = TABLES.get(type);
  if (known !== undefined) return known;
  const values =
    type === 'float8e8m0'
      ? Float32Array.from({ length: 256 }, (_, pattern) => (pattern === 255 ? Number.NaN : 2 ** (pattern - 127)))
      : valuesOf(FORMATS[type]);
  TABLES.set(type, values);
  return values;
}

function valuesOf({ exponentBits, fractionBits, bias, special }: Format): Float32Array {
  const signBit = 1 << (exponentBits + fractionBits);
  return Float32Array.from({ length: 2 * signBit }, (_, pattern) => {
    const exponent = (pattern >> fractionBits) & ((1 << exponentBits) - 1);
    const fraction = (pattern & ((1 << fractionBits) - 1)) / (1 << fractionBits);
    const magnitude = exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias);
    return special(pattern) ?? (pattern & signBit ? -magnitude : magnitude);
  });
}

/**
 * Widens small floats to float32, exactly.
 * @param patterns one to a byte; those of 4 bits are unpacked before
 */
export function smallFloatsToFloat32(type: SmallFloat, patterns: Uint8Array): Float32Array {
  const table = tableOf(type);
  const out = new Float32Array(patterns.length);
  for (let i = 0; i < patterns.length; i++) out[i] = table[patterns[i] as number] as number;
  return out;
}
