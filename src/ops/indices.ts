import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf, lengthOf, type Value } from '../ir/value.ts';
import { type Keep, take } from '../numeric/take.ts';
import { axis, input } from './coupling.ts';
import { fromFront, integersLike, setConstant } from './parameters.ts';
import type { Kept } from './rule.ts';

/** One axis of the data that an operator looks up or writes by index. */
export interface Indexed {
  /** The axis of the data. */
  readonly dim: number;
  /** The axis of the indices along which they name other and other positions. */
  readonly along: number;
  /** The position of the data at each position of that axis, counted from the front. */
  readonly positions: readonly number[];
}

/** How the integers of a constant are laid out: tuples of `size` integers, and the data axis that each part is for. */
interface Layout {
  readonly size: number;
  dimOf(part: number): number;
}

/**
 * The data axes that constant indices follow position by position: one part of every index tuple depends on the place
 * along a single axis of the indices, as in a grid of rows and columns. Others are absent.
 */
export function followIndices(data: Value, indices: Value, layout: Layout): Indexed[] {
  const { tensor } = indices;
  if (tensor === undefined) return [];
  const all = tensor.integers();
  const places = layout.size === 1 ? tensor.dims : tensor.dims.slice(0, -1);
  const followed: Indexed[] = [];
  for (let part = 0; part < layout.size; part++) {
    const dim = layout.dimOf(part);
    const length = lengthOf(axis(data, dim));
    const own = all.filter((_, i) => i % layout.size === part);
    for (let along = 0; along < places.length && length !== undefined; along++) {
      const positions = (places[along] ?? 1) > 1 ? alongOne(own, places, along) : undefined;
      if (positions === undefined) continue;
      followed.push({ dim, along, positions: positions.map((position) => fromFront(position, length)) });
      break;
    }
  }
  return followed;
}

/** The integers of a tensor by their place along one axis; undefined where they depend on their place along others too. */
function alongOne(integers: readonly number[], dims: readonly number[], along: number): number[] | undefined {
  const length = dims[along] ?? 1;
  const stride = dims.slice(along + 1).reduce((product, dim) => product * dim, 1);
  const first = Array.from({ length }, (_, place) => integers[place * stride] ?? 0);
  return integers.every((each, i) => each === first[Math.floor(i / stride) % length]) ? first : undefined;
}

/** Writes constant indices anew where data axes that they point into lost positions. */
export function renumberIndices(
  node: Node,
  kept: Kept,
  graph: Graph,
  indices: { readonly input: number; readonly layout: Layout },
): void {
  const [data, value] = [input(node, 0), input(node, indices.input)];
  const { tensor } = value;
  if (tensor === undefined || tensor.size === 0) return;
  const { size, dimOf } = indices.layout;
  const parts = Array.from({ length: size }, (_, part) => {
    const place = axis(data, dimOf(part));
    const stay = kept(place);
    return stay && { length: lengthOf(place) ?? 0, after: new Map(stay.map((before, after) => [before, after])) };
  });
  if (parts.every((part) => part === undefined)) return;
  // The tensor's own axes shrink with what it indexes, and what a repair writes is not cut again.
  const keeps: Keep[] = [];
  const dims = tensor.dims.map((length, dim) => {
    const stay = kept(axis(value, dim));
    if (stay !== undefined) keeps.push({ axis: dim, indices: stay });
    return stay?.length ?? length;
  });
  const left = tensor.withData(dims, take(tensor.raw(), tensor.dims, tensor.byteLength / tensor.size, keeps));
  const renumbered = left.integers().map((index, i) => {
    const part = parts[i % size];
    return part === undefined ? index : (part.after.get(fromFront(index, part.length)) ?? 0);
  });
  setConstant(graph, node, { attribute: 'indices', input: indices.input }, integersLike(value, renumbered, dims));
}

/** Tuples of as many integers as the last axis of the indices is long, for the data axes from `first` on. */
export function tuples(indices: Value, first: number): Layout | undefined {
  const size = dimsOf(indices)?.at(-1);
  return typeof size === 'number' ? { size, dimOf: (part) => first + part } : undefined;
}

/** Single integers, all for the same data axis. */
export function singles(dim: number): Layout {
  return { size: 1, dimOf: () => dim };
}
