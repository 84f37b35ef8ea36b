import type { Int8Mode, Ranges } from './options/int8-options.ts';
import type { EqualizedSite } from './quantize/equalize/equalize.ts';
import type { IntegerKind } from './quantize/kinds.ts';

/** A weight that is stored as integers. */
export interface QuantizedLayer {
  readonly node: string;
  readonly initializer: string;
  /** How its node runs: on integers of ranges from data, of ranges as data come, or on floats that the weights are widened to. */
  readonly how: IntegerKind;
  readonly bits: 4 | 8;
  readonly weights: number;
  /**
   * Mean square of what its output lacks of the original's, and of how that varies, summed over channels; null where nothing was
   * measured.
   */
  readonly after: number | null;
  readonly energy: number | null;
  /** Rounded to the nearest integer, or so that errors cancel on calibration data. */
  readonly rounding: 'nearest' | 'gptq';
}

/** A layer that stays in float. */
export interface FloatLayer {
  readonly node: string;
  readonly operator: string;
  /** Ends the sentence "… stays in float because …". */
  readonly reason: string;
}

/** What became of a model's numbers. */
export interface QuantizeReport {
  readonly asked: Int8Mode;
  /** Why the model was left as it is; null where it was quantized. */
  readonly untouched: string | null;
  /** In executable order. */
  readonly layers: readonly QuantizedLayer[];
  readonly floats: readonly FloatLayer[];
  /** Activations that are integers with scales from data, how many different scales they have, and how those were chosen; null where none are. */
  readonly activations: { readonly values: number; readonly scales: number; readonly ranges: Ranges } | null;
  /** Values whose channels were scaled so that their ranges are alike, which changes no output. */
  readonly equalized: readonly EqualizedSite[];
  /** Calibration samples; 0 where nothing was measured. */
  readonly samples: number;
  /** Whether weights keep to what CPUs without int8 instructions can sum up. */
  readonly portable: boolean;
  /** Layers of which some sums may overflow on such CPUs. */
  readonly overflowing: number;
  /** Batch normalizations, and nodes that multiply by constants or add them, that were taken into layers. */
  readonly folded: number;
}

/** Operator sets before and after. */
export interface OpsetChange {
  readonly from: number;
  readonly to: number;
}
