import { OnnxPruneError } from '../errors.ts';
import type { Fact, ShapeOracle } from '../ir/facts.ts';
import { exportModel, type Model } from '../ir/model.ts';
import type { Dim } from '../ir/value.ts';

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
    if (declared !== undefined && inferred !== undefined && contradicts(declared, inferred))
      graph.forgetDeclaration(value);
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

function contradicts(declared: readonly Dim[], inferred: readonly Dim[]): boolean {
  if (declared.length !== inferred.length) return true;
  return declared.some((dim, i) => typeof dim === 'number' && typeof inferred[i] === 'number' && dim !== inferred[i]);
}
