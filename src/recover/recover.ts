import type { RuleLookup } from '../channels/couplings.ts';
import type { Model } from '../ir/model.ts';
import { labelOf } from '../ir/node.ts';
import type { Activations } from './activations.ts';
import { readMatrix } from './layer-matrix.ts';
import { type Correction, fitCorrection } from './least-squares.ts';
import type { Lineage } from './lineage.ts';
import { mixChannels } from './mix-channels.ts';
import { type Stop, stopsOf } from './stops.ts';
import { type Visit, Walk } from './walk.ts';

/** What became of one layer. */
export interface RecoveredLayer {
  readonly node: string;
  readonly initializer: string;
  /** Mean square of what its output lacks, and of how its output varies, summed over channels; before and after. */
  readonly before: number;
  /** Null where it cannot be told from what was measured. */
  readonly after: number | null;
  readonly energy: number;
  /** Ridge, as a part of the mean variance of what it reads; null where the weights stayed, or channels were mixed. */
  readonly ridge: number | null;
  /** Damping beyond that, without which what it reads could not be told apart; 0 normally. */
  readonly extra: number;
  /** What of its data was seen: all, the channels as a whole, or nothing, so that at most the bias has changed; and why. */
  readonly by: Stop['sight'];
  readonly reason: string | null;
}

/** What recovering needs. */
export interface RecoverTools {
  readonly activations: Activations;
  readonly ruleOf: RuleLookup;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Makes the layers of a pruned model give again what they gave before, as far as what is left to them can: layer by layer,
 * each on what the layers before it, already corrected, give it, with what the whole model gives as the target.
 *
 * @param options whether weights may change, or biases alone
 */
export async function recover(
  model: Model,
  lineage: Lineage,
  { activations, ruleOf, onProgress }: RecoverTools,
  { matrix }: { readonly matrix: boolean },
): Promise<RecoveredLayer[]> {
  const stops = stopsOf(model, lineage, ruleOf, 'changed');
  const walk = new Walk(model, lineage, stops, activations, ruleOf);
  const layers: RecoveredLayer[] = [];
  for (const [index, stop] of stops.entries()) {
    onProgress?.(index, stops.length);
    const visit = await walk.visit(stop, index, matrix);
    layers.push(correct(walk, stop, visit, lineage, matrix));
  }
  onProgress?.(stops.length, stops.length);
  await walk.finish();
  return layers;
}

function correct(walk: Walk, stop: Stop, visit: Visit, lineage: Lineage, changesMatrix: boolean): RecoveredLayer {
  const { halves, channels, shares, energy, affine } = visit;
  const { node, layer, matrix, sight, reason } = stop;
  const common = { node: labelOf(node), initializer: layer.weight.name, energy, by: sight, reason: reason ?? null };
  const mixed = changesMatrix && channels !== undefined ? mixChannels(stop, channels, visit, lineage) : undefined;
  const correction = fitCorrection(halves, matrix, { affine, matrix: changesMatrix && sight === 'patches' });
  if (mixed !== undefined) {
    walk.apply(stop, mixed);
    return { ...common, before: correction.before, after: null, ridge: null, extra: 0 };
  }
  const isChanged = Number.isFinite(correction.ridge);
  walk.apply(stop, {
    matrix: isChanged ? corrected(stop, correction, shares) : undefined,
    shift: correction.bias.map((each, row) => each * (shares[row] as number)),
  });
  return {
    ...common,
    before: correction.before,
    after: correction.after,
    ridge: isChanged ? correction.ridge : null,
    extra: correction.extra,
  };
}

/** The matrix of a layer with a correction of what is looked at. @param shares see `Visit` */
export function corrected({ layer, matrix }: Stop, correction: Correction, shares: Float64Array): Float64Array {
  const elements = readMatrix(matrix);
  correction.matrix.forEach((each, i) => {
    const share = shares[Math.floor(i / matrix.features)] as number;
    elements[i] = (elements[i] as number) + (share * each) / layer.gain;
  });
  return elements;
}
