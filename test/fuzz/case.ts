import { encodeModel } from '../../src/onnx/codec.ts';
import { type Base, baseOf, FIXED, generated } from './bases.ts';
import { BYTE_EDITS } from './bytes.ts';
import { Dice } from './dice.ts';
import { EDGE_EDITS } from './edits/edges.ts';
import { NODE_EDITS } from './edits/nodes.ts';
import { VALUE_EDITS } from './edits/values.ts';
import { FIELD_EDITS } from './fields.ts';
import { type Edit, type Subject, subjectOf } from './subject.ts';
import { WAYS, type Way } from './ways.ts';

/** What is mutated: the bytes of a file, the fields of its messages, or what its graph means. */
export const KINDS = ['bytes', 'fields', 'graph'] as const;

/** One of {@link KINDS}. */
export type Kind = (typeof KINDS)[number];

/** One mutation: an edit, and the seed of its draws, so that it stays the same when others leave. */
export interface Step {
  readonly edit: string;
  readonly seed: number;
}

/** A mutated model, and what is done with it, as data. */
export interface Case {
  readonly base: string;
  readonly steps: readonly Step[];
  readonly way: Way;
}

const GRAPH_EDITS: Readonly<Record<string, Edit>> = { ...EDGE_EDITS, ...NODE_EDITS, ...VALUE_EDITS };

/** Edits by name: those of messages, and then those of bytes. */
const MESSAGE_EDITS: Readonly<Record<string, Edit>> = { ...GRAPH_EDITS, ...FIELD_EDITS };

const EDITS: Readonly<Record<Kind, readonly string[]>> = {
  bytes: Object.keys(BYTE_EDITS),
  fields: Object.keys(FIELD_EDITS),
  graph: Object.keys(GRAPH_EDITS),
};

/** How many mutations a case has, more often few than many; edits of a graph go together well. */
const COUNTS: Readonly<Record<Kind, readonly [number, ...number[]]>> = {
  bytes: [1, 1, 2, 3],
  fields: [1, 1, 1, 2, 3],
  graph: [1, 2, 3, 4, 6, 8],
};

/** The case of a seed. */
export function caseOf(kind: Kind, seed: number): Case {
  const dice = new Dice(seed);
  const base = dice.chance(0.45) ? generated(dice.below(100_000)) : (dice.pick(FIXED) ?? 'tiny');
  const count = dice.one(...COUNTS[kind]);
  const steps = Array.from({ length: count }, () => ({ edit: dice.pick(EDITS[kind]) ?? '', seed: dice.seed() }));
  return {
    base,
    steps,
    way: dice.chance(0.5) ? 'structured' : (dice.pick(Object.keys(WAYS).filter(isWay)) ?? 'lossless'),
  };
}

function isWay(name: string): name is Way {
  return Object.hasOwn(WAYS, name);
}

/**
 * The files of a case.
 * @returns undefined where the mutations left nothing that can be written
 */
export function build({ base, steps }: Case): Base | undefined {
  const { bytes, files } = baseOf(base);
  const edits = steps.filter(({ edit }) => MESSAGE_EDITS[edit] !== undefined);
  const subject = subjectOf(bytes, files);
  for (const { edit, seed } of edits) MESSAGE_EDITS[edit]?.(subject, new Dice(seed));
  let mutated = edits.length === 0 ? bytes : encoded(subject);
  for (const { edit, seed } of steps) {
    const change = BYTE_EDITS[edit];
    if (change === undefined || mutated === undefined) continue;
    const dice = new Dice(seed);
    mutated = change(mutated, dice, baseOf(dice.pick(FIXED) ?? 'tiny').bytes);
  }
  return mutated && { bytes: mutated, files: subject.files };
}

function encoded({ model }: Subject): Uint8Array | undefined {
  try {
    return encodeModel(model);
  } catch {
    // Mutations may nest a graph in itself more often than the format allows.
    return undefined;
  }
}
