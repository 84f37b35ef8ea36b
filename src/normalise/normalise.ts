import { checkGraph } from '../ir/check.ts';
import { checkExtents } from '../ir/check-extents.ts';
import { declarationOf } from '../ir/export.ts';
import { applyFacts, applyObservations, type Engine } from '../ir/facts.ts';
import type { Graph } from '../ir/graph.ts';
import { exportModel, type Model } from '../ir/model.ts';
import { graphsIn, subgraphsOf } from '../ir/node.ts';
import type { Dim } from '../ir/value.ts';
import type { ModelProto } from '../onnx/messages.ts';
import { inferBodies } from './body-facts.ts';
import { inlineBranches } from './constant-branches.ts';
import { constantNodesToInitializers } from './constant-nodes.ts';
import { shapedByData } from './data-dependence.ts';
import { removeDeadCode } from './dead-code.ts';
import { forgetFalseDeclarations, forgetFalseEnds } from './declarations.ts';
import { distinctNames } from './distinct-names.ts';
import { foldConstants } from './fold-constants.ts';
import { removeIdentities } from './identities.ts';
import { inlineFunctions } from './inline-functions.ts';
import { settleShapes } from './shape-chains.ts';
import { untieVectors } from './shared-vectors.ts';
import { freeKnownLengths } from './stretched.ts';

/** Rounds of folding and asking anew; each resolves one more layer of shapes that depend on shapes. */
const MOST_ROUNDS = 4;
/** Times that dims are looked at by running the model. */
const MOST_LOOKS = 3;

/**
 * Brings a model into the one form that rules read: constants are initializers, shape arithmetic is settled as far as
 * lengths are known, nothing is dead, and every value has the type and dims that the oracle can give. Outputs stay equal.
 *
 * @returns whether anything was folded or rewired, beyond moving constants and dropping what is dead
 * @throws OnnxPruneError as {@link checkExtents} does, before anything of the model is run
 */
export async function normalise(model: Model, engine: Engine): Promise<boolean> {
  const { graph } = model;
  nameOpenDims(graph);
  let changed = inlineFunctions(model);
  for (const each of graphsIn(graph)) {
    constantNodesToInitializers(each);
    changed = removeIdentities(each) || changed;
  }
  distinctNames(graph);
  for (const each of graphsIn(graph)) untieVectors(each);
  removeDeadCode(graph);
  checkGraph(graph, 'constants to initializers');
  await forgetFalseDeclarations(model, engine);
  changed = (await settle(model, engine)) || changed;
  for (let look = 0; look < MOST_LOOKS; look++) {
    const unknown = valuesOfUnknownDims(graph);
    if (unknown.length === 0) break;
    applyObservations(graph, await engine.observeShapes(withOpenDims(model, exportModel(model, 'embed')), unknown));
    // What is settled by what was seen may have values of its own to look at.
    if (!(await settle(model, engine))) break;
    changed = true;
  }
  forgetFalseEnds(graph);
  let freed = false;
  for (const each of graphsIn(graph)) freed = freeKnownLengths(each) || freed;
  if (freed) {
    removeDeadCode(graph);
    checkGraph(graph, 'freeing known lengths');
    changed = true;
  }
  return changed;
}

/** Folds what the oracle's answers allow, and asks again, until nothing more folds. */
async function settle(model: Model, engine: Engine): Promise<boolean> {
  const { graph } = model;
  let changed = false;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    applyFacts(graph, await engine.inferShapes(forOracle(model)));
    const learnt = await inferBodies(model, graph, engine);
    checkExtents(graph);
    let rewired = settleShapes(graph);
    for (const each of graphsIn(graph)) rewired = (await foldConstants(model, each, engine)) || rewired;
    rewired = inlineBranches(graph) || rewired;
    if (!learnt && !rewired) break;
    if (!rewired) continue;
    changed = true;
    removeDeadCode(graph);
    checkGraph(graph, 'folding shapes');
  }
  return changed;
}

/**
 * Gives the open dims of inputs that have no name one each, so that what has the same length by construction is known to.
 * The names are ours alone: the file keeps what it declares.
 */
function nameOpenDims(graph: Graph): void {
  for (const value of graph.inputs) {
    const { type, tensor } = value;
    if (tensor !== undefined || !type?.dims?.includes(undefined)) continue;
    graph.setType(value, { type: type.type, dims: type.dims.map((dim, i) => dim ?? `${value.name}[${i}]`) });
  }
}

/** The message with declarations of the inputs as they are known now. */
function withOpenDims({ graph }: Model, proto: ModelProto): ModelProto {
  if (proto.graph) proto.graph.input = graph.inputs.map(declarationOf);
  return proto;
}

/** The model as the oracle should see it: with names of open dims, and with what came to light of the results of bodies. */
function forOracle(model: Model): ModelProto {
  const proto = withOpenDims(model, exportModel(model));
  const results = [...model.graph.nodes].flatMap((node) => (subgraphsOf(node).length > 0 ? node.outputs : []));
  const declared = new Set([...(proto.graph?.valueInfo ?? []), ...(proto.graph?.output ?? [])].map(({ name }) => name));
  const news = results.filter((value) => value?.type?.dims !== undefined && !declared.has(value.name));
  if (proto.graph)
    proto.graph.valueInfo = [
      ...(proto.graph.valueInfo ?? []),
      ...news.flatMap((value) => (value === undefined ? [] : [declarationOf(value)])),
    ];
  return proto;
}

/**
 * Tensors that nodes make and of whose dims some are unknown, though sizes alone decide them. None where only first dims are: those count samples, which
 * nothing here needs to know, and looking means running the model.
 */
function valuesOfUnknownDims(graph: Graph): string[] {
  const unknown: { readonly name: string; readonly dims: readonly Dim[] | undefined }[] = [];
  const elusive = shapedByData(graph);
  for (const node of graph.nodes) {
    for (const value of node.outputs) {
      const type = value?.type;
      if (value === undefined || type === undefined || elusive.has(value)) continue;
      if (type.dims === undefined || type.dims.includes(undefined)) unknown.push({ name: value.name, dims: type.dims });
    }
  }
  return unknown.some(({ dims }) => dims === undefined || dims.indexOf(undefined, 1) > 0)
    ? unknown.map(({ name }) => name)
    : [];
}
