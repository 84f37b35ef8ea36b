import { present } from '../errors.ts';
import { append } from '../ir/append.ts';
import { int, intAttribute } from '../ir/attributes.ts';
import { labelOf } from '../ir/node.ts';
import { type Dim, dimsOf, elementTypeOf } from '../ir/value.ts';
import type { Change } from './change.ts';
import { stemOf } from './edit.ts';

/**
 * Up to operator set 12, Softmax, LogSoftmax and Hardmax see a matrix: the axes before `axis` (default 1) are its rows, all
 * from there on its columns. Since 13 they go along one axis (default the last). The same where every axis from `axis` on
 * but one has length 1; elsewhere the input is made a matrix and the result given its shape back.
 */
export const oneAxis: Change = (node) => {
  const { graph } = node;
  const input = present(node.inputs[0], `the input of "${labelOf(node)}"`);
  const axis = int(node, 'axis', 1);
  const alone = soleAxis(dimsOf(input), axis);
  if (alone !== undefined) {
    graph.setAttribute(node, intAttribute('axis', alone));
    return alone === axis ? undefined : `goes along axis ${alone}`;
  }
  const stem = stemOf(node);
  const shape = append(graph, `${stem}_shape`, { opType: 'Shape', inputs: [input] });
  const attributes = [intAttribute('axis', axis)];
  const matrix = append(graph, `${stem}_matrix`, { opType: 'Flatten', inputs: [input], attributes });
  const outputs = graph.takeOutputs(node);
  const rows = graph.addValue(graph.uniqueName(`${stem}_rows`));
  const dims = dimsOf(input);
  graph.setType(shape, { type: 'int64', dims: [dims?.length] });
  const type = { type: elementTypeOf(input), dims: [dims?.slice(0, axis), dims?.slice(axis)].map(productOf) };
  for (const value of [matrix, rows]) graph.setType(value, type);
  graph.insertNode(node.proto, [matrix], [rows], [{ proto: intAttribute('axis', -1), graphs: [] }]);
  const name = graph.uniqueName(`${stem}_reshape`);
  graph.insertNode({ opType: 'Reshape', name }, [rows, shape], outputs, []);
  return `sees a matrix of the axes before ${axis} and those from there on, made by Flatten`;
};

/** The one axis from `axis` on that has another length than 1; undefined where that is not known, or there are several. */
function soleAxis(dims: readonly Dim[] | undefined, axis: number): number | undefined {
  if (axis === -1) return axis;
  if (dims === undefined) return undefined;
  const first = axis < 0 ? axis + dims.length : axis;
  if (first >= dims.length) return undefined;
  const long = dims.flatMap((dim, i) => (i >= first && dim !== 1 ? [i] : []));
  return long.length < 2 ? (long[0] ?? first) : undefined;
}

function productOf(dims: readonly Dim[] | undefined): Dim {
  return dims?.reduce<Dim>(
    (size, dim) => (typeof size === 'number' && typeof dim === 'number' ? size * dim : undefined),
    1,
  );
}
