import type { Extract } from '../ir/extract.ts';
import type { Value } from '../ir/value.ts';
import type { PartStage } from './activations.ts';

/** What becomes of the ends of a part. */
export interface PartEnds {
  /** Stands before the names under which values of the whole are kept. */
  readonly side: string;
  /** Values of the whole to keep. */
  readonly added?: readonly Value[];
  /** Values of the part to keep, and inputs of it to take, under names of their own. */
  readonly keeps?: ReadonlyMap<Value, string>;
  readonly takes?: ReadonlyMap<Value, string>;
}

/** A part of a model as a stage: its inputs take what was kept under their names, what is to be kept becomes an output. */
export function stageOf(
  { model, inputs, twinOf }: Extract,
  { side, added = [], keeps = new Map(), takes = new Map() }: PartEnds,
): PartStage {
  const take = new Map([...takes].map(([twin, name]) => [twin.name, name] as const));
  for (const value of inputs) take.set(twinOf(value).name, keptName(value, side));
  const keep = new Map<string, string>();
  const give = (twin: Value, name: string): void => {
    if (!model.graph.isOutput(twin)) model.graph.addOutput(twin);
    keep.set(twin.name, name);
  };
  for (const value of added) give(twinOf(value), keptName(value, side));
  for (const [twin, name] of keeps) give(twin, name);
  return { model, take, keep };
}

/** Names of values that were kept, for those who drop them; inputs of the model belong to everybody. */
export function droppedNames(values: Iterable<Value>, side: string): string[] {
  return [...values].flatMap((value) => (value.producer === undefined ? [] : [keptName(value, side)]));
}

/** Values that come from outside go by their own names. */
function keptName(value: Value, side: string): string {
  return value.producer === undefined ? value.name : `${side}:${value.name}`;
}
