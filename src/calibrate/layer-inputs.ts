import { inputVariables } from '../criteria/formula/layer-variables.ts';
import type { MeasuredInputs } from '../criteria/formula/score-weight.ts';
import type { Model } from '../ir/model.ts';
import { nodesIn } from '../ir/node.ts';
import type { Value } from '../ir/value.ts';
import { sourceOfConstant } from '../ops/made-of-constants.ts';
import { ruleOf } from '../ops/rules.ts';
import type { Site } from '../transforms/activation-statistics.ts';
import { type CalibrationRun, measureActivations } from './activations.ts';
import type { CalibrationBatches } from './batches.ts';

/**
 * Measures what the linear layers of a model read, on calibration data; see `measureActivations`.
 * A weight that several layers share has the statistics of the first of them.
 */
export async function measureLayerInputs(
  model: Model,
  batches: CalibrationBatches,
  run: CalibrationRun,
): Promise<MeasuredInputs> {
  const sites = new Map<Value, Site>();
  for (const node of nodesIn(model.graph)) {
    const layer = ruleOf(node).layer?.(node);
    const weight = layer && sourceOfConstant(layer.weight);
    if (layer !== undefined && weight !== undefined && !sites.has(weight)) sites.set(weight, layer.data);
  }
  const measured = await measureActivations(model, [...sites.values()], batches, run);
  return new Map(
    [...sites].flatMap(([weight, { value }]) => {
      const statistics = measured.get(value);
      return statistics === undefined ? [] : [[weight, inputVariables(statistics)] as const];
    }),
  );
}
