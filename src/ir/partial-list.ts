import { intAttribute } from './attributes.ts';
import type { Graph } from './graph.ts';
import { Tensor } from './tensor.ts';
import { dimsOf, type Value } from './value.ts';

/** The elements of a list of integers that is put together at run time: undefined where they are computed. */
export type PartialList = readonly (number | undefined)[];

/** A part of such a list that one tensor gives. */
interface Piece {
  readonly value: Value;
  readonly elements: PartialList;
}

/** The parts that a Concat puts together; the list itself where none does; undefined where the length of one is unknown. */
function piecesOf(list: Value): Piece[] | undefined {
  const concat = list.producer?.opType === 'Concat' && list.producer.domain === '' ? list.producer : undefined;
  const pieces: Piece[] = [];
  for (const value of concat?.inputs ?? [list]) {
    if (value === undefined) continue;
    const dims = dimsOf(value);
    const [length] = dims ?? [];
    if (dims?.length !== 1 || typeof length !== 'number') return undefined;
    pieces.push({ value, elements: value.tensor?.integers() ?? new Array<undefined>(length).fill(undefined) });
  }
  return pieces;
}

/**
 * What is known of the elements of a list of integers, such as the target of a Reshape whose batch is computed: those that
 * a Concat takes from constants. Undefined where not even the length is known.
 */
export function elementsOf(list: Value): PartialList | undefined {
  return piecesOf(list)?.flatMap(({ elements }) => elements);
}

/**
 * A list with the given numbers at their places and what the other list has at the places that are left undefined.
 * @param list int64 [elements.length]
 */
export function withElements(graph: Graph, list: Value, elements: PartialList): Value {
  const pieces = piecesOf(list) ?? [{ value: list, elements: elements.map(() => undefined) }];
  const parts: Value[] = [];
  let constants: number[] = [];
  const name = (suffix: string): string => graph.uniqueName(`${list.name}_${suffix}`);
  const flush = (): void => {
    if (constants.length > 0) parts.push(graph.addInitializer(`${list.name}_known`, Tensor.ofIntegers(constants)));
    constants = [];
  };
  let at = 0;
  for (const piece of pieces) {
    const wanted = piece.elements.map((known, i) => elements[at + i] ?? known);
    at += wanted.length;
    for (let i = 0; i < wanted.length; ) {
      const known = wanted[i];
      if (known !== undefined) {
        constants.push(known);
        i++;
        continue;
      }
      flush();
      let end = i;
      while (end < wanted.length && wanted[end] === undefined) end++;
      parts.push(end - i === wanted.length ? piece.value : pick(graph, piece.value, i, end, name('open')));
      i = end;
    }
  }
  flush();
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = graph.addNode(
    { opType: 'Concat', name: name('known_in_part'), inputs: parts, attributes: [intAttribute('axis', 0)] },
    [name('known_in_part')],
  ).outputs[0];
  if (whole === undefined) return list;
  graph.setType(whole, { type: 'int64', dims: [elements.length] });
  return whole;
}

/** Elements [from, to) of a list. */
function pick(graph: Graph, list: Value, from: number, to: number, name: string): Value {
  const places = Array.from({ length: to - from }, (_, i) => from + i);
  const indices = graph.addInitializer(`${name}_places`, Tensor.ofIntegers(places));
  const picked = graph.addNode({ opType: 'Gather', name, inputs: [list, indices] }, [name]).outputs[0] ?? list;
  graph.setType(picked, { type: 'int64', dims: [places.length] });
  return picked;
}
