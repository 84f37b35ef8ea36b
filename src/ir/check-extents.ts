import { constants } from 'node:buffer';
import { OnnxPruneError } from '../errors.ts';
import { bitsOf, byteLengthOf } from './data-type.ts';
import type { Graph } from './graph.ts';
import { graphsIn } from './node.ts';
import { elementTypeOf, type Value } from './value.ts';

/** Axes that a value may have: four times as many as NumPy's arrays. What an axis is tied to is looked for at every axis. */
const MOST_AXES = 256;

/**
 * Checks that the model could be run at all: no value whose lengths are all known takes more bytes than a buffer may have (4 GiB in
 * Node 20), and no length is negative. A node of a few bytes can ask for any size (an Expand, a Pad, a graph input), and whoever runs
 * it allocates what it asks for.
 *
 * @throws OnnxPruneError `bad-model` for a negative length, `unsupported` for a value that is too large or has too many axes
 */
export function checkExtents(graph: Graph): void {
  for (const each of graphsIn(graph)) {
    for (const value of each.values) if (value.tensor === undefined) checkExtent(value);
  }
}

function checkExtent(value: Value): void {
  const dims = value.type?.dims;
  if (dims === undefined) return;
  if (dims.length > MOST_AXES) {
    throw new OnnxPruneError(
      'unsupported',
      value.name,
      `Value "${value.name}" has ${dims.length} axes, more than the ${MOST_AXES} that can be handled; export the model with fewer.`,
    );
  }
  let size = 1;
  for (const dim of dims) {
    if (typeof dim !== 'number') return;
    if (dim < 0) {
      throw new OnnxPruneError(
        'bad-model',
        value.name,
        `Value "${value.name}" is declared as [${dims.join(', ')}], where no length may be negative; export the model again.`,
      );
    }
    size *= dim;
  }
  const type = elementTypeOf(value);
  const bytes = bitsOf(type) === 0 ? size : byteLengthOf(type, size);
  if (bytes <= constants.MAX_LENGTH) return;
  throw new OnnxPruneError(
    'unsupported',
    value.name,
    `Value "${value.name}" is ${type}[${dims.join(', ')}], which takes ${bytes} bytes at run time, more than the ${constants.MAX_LENGTH} that can be handled; export the model for smaller inputs.`,
  );
}
