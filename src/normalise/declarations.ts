import { OnnxPruneError } from '../errors.ts';
import type { Fact, ShapeOracle } from '../ir/facts.ts';
import type { Graph } from '../ir/graph.ts';
import { typeOf } from '../ir/import.ts';
import { exportModel, type Model } from '../ir/model.ts';
import { graphsIn } from '../ir/node.ts';
import { type Dim, dimsOf } from '../ir/value.ts';

/**
 * Forgets what the file declares of values between nodes where it is not so: programs that change a model leave the shapes of
 * before in it, which runtimes pass over, but which fold into wrong constants if they are believed. What nobody can infer
 * stays as it is declared.
 */
export async function forgetFalseDeclarations(model: Model, oracle: ShapeOracle): Promise<void> {
  const { graph } = model;
  if ((graph.proto.valueInfo ?? []).length === 0) return;
  const facts = await inferPlainly(model, oracle);
  const ends = new Set([...graph.inputs, ...graph.outputs]);
  for (const value of graph.values) {
    const [declared, inferred] = [value.type?.dims, facts.get(value.name)?.dims];
    if (value.info === undefined || value.tensor !== undefined || ends.has(value)) continue;
    if (!contradicts(declared, inferred)) continue;
    graph.forgetDeclaration(value);
    graph.setType(value, value.type && { type: value.type.type });
  }
}

/**
 * Forgets what bodies declare of their values where more is known by now, and something else: the runtime makes room by what is
 * declared, and a declaration that is mended in part would look true. The ends of bodies go by their places, so that they
 * need no declaration.
 *
 * @param graph with the facts of its bodies
 */
export function forgetFalseEnds(graph: Graph): void {
  for (const body of graphsIn(graph)) {
    if (body === graph) continue;
    for (const value of body.values)
      if (value.info !== undefined && contradicts(typeOf(value.info)?.dims, dimsOf(value)))
        body.forgetDeclaration(value);
  }
}

/** What follows from inputs and initializers alone; nothing where the runtime does not accept the model without declarations. */
async function inferPlainly(model: Model, oracle: ShapeOracle): Promise<ReadonlyMap<string, Fact>> {
  const proto = exportModel(model);
  if (proto.graph) proto.graph.valueInfo = [];
  try {
    return await oracle.inferShapes(proto);
  } catch (error) {
    if (error instanceof OnnxPruneError && error.code === 'runtime-refused') return new Map();
    throw error;
  }
}

function contradicts(declared: readonly Dim[] | undefined, inferred: readonly Dim[] | undefined): boolean {
  if (declared === undefined || inferred === undefined) return false;
  if (declared.length !== inferred.length) return true;
  return declared.some((dim, i) => typeof dim === 'number' && typeof inferred[i] === 'number' && dim !== inferred[i]);
}
