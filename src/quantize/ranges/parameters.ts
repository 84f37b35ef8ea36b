import type { Range } from './range.ts';

/** How many integers values are quantized to: all of uint8, or the lower half where products of pairs might overflow. */
export type Levels = 256 | 128;

/** Values x are stored as the integers q = x / scale + zeroPoint, rounded and clamped to `lowest` … `highest`. */
export interface Quantizer {
  /** A normal float32 above zero. */
  readonly scale: number;
  /** A whole number from `lowest` to `highest`; it stands for 0. */
  readonly zeroPoint: number;
  /** (lowest − zeroPoint)·scale in float32. */
  readonly least: number;
  /** (highest − zeroPoint)·scale in float32. */
  readonly most: number;
  /** The least integer: 0. */
  readonly lowest: number;
  /** The greatest integer: 255, or 127 of 128 levels. */
  readonly highest: number;
}

/** Scales below are subnormal in float32: kernels may flush them to zero, and their reciprocals overflow. */
const LEAST_NORMAL = 2 ** -126;

/**
 * The quantizer to unsigned integers whose range is nearest to this one, which is widened to hold zero. A range on one
 * side of zero has the zero point 0 or `highest` exactly, so that clamping does the work of a Relu before it. Where the
 * range is too short for a normal scale, the scale is 1 and the zero point 0, as in ONNX Runtime's own quantizer.
 * Source: the affine scheme of Jacob et al., "Quantization and Training of Neural Networks for Efficient
 * Integer-Arithmetic-Only Inference", CVPR 2018; QuantizeLinear of the ONNX specification.
 * @param range with ends up to 2^126 in magnitude
 */
export function uint8Quantizer(range: Range, levels: Levels = 256): Quantizer {
  const least = Math.min(0, range.least);
  const most = Math.max(0, range.most);
  const scale = Math.fround((most - least) / (levels - 1));
  if (scale < LEAST_NORMAL) return quantizerOf(1, 0, levels);
  return quantizerOf(scale, Math.min(levels - 1, Math.round(-least / scale)), levels);
}

/**
 * The quantizer of a value behind a Clip: of this range, and such that its own range lies inside the bounds of the Clip
 * in float32 arithmetic. Quantizing then clips at least as much, and ONNX Runtime drops the Clip.
 * @param bounds of the Clip; those that are missing are infinite
 * @returns undefined where the bounds leave no room for zero or for a normal scale
 */
export function within(range: Range, bounds: Range, levels: Levels = 256): Quantizer | undefined {
  // Bounds that are no float32 numbers would move when they are stored.
  const floor = -floorToFloat32(-bounds.least);
  const ceiling = floorToFloat32(bounds.most);
  if (!(floor <= 0 && ceiling >= 0)) return undefined;
  const least = Math.max(floor, Math.min(0, range.least));
  const most = Math.min(ceiling, Math.max(0, range.most));
  const ideal = floorToFloat32((most - least) / (levels - 1));
  if (!(ideal >= LEAST_NORMAL)) return undefined;
  const position = Math.min(levels - 1, -least / ideal);
  // The zero point rounds, which moves the ends by up to half a step: the scale must make up for it.
  const candidates = [Math.round(position), Math.floor(position), Math.ceil(position)].map((zeroPoint) => {
    const room = Math.min(ideal, roomOf(-floor, zeroPoint), roomOf(ceiling, levels - 1 - zeroPoint));
    return quantizerOf(floorToFloat32(room), zeroPoint, levels);
  });
  // Of equal ones the first: the nearest zero point.
  const widest = candidates.reduce((best, each) => (each.scale > best.scale ? each : best));
  return widest.scale >= LEAST_NORMAL ? widest : undefined;
}

/** The greatest step of which so many fit into a length. */
function roomOf(length: number, steps: number): number {
  return steps === 0 ? Number.POSITIVE_INFINITY : length / steps;
}

function quantizerOf(scale: number, zeroPoint: number, levels: Levels): Quantizer {
  const highest = levels - 1;
  // Adding zero turns −0 into 0.
  const least = Math.fround(-zeroPoint * scale) + 0;
  return {
    scale,
    zeroPoint: zeroPoint + 0,
    least,
    most: Math.fround((highest - zeroPoint) * scale),
    lowest: 0,
    highest,
  };
}

/** The greatest float32 number that is not above this one. */
function floorToFloat32(value: number): number {
  const nearest = new Float32Array([value]);
  const rounded = nearest[0] as number;
  if (!(rounded > value)) return rounded;
  const bits = new Int32Array(nearest.buffer);
  // One step towards −∞, which for numbers below zero is away from zero, and from −0 the first of them.
  if (rounded > 0) bits[0] = (bits[0] as number) - 1;
  else bits[0] = rounded === 0 ? 0x80000001 : (bits[0] as number) + 1;
  return nearest[0] as number;
}
