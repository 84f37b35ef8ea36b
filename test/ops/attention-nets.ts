import { type Attributes, ModelBuilder, type ModelOptions } from '../support/build.ts';
import type { CutOptions } from '../support/cut-equals-masked.ts';
import { integers } from './nets.ts';

/** Options of a model with operators of onnxruntime's own domain. */
export const MICROSOFT: ModelOptions = { domains: { 'com.microsoft': 1 } };

/** Dimensions inside heads instead of heads. */
export const DIMENSIONS: CutOptions = { build: { prefer: 'head-dim' } };

/** A node of onnxruntime's own domain with one output. */
export function fused(b: ModelBuilder, opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
  return b.node(opType, inputs, attributes, { domain: 'com.microsoft' });
}

/** As fused, with several outputs. */
export function fusedMany(
  b: ModelBuilder,
  opType: string,
  inputs: readonly string[],
  count: number,
  attributes: Attributes = {},
): string[] {
  return b.nodes(opType, inputs, count, attributes, { domain: 'com.microsoft' });
}

/** tokens of 5 features → as many features as asked, by MatMul and Add. */
export function project(b: ModelBuilder, x: string, name: string, features: number, from = 5): string {
  return b.node('Add', [
    b.node('MatMul', [x, b.weight(name, [from, features], { fanIn: from })]),
    b.vector(`${name}_bias`, features, { std: 0.3 }),
  ]);
}

/** [N, T, H · d] → [N, H, T, d]. */
export function apart(b: ModelBuilder, x: string, heads: number, size: number): string {
  return b.node('Transpose', [b.node('Reshape', [x, integers(b, [0, 0, heads, size])])], { perm: [0, 2, 1, 3] });
}

/** [N, H, T, d] → [N, T, H · d]. */
export function together(b: ModelBuilder, x: string, features: number): string {
  return b.node('Reshape', [b.node('Transpose', [x], { perm: [0, 2, 1, 3] }), integers(b, [0, 0, features])]);
}

/** tokens [2, 6, 5] → the operators under test → "last", which sums over their last axis of `features` → y. */
export function attentionNet(
  features: number,
  middle: (b: ModelBuilder, x: string) => string,
  options: ModelOptions = MICROSOFT,
): ModelBuilder {
  const b = new ModelBuilder(options);
  const x = b.input('tokens', 'float32', [2, 6, 5]);
  b.output(b.node('MatMul', [middle(b, x), b.weight('last', [features, 3], { fanIn: features })]), 'float32');
  return b;
}
