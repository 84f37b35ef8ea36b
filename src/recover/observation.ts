import type { RuleLookup } from '../channels/couplings.ts';
import { dimsOf, lengthOf, type Value } from '../ir/value.ts';
import { sameLength } from '../ops/coupling.ts';
import type { Layer } from '../ops/rule.ts';

/** Where the output of a layer is looked at: a value that is the layer's output times a gain, plus what others add. */
export interface Observation {
  readonly value: Value;
  /** Its axis along the layer's output channels. */
  readonly dim: number;
  /** What one of the layer's output counts in it, per channel. */
  readonly gain: Float64Array;
}

/**
 * Follows the output of a layer through sums and per-channel gains and offsets, as long as nobody else reads it: where
 * a residual stream takes it up, at last. What is off there, whatever it comes from, the layer can correct.
 * @returns every place on the way, the layer's own output first
 */
export function observationsOf({ out, gain }: Layer, ruleOf: RuleLookup): Observation[] {
  const length = lengthOf(out);
  const rank = dimsOf(out.value)?.length;
  if (length === undefined || rank === undefined) return [];
  const dim = out.dim;
  let at: Observation = { value: out.value, dim, gain: new Float64Array(length).fill(1) };
  const places = [at];
  for (let next = follow(at, ruleOf); next !== undefined; next = follow(at, ruleOf)) {
    at = next;
    places.push(at);
  }
  return gain === 0 ? [] : places;
}

function follow({ value, dim, gain }: Observation, ruleOf: RuleLookup): Observation | undefined {
  const [reader, ...others] = value.uses;
  if (reader === undefined || others.length > 0 || reader.graph.isOutput(value) || !reader.graph.owns(value))
    return undefined;
  const index = reader.inputs.indexOf(value);
  const [out] = reader.outputs;
  if (out === undefined || reader.inputs.lastIndexOf(value) !== index || !isAlike(value, out)) return undefined;
  const rule = ruleOf(reader);
  const term = rule.terms?.(reader)?.[index];
  if (term !== undefined) return { value: out, dim, gain: gain.map((each) => each * term) };
  const passage = rule.passage?.(reader);
  if (passage?.kind !== 'affine' || index !== 0 || passage.dim !== dim || passage.gain.length !== gain.length)
    return undefined;
  return { value: out, dim, gain: gain.map((each, channel) => each * (passage.gain[channel] as number)) };
}

/** Whether two values have the same known lengths along every axis, so that neither is stretched to the other. */
function isAlike(a: Value, b: Value): boolean {
  const [dimsA, dimsB] = [dimsOf(a), dimsOf(b)];
  return dimsA?.length === dimsB?.length && (dimsA ?? []).every((length, dim) => sameLength(length, dimsB?.[dim]));
}
