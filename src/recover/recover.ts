import type { RuleLookup } from '../channels/couplings.ts';
import type { Model } from '../ir/model.ts';
import { labelOf } from '../ir/node.ts';
import type { Activations } from './activations.ts';
import { readMatrix } from './layer-matrix.ts';
import { type Correction, fitCorrection } from './least-squares.ts';
import type { Lineage } from './lineage.ts';
import { type Stop, stopsOf } from './stops.ts';
import { type Visit, Walk } from './walk.ts';

/** What became of one layer. */
export interface RecoveredLayer {
  readonly node: string;
  readonly initializer: string;
  /** Mean square of what its output lacks, and of how its output varies, summed over channels; before and after. */
  readonly before: number;
  readonly after: number;
  readonly energy: number;
  readonly ridge: number | null;
  readonly extra: number;
  readonly fixed: string | null;
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
    const visit = await walk.visit(stop, index);
    layers.push(correct(walk, stop, visit, matrix));
  }
  onProgress?.(stops.length, stops.length);
  await walk.finish();
  return layers;
}

function correct(walk: Walk, stop: Stop, { halves, energy, affine }: Visit, changesMatrix: boolean): RecoveredLayer {
  const { node, layer, matrix, fixed } = stop;
  const correction = fitCorrection(halves, matrix, { affine, matrix: changesMatrix && fixed === undefined });
  const isChanged = Number.isFinite(correction.ridge);
  walk.apply(stop, { matrix: isChanged ? corrected(stop, correction) : undefined, shift: correction.bias });
  return {
    node: labelOf(node),
    initializer: layer.weight.name,
    before: correction.before,
    after: correction.after,
    energy,
    ridge: isChanged ? correction.ridge : null,
    extra: correction.extra,
    fixed: fixed ?? null,
  };
}

/** The matrix of a layer with a correction of its outputs. */
export function corrected({ layer, matrix }: Stop, correction: Correction): Float64Array {
  const elements = readMatrix(matrix);
  correction.matrix.forEach((each, i) => {
    elements[i] = (elements[i] as number) + each / layer.gain;
  });
  return elements;
}
