import { OnnxPruneError } from '../errors.ts';
import { MODES, RANGES, ROUNDINGS } from './choices.ts';
import { parseChoice, parseFlag, parsePatterns } from './parse.ts';
import { valueText } from './value-text.ts';

/** Options that speak of running on 8-bit integers. */
export interface Int8Options {
  /**
   * Quantizes the result: `static` with scales of activations from calibration data, `dynamic` with scales as they come (matrix
   * products alone), `weights` alone, or what suits each operator (`auto`, or true).
   */
  readonly int8?: boolean | Int8Mode | string | undefined;
  /** How ranges of activations are chosen from what calibration data make of them. */
  readonly ranges?: Ranges | string | undefined;
  /**
   * Whether weights are rounded to the nearest integer, or so that errors cancel on calibration data (`gptq`): by default where they
   * have 4 bits and data are given.
   */
  readonly rounding?: Rounding | string | undefined;
  /** Bits of weights under `int8: 'weights'`: 8 or 4. */
  readonly bits?: number | string | undefined;
  /** Whether sums must hold on CPUs without instructions for int8 (VNNI): by default where this CPU has none. */
  readonly portable?: boolean | undefined;
  /** Whether channels are scaled so that their ranges are alike, before ranges are chosen: by default where they are far from it. */
  readonly equalize?: boolean | undefined;
  /** Layers that stay in float, by node or initializer name. */
  readonly float?: readonly string[] | undefined;
}

/** What runs on integers. */
export type Int8Mode = (typeof MODES)[number];
/** How ranges are chosen. */
export type Ranges = (typeof RANGES)[number];
/** How weights are rounded. */
export type Rounding = (typeof ROUNDINGS)[number];

/** What is wanted of integers. */
export interface Int8Wishes {
  readonly mode: Int8Mode;
  readonly ranges: Ranges;
  readonly rounding: Rounding;
  readonly bits: 4 | 8;
  /** Undefined where the CPU decides. */
  readonly portable: boolean | undefined;
  /** Undefined where the ranges decide. */
  readonly equalize: boolean | undefined;
  readonly float: readonly string[];
}

/** How ranges are chosen when nobody says. */
const DEFAULT_RANGES: Ranges = 'mse';

/**
 * Checks the options that speak of integers.
 * @param calibrated whether calibration data are given
 * @returns undefined where nothing is to be quantized
 * @throws OnnxPruneError `bad-option`, also for what needs data where there are none
 */
export function checkInt8Options(options: Int8Options, calibrated: boolean): Int8Wishes | undefined {
  const { int8, ranges, rounding, bits, portable, equalize, float } = options;
  if (int8 === undefined || int8 === false) {
    const orphan = ORPHANS.find(([key]) => options[key] !== undefined && !isEmpty(options[key]));
    if (orphan === undefined) return undefined;
    throw new OnnxPruneError(
      'bad-option',
      orphan[1],
      `${orphan[1]} says how to quantize, and nothing is to be quantized; add --int8 (or use "onnx-prune quantize"), or leave it out.`,
    );
  }
  const mode = int8 === true ? 'auto' : parseMode(int8);
  const needsData = (option: string, why: string, instead = ''): void => {
    if (!calibrated)
      throw new OnnxPruneError(
        'bad-option',
        option,
        `${option} ${why}, and no data were given; add --calibration FILE with a few hundred inputs of the model${instead}.`,
      );
  };
  if (mode === 'static')
    needsData(
      '--int8 static',
      'takes the ranges of activations from data',
      ', or take --int8 dynamic, which needs none',
    );
  const chosen = ranges === undefined ? undefined : parseChoice('--ranges', ranges, RANGES);
  if (chosen !== undefined) needsData('--ranges', 'says how the ranges of activations are taken from data');
  const rounds = rounding === undefined ? undefined : parseChoice('--rounding', rounding, ROUNDINGS);
  if (rounds === 'gptq') needsData('--rounding gptq', 'learns from data which errors of rounding matter');
  const width = checkBits(bits, mode);
  return {
    mode,
    ranges: chosen ?? DEFAULT_RANGES,
    // Of 8 bits the nearest is as good, and takes a tenth of the time.
    rounding: rounds ?? (calibrated && width === 4 ? 'gptq' : 'nearest'),
    bits: width,
    portable: portable === undefined ? undefined : parseFlag('portable', portable),
    equalize: equalize === undefined ? undefined : parseFlag('equalize', equalize),
    float: parsePatterns('--float', float ?? []),
  };
}

/** Numbers are no modes; what they were meant for has options of its own. */
function parseMode(found: string): Int8Mode {
  const number = typeof found === 'string' && /^\s*(\d[\d.]*)\s*(%?)\s*$/.exec(found);
  if (!number) return parseChoice('--int8', found, MODES);
  const isBits = number[2] === '' && Number(number[1]) > 1;
  const instead = isBits
    ? 'the bits of weights are --int8 weights --bits 8 or 4'
    : 'all layers that can be are quantized (--float leaves some out), and how much is pruned is --structured or --unstructured';
  throw new OnnxPruneError(
    'bad-option',
    '--int8',
    `--int8 must be one of ${MODES.join(', ')}, but is ${valueText(found)}; ${instead}.`,
  );
}

const ORPHANS = [
  ['ranges', '--ranges'],
  ['rounding', '--rounding'],
  ['bits', '--bits'],
  ['portable', '--portable'],
  ['equalize', '--equalize'],
  ['float', '--float'],
] as const;

function isEmpty(found: unknown): boolean {
  return Array.isArray(found) && found.length === 0;
}

function checkBits(found: number | string | undefined, mode: Int8Mode): 4 | 8 {
  if (found === undefined) return 8;
  const text = String(found);
  // Nothing is near to a number: no guess at what was meant.
  if (text !== '4' && text !== '8')
    throw new OnnxPruneError('bad-option', '--bits', `--bits must be 8 or 4, but is ${valueText(found)}.`);
  const bits = text === '4' ? 4 : 8;
  if (bits === 4 && mode !== 'weights')
    throw new OnnxPruneError(
      'bad-option',
      '--bits',
      '--bits 4 is for weights alone (--int8 weights), since there are no kernels for activations of 4 bits; add --int8 weights, or leave it out.',
    );
  return bits;
}
