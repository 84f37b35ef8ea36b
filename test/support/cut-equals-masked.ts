import { afterAll, expect } from 'vitest';
import { type BuildOptions, buildChannelMap } from '../../src/channels/build.ts';
import { Cut } from '../../src/channels/cut.ts';
import type { ChannelMap } from '../../src/channels/group.ts';
import { maskModel } from '../../src/channels/masked-model.ts';
import { shrink } from '../../src/channels/shrink.ts';
import { checkGraph } from '../../src/ir/check.ts';
import { cloneModel, exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { initializersIn } from '../../src/ir/node.ts';
import { dimsOf } from '../../src/ir/value.ts';
import { removeDeadCode } from '../../src/normalise/dead-code.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import type { GraphProto, ModelProto, ValueInfoProto } from '../../src/onnx/messages.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import {
  createEngine,
  type Feeds,
  inferShapes,
  makeInputs,
  modelInfo,
  type Proof,
  prove,
  RuntimeChild,
} from '../../src/runtime/index.ts';
import type { ModelBuilder } from './build.ts';
import { createRandom, type Random } from './random.ts';

/** How the property picks and checks. */
export interface CutOptions {
  /** Draws the units and the inputs; default 1. */
  readonly seed?: number;
  /** Fraction of every group that leaves; without it a random part of each, another one for every group. */
  readonly amount?: number;
  /** Size of the batch; default 2. */
  readonly batch?: number;
  /** Sizes of other symbols, default 1. */
  readonly symbols?: Readonly<Record<string, number>>;
  /** Declares the type of every value in the file first, as exporters do that ran shape inference. */
  readonly declared?: boolean;
  /** Accepts outputs that are one number everywhere, as random nets have them. */
  readonly mayBeConstant?: boolean;
  /** Data to run on, instead of random ones. */
  readonly feeds?: readonly Feeds[];
  /** Decisions that the graph leaves open. */
  readonly build?: BuildOptions;
}

/** What came of it. */
export interface CutOutcome {
  readonly map: ChannelMap;
  /** The groups as `name count`, in the map's order. */
  readonly groups: readonly string[];
  /** Why the outgoing channels of a weight stay, by the name of the weight. */
  readonly refusals: Readonly<Record<string, string>>;
  /** Units removed. */
  readonly removed: number;
  readonly proof: Proof;
  /** The normalised model before the cut. */
  readonly original: Model;
  readonly cutModel: Model;
}

/** The property, bound to a runtime of the test file's own. */
export type CutEqualsMasked = (model: ModelBuilder | Uint8Array, options?: CutOptions) => Promise<CutOutcome>;

/** Gives a test file the property and closes its runtime in the end. */
export function useCutEqualsMasked(): CutEqualsMasked {
  const child = new RuntimeChild();
  afterAll(() => child.close());
  return (model, options = {}) => cutEqualsMasked(child, model instanceof Uint8Array ? model : model.bytes(), options);
}

/**
 * The property that every rule has to satisfy: whichever units leave, the model without them gives the outputs of the
 * model that has them masked; it is consistent, says the truth about its shapes, and keeps its signature.
 */
export async function cutEqualsMasked(
  child: RuntimeChild,
  bytes: Uint8Array,
  options: CutOptions = {},
): Promise<CutOutcome> {
  const { seed = 1 } = options;
  const proto = decodeModel(bytes);
  if (options.declared) await declareAll(proto, child);
  const model = importModel(proto);
  await normalise(model, createEngine(child));
  checkGraph(model.graph, 'normalise');
  const original = cloneModel(model).model;

  const map = buildChannelMap(model.graph, ruleOf, options.build);
  const cut = new Cut(map, chooseUnits(map, createRandom(seed), options.amount));
  const masked = encodeModel(exportModel(maskModel(model, cut)));
  shrink(model.graph, cut, ruleOf);
  removeDeadCode(model.graph);
  checkGraph(model.graph, 'shrink');
  const small = encodeModel(exportModel(model));

  const feeds = options.feeds ?? (await feedsFor(child, original, bytes, options));
  const proof = await prove(child, masked, small, feeds);
  expect(proof, 'cut equals masked').toMatchObject({ passed: true });
  if (!options.mayBeConstant) {
    for (const output of proof.outputs) expect(output, 'the proof says something').toMatchObject({ informative: true });
  }
  await expectTrueShapes(child, model, small);
  expectSameSignature(bytes, small);
  // The proof runs without optimisation; with it the model must load too.
  await modelInfo(child, small);
  const parameters = [countParameters(model), countParameters(original)];
  if (cut.countRemoved > 0) expect(parameters[0], 'parameters left').toBeLessThan(parameters[1] ?? 0);
  else expect(parameters[0], 'parameters left').toBe(parameters[1]);
  return {
    map,
    groups: map.groups.map((group) => `${group.name} ${group.count}`),
    refusals: Object.fromEntries(map.refusals.map((refusal) => [refusal.axis.value.name, refusal.reason])),
    removed: cut.countRemoved,
    proof,
    original,
    cutModel: model,
  };
}

/** Some of every group's units, at least one of which stays. */
export function chooseUnits(map: ChannelMap, random: Random, amount?: number): Uint8Array {
  const removed = new Uint8Array(map.unitCount);
  for (const { first, count } of map.groups) {
    const wish = amount === undefined ? 1 + random.below(count - 1) : Math.round(count * amount);
    const units = Array.from({ length: count }, (_, i) => ({ unit: first + i, lot: random.uniform() }));
    units.sort((a, b) => a.lot - b.lot);
    for (const { unit } of units.slice(0, Math.min(wish, count - 1))) removed[unit] = 1;
  }
  return removed;
}

async function feedsFor(child: RuntimeChild, model: Model, bytes: Uint8Array, options: CutOptions): Promise<Feeds[]> {
  const bounds = new Map<string, number>();
  for (const node of model.graph.nodes) {
    for (const { input, bound } of ruleOf(node).indexes?.(node) ?? []) bounds.set(input.name, bound);
  }
  const { inputs } = await modelInfo(child, bytes);
  const fed = new Set(model.graph.inputs.filter((input) => input.tensor === undefined).map((input) => input.name));
  const specs = inputs.filter((spec) => fed.has(spec.name)).map((spec) => ({ ...spec, bound: bounds.get(spec.name) }));
  const dims = new Map(Object.entries(options.symbols ?? {}));
  const { seed = 1, batch = 2 } = options;
  // Two batches, since a single number is constant over one.
  return [seed, seed + 1000].map((each) => makeInputs(specs, { seed: each, batch, dims }));
}

function countParameters(model: Model): number {
  return [...initializersIn(model.graph)].reduce((sum, value) => sum + (value.tensor?.size ?? 0), 0);
}

/** Every length the cut graph and its file claim is the one that onnxruntime finds when the file claims nothing. */
async function expectTrueShapes(child: RuntimeChild, model: Model, bytes: Uint8Array): Promise<void> {
  const bare = decodeModel(bytes);
  const written = bare.graph?.valueInfo ?? [];
  if (bare.graph !== undefined) bare.graph.valueInfo = [];
  const facts = await inferShapes(bare, child);
  const claims = [...model.graph.values].map((value) => ({ name: value.name, dims: dimsOf(value) }));
  const declarations = written.map((info) => ({ name: info.name ?? '', dims: declaredDims(info) }));
  for (const { name, dims } of [...claims, ...declarations]) {
    const found = facts.get(name)?.dims;
    dims?.forEach((length, dim) => {
      const real = found?.[dim];
      if (typeof length === 'number' && typeof real === 'number')
        expect(length, `length of "${name}" along ${dim}`).toBe(real);
    });
  }
}

function declaredDims(info: ValueInfoProto): (number | undefined)[] | undefined {
  return info.type?.tensorType?.shape?.dim?.map(({ dimValue }) =>
    dimValue === undefined ? undefined : Number(dimValue),
  );
}

function expectSameSignature(before: Uint8Array, after: Uint8Array): void {
  const [was, is] = [before, after].map((bytes) => decodeModel(bytes).graph);
  // Old files list initializers as inputs, and those come, go and shrink like any other.
  const ends = (graph: GraphProto | undefined, end: 'input' | 'output'): ValueInfoProto[] => {
    const constants = new Set((graph?.initializer ?? []).map((tensor) => tensor.name));
    return (graph?.[end] ?? []).filter(({ name }) => !constants.has(name));
  };
  for (const end of ['input', 'output'] as const)
    expect(ends(is, end), `the ${end}s of the graph`).toEqual(ends(was, end));
}

async function declareAll(proto: ModelProto, child: RuntimeChild): Promise<void> {
  const { graph } = proto;
  if (graph === undefined) return;
  const facts = await inferShapes(proto, child);
  const ends = new Set((graph.output ?? []).map((output) => output.name));
  const made = (graph.node ?? []).flatMap((node) => node.output ?? []).filter((name) => !ends.has(name));
  graph.valueInfo = made.flatMap((name) => {
    const fact = facts.get(name);
    if (fact?.dims === undefined) return [];
    const dim = fact.dims.map((length) =>
      typeof length === 'number' ? { dimValue: length } : length === undefined ? {} : { dimParam: length },
    );
    return [{ name, type: { tensorType: { elemType: ELEMENT_TYPES[fact.type] ?? 1, shape: { dim } } } }];
  });
}

const ELEMENT_TYPES: Readonly<Record<string, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
};
