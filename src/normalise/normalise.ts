import { checkGraph } from '../ir/check.ts';
import { applyFacts, type Evaluator, type ShapeOracle } from '../ir/facts.ts';
import { exportModel, type Model } from '../ir/model.ts';
import { constantNodesToInitializers } from './constant-nodes.ts';
import { removeDeadCode } from './dead-code.ts';
import { foldConstants } from './fold-constants.ts';
import { removeIdentities } from './identities.ts';
import { settleShapes } from './shape-chains.ts';

/** Rounds of folding and asking anew; each resolves one more layer of shapes that depend on shapes. */
const MOST_ROUNDS = 4;

/**
 * Brings a model into the one form that rules read: constants are initializers, shape arithmetic is settled as far as
 * lengths are known, nothing is dead, and every value has the type and dims that the oracle can give. Outputs stay equal.
 *
 * @returns whether anything was folded or rewired, beyond moving constants and dropping what is dead
 */
export async function normalise(model: Model, engine: ShapeOracle & Evaluator): Promise<boolean> {
  const { graph } = model;
  constantNodesToInitializers(graph);
  let changed = removeIdentities(graph);
  removeDeadCode(graph);
  checkGraph(graph, 'constants to initializers');
  for (let round = 0; round < MOST_ROUNDS; round++) {
    applyFacts(graph, await engine.inferShapes(exportModel(model)));
    const settled = settleShapes(graph);
    const folded = await foldConstants(model, engine);
    if (!settled && !folded) break;
    changed = true;
    removeDeadCode(graph);
    checkGraph(graph, 'folding shapes');
  }
  return changed;
}
