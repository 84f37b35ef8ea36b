import { string } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { type Axis, dimsOf } from '../ir/value.ts';
import {
  axis,
  CouplingBuilder,
  contract,
  countedLength,
  input,
  output,
  pinAll,
  pinUnranked,
  rankOf,
} from './coupling.ts';
import type { Coupling, OpRule } from './rule.ts';

/** The labels of an equation's operands and of its result; undefined where it uses an ellipsis or a diagonal. */
function labelsOf(node: Node): { operands: string[]; result: string } | undefined {
  const equation = string(node, 'equation', '').replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const operands = left.split(',');
  const all = [...operands, right ?? ''];
  if (equation.includes('.') || all.some((labels) => new Set(labels).size !== labels.length)) return undefined;
  // Without an arrow the result has the labels that stand once, in alphabetical order.
  const once = [...left.replaceAll(',', '')].filter(
    (label, _, letters) => letters.filter((each) => each === label).length === 1,
  );
  return { operands, result: right ?? once.sort().join('') };
}

/**
 * One letter is one axis everywhere it stands; letters that the result lacks are summed over.
 * Source: ONNX operator Einsum, after numpy.einsum.
 */
function coupleEinsum(node: Node): Coupling {
  const labels = labelsOf(node);
  const out = output(node);
  if (labels === undefined) return pinAll(node, 'the equation of Einsum has an ellipsis or a diagonal');
  if (
    labels.operands.some((letters, i) => rankOf(input(node, i)) !== letters.length) ||
    rankOf(out) !== labels.result.length
  ) {
    return pinUnranked(node);
  }
  const coupling = new CouplingBuilder();
  const places = new Map<string, { input: number; axis: Axis }[]>();
  const isProduct = node.inputs.filter((value) => value !== undefined && value.tensor === undefined).length > 1;
  labels.operands.forEach((letters, i) => {
    [...letters].forEach((letter, dim) => {
      const known = places.get(letter) ?? [];
      known.push({ input: i, axis: axis(input(node, i), dim) });
      places.set(letter, known);
    });
  });
  for (const [letter, operands] of places) {
    const dim = labels.result.indexOf(letter);
    const [first, ...others] = operands;
    if (first === undefined) continue;
    for (const other of others) coupling.same(other.axis, first.axis);
    if (dim < 0) contract(coupling, operands);
    else coupling.same(first.axis, axis(out, dim));
    const computed = operands.filter((operand) => operand.axis.value.tensor === undefined);
    if (isProduct) (dim >= 0 && computed.length > 1 ? coupling.batched : coupling.inside).push(first.axis);
  }
  return coupling;
}

const einsum: OpRule = {
  domain: '',
  opTypes: ['Einsum'],
  couple: coupleEinsum,
  macs(node) {
    const lengths = new Map<string, number>();
    labelsOf(node)?.operands.forEach((letters, i) => {
      [...letters].forEach((letter, dim) => {
        lengths.set(letter, countedLength(dimsOf(input(node, i))?.[dim]));
      });
    });
    return lengths.size === 0 ? undefined : [...lengths.values()].reduce((macs, length) => macs * length, 1);
  },
};

export const einsumRules: readonly OpRule[] = [einsum];
