import { expect } from 'vitest';
import { checkGraph } from '../../src/ir/check.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { labelOf, type Node, nodesIn } from '../../src/ir/node.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import type { BlockFormat, RoundedMatrix, WeightMatrix } from '../../src/ops/rounded-form.ts';
import type { OpRule } from '../../src/ops/rule.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { dynamicSites } from '../../src/quantize/dynamic.ts';
import { applySites, type RoundedSites, weightReader } from '../../src/quantize/sites.ts';
import { weightOnlySites } from '../../src/quantize/weight-only.ts';
import { type Feeds, type HostTensor, type RuntimeChild, run } from '../../src/runtime/index.ts';
import type { ModelBuilder } from '../support/build.ts';
import { inputsOf } from '../support/model-parts.ts';
import { nearest, weightsOf } from '../support/round-nearest.ts';

type Find = (graph: Graph, rules: (node: Node) => OpRule) => RoundedSites;

export const dynamic: Find = dynamicSites;
export const inBlocks =
  (format: BlockFormat): Find =>
  (graph, rules) =>
    weightOnlySites(graph, rules, format);

/** A weight, and what its numbers were and are. */
export interface RoundedWeight {
  readonly matrix: WeightMatrix;
  readonly before: ArrayLike<number>;
  readonly after: readonly number[];
}

export interface RoundedModel {
  readonly model: Model;
  readonly bytes: Uint8Array;
  readonly weights: readonly RoundedWeight[];
  /** Why nodes stay, by their names. */
  readonly kept: Readonly<Record<string, string>>;
}

/** A model with all that can be written in a form written so. */
export function rounded(b: ModelBuilder, find: Find, format?: BlockFormat): RoundedModel {
  const model = importModel(decodeModel(b.bytes()));
  const { sites, kept } = find(model.graph, ruleOf);
  const round = nearest(format && { most: 2 ** (format.bits - 1) - 1, block: format.size });
  const matrices = [...new Set(sites.flatMap(({ weights }) => weights))];
  const weights = matrices.map((matrix) => ({
    matrix,
    before: weightReader(matrix)(0, matrix.rows),
    after: weightsOf(round(matrix), matrix, format?.size),
  }));
  const reasons = Object.fromEntries(kept.map(({ node, reason }) => [labelOf(node), reason]));
  applySites(model.graph, sites, round satisfies (matrix: WeightMatrix) => RoundedMatrix);
  checkGraph(model.graph);
  return { model, bytes: encodeModel(exportModel(model)), weights, kept: reasons };
}

/** The operators of a model, sorted. */
export function operatorsOf(model: Model): string[] {
  return nodesIn(model.graph)
    .map(({ opType }) => opType)
    .sort();
}

/** What a model gives, before and after, for the same random inputs. */
export async function bothOutputs(b: ModelBuilder, bytes: Uint8Array, child: RuntimeChild): Promise<Compared[]> {
  const feeds = inputsOf(importModel(decodeModel(b.bytes())), 7);
  const [before, after] = [await run(child, b.bytes(), feeds), await run(child, bytes, feeds)];
  expect(Object.keys(after)).toEqual(Object.keys(before));
  return Object.entries(before).flatMap(([name, tensor]) => {
    const other = after[name];
    return other === undefined ? [] : [{ name, before: tensor, after: other, feeds }];
  });
}

export interface Compared {
  readonly name: string;
  readonly before: HostTensor;
  readonly after: HostTensor;
  readonly feeds: Feeds;
}

/** The numbers of a tensor. */
export function numbersOf({ data }: HostTensor): number[] {
  return Array.from(data, Number);
}
