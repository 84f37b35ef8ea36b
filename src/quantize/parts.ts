import { append } from '../ir/append.ts';
import { intAttribute } from '../ir/attributes.ts';
import { bitsOf, dataTypeNumber } from '../ir/data-type.ts';
import { type Extract, extractModel } from '../ir/extract.ts';
import type { Graph } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { elementTypeOf, type Value } from '../ir/value.ts';
import type { Activations, Spread } from '../recover/activations.ts';
import { droppedNames, stageOf } from '../recover/part-stage.ts';
import { Timeline } from '../recover/timeline.ts';

/** How values of a model are looked at. */
export interface PartOptions {
  /** Told after each part of the model how many of the values are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** About how many samples are enough; all where absent. */
  readonly samples?: number | undefined;
  /** Bytes that the values of a part may take for one batch, unless it is a single value; default 64 MiB. */
  readonly limit?: number | undefined;
}

/** What is looked at in a part, by the names of outputs that it was given, and what is done with what was seen. */
export interface Look {
  readonly spread: readonly string[];
  readonly most: readonly string[];
  readonly read: (seen: Spread) => void;
}

const LIMIT = 2 ** 26;
/** Stands before the names of values on their way. */
const SIDE = 'measured';

/**
 * Runs a model part by part, each from what was kept of those before, and looks at values on the way: every node runs once on
 * every batch, and no part gives out more than fits into memory.
 *
 * @param values of which those are looked at that data flow through as float32, float64 or float16; not constants, nor values in bodies
 * @param look adds to a part what is needed to look at a value of the whole
 * @throws OnnxPruneError as `read` does; nothing stays kept then
 */
export async function lookInParts(
  model: Model,
  values: Iterable<Value>,
  activations: Activations,
  { onProgress, samples, limit = LIMIT }: PartOptions,
  look: (part: Extract, value: Value) => Look,
): Promise<void> {
  const flowing = [...new Set(values)].filter((value) => isFlowing(value, model));
  if (flowing.length === 0) return;
  const timeline = new Timeline(model.graph, flowing);
  const inOrder = flowing.toSorted((a, b) => timeline.timeOf(a) - timeline.timeOf(b));
  const sizes = await sizesOf(model, inOrder, activations);
  const drop = async (unread: Iterable<Value>): Promise<void> => {
    const names = droppedNames(unread, SIDE);
    if (names.length > 0) await activations.drop(names);
  };
  let done = 0;
  try {
    for (const wanted of shared(inOrder, sizes, limit)) {
      const given = new Set(timeline.kept);
      const { added, dropped } = timeline.advance(1 + Math.max(...wanted.map((value) => timeline.timeOf(value))));
      const part = extractModel(model, given, [...wanted, ...added]);
      const looks = wanted.map((value) => look(part, value));
      const seen = await activations.spread({
        ...stageOf(part, { side: SIDE, added }),
        samples,
        spread: looks.flatMap(({ spread }) => spread),
        most: looks.flatMap(({ most }) => most),
      });
      await drop(dropped);
      for (const { read } of looks) read(seen);
      done += wanted.length;
      onProgress?.(done, flowing.length);
    }
  } catch (error) {
    // Why it failed matters more than that something stays kept.
    await drop(timeline.kept).catch(() => undefined);
    throw error;
  }
}

/** Makes a value of a graph an output of it. @returns its name */
export function give(graph: Graph, value: Value): string {
  graph.addOutput(value);
  return value.name;
}

/** Whether data flow through a value of the model's own graph, as real numbers that can be given out. */
function isFlowing(value: Value, { graph }: Model): boolean {
  const type = elementTypeOf(value);
  const isReal = type === 'float32' || type === 'float64' || type === 'float16';
  return isReal && value.tensor === undefined && graph.owns(value);
}

/** How many bytes each value takes in the first batch: only running the model tells how long open axes are. */
async function sizesOf(model: Model, values: readonly Value[], activations: Activations): Promise<readonly number[]> {
  const part = extractModel(model, new Set(), values);
  const { graph } = part.model;
  const names = values.map((value) => {
    const size = append(graph, 'size', { opType: 'Size', inputs: [part.twinOf(value)] });
    const attributes = [intAttribute('to', dataTypeNumber('float64'))];
    return give(graph, append(graph, 'length', { opType: 'Cast', inputs: [size], attributes }));
  });
  const { most } = await activations.spread({ ...stageOf(part, { side: SIDE }), samples: 1, spread: [], most: names });
  return values.map((value, i) => {
    const [length = 0] = most.get(names[i] ?? '') ?? [];
    return (length * bitsOf(elementTypeOf(value))) / 8;
  });
}

/** Shares values out, in their order, so that those of a share are not larger than the limit together. */
function shared(values: readonly Value[], sizes: readonly number[], limit: number): Value[][] {
  const shares: Value[][] = [];
  let left = 0;
  values.forEach((value, i) => {
    const size = sizes[i] ?? 0;
    const share = shares.at(-1);
    if (share === undefined || size > left) {
      shares.push([value]);
      left = limit - size;
    } else {
      share.push(value);
      left -= size;
    }
  });
  return shares;
}
