import type { NodeTime } from './types.ts';

/** How the name of an event that times a kernel ends, behind the node's name. */
const KERNEL = '_kernel_time';
/** The event that spans one run. */
const RUN = 'model_run';

/** A span of time in a profile, in µs. */
interface Span {
  readonly name: string;
  readonly operator: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads from a profile of onnxruntime (a list of events in the trace format of Chrome) how long each node takes per run: the
 * average over the faster half of the runs, where nothing else got in the way. A node that runs bodies counts without them,
 * and one inside a body with all its turns.
 * @param profile the parsed file; events in it that are of no use are passed over
 * @param skip runs at the beginning that do not count
 * @returns nodes by their name and operator, in the order of their first turn
 */
export function nodeTimes(profile: unknown, skip: number): readonly NodeTime[] {
  const events = Array.isArray(profile) ? profile : [];
  const runs = spansOf(events, 'Session', RUN).slice(skip);
  const spans = spansOf(events, 'Node', KERNEL);
  const own = ownTimes(spans);
  const times = new Map<string, { readonly name: string; readonly operator: string; readonly perRun: Float64Array }>();
  let run = 0;
  spans.forEach((span, index) => {
    while (run < runs.length && span.start > (runs[run]?.end ?? 0)) run++;
    if (span.start < (runs[run]?.start ?? Number.POSITIVE_INFINITY)) return;
    const key = `${span.operator} ${span.name}`;
    const time = times.get(key) ?? { name: span.name, operator: span.operator, perRun: new Float64Array(runs.length) };
    times.set(key, time);
    time.perRun[run] = (time.perRun[run] ?? 0) + (own[index] as number);
  });
  return [...times.values()].map(({ name, operator, perRun }) => ({
    name,
    operator,
    microseconds: fasterHalf(perRun),
  }));
}

/** Events of a category whose names end so, by their beginning. */
function spansOf(events: readonly unknown[], category: string, ending: string): Span[] {
  return events.flatMap((event) => spanOf(event, category, ending)).sort((a, b) => a.start - b.start || b.end - a.end);
}

function spanOf(event: unknown, category: string, ending: string): Span[] {
  const name = field(event, 'name');
  const [start, length] = [field(event, 'ts'), field(event, 'dur')];
  if (field(event, 'cat') !== category || typeof name !== 'string' || !name.endsWith(ending)) return [];
  if (typeof start !== 'number' || typeof length !== 'number') return [];
  const operator = field(field(event, 'args'), 'op_name');
  return [
    {
      name: name.slice(0, -ending.length),
      operator: typeof operator === 'string' ? operator : '',
      start,
      end: start + length,
    },
  ];
}

function field(from: unknown, key: string): unknown {
  return typeof from === 'object' && from !== null ? Reflect.get(from, key) : undefined;
}

/** The length of each span without those inside it. Spans are by their beginning, and nest. */
function ownTimes(spans: readonly Span[]): Float64Array {
  const own = new Float64Array(spans.length);
  const open: number[] = [];
  spans.forEach(({ start, end }, index) => {
    while (open.length > 0 && (spans[open.at(-1) as number] as Span).end <= start) open.pop();
    const around = open.at(-1);
    own[index] = (own[index] as number) + end - start;
    // Times are whole µs, so that a span may seem to begin before the one in front of it has ended.
    if (around !== undefined && (spans[around] as Span).end >= end) {
      own[around] = (own[around] as number) - (end - start);
      open.push(index);
    } else if (around === undefined) open.push(index);
  });
  return own;
}

function fasterHalf(values: Float64Array): number {
  const fast = values.toSorted().subarray(0, Math.ceil(values.length / 2));
  return fast.reduce((sum, value) => sum + value, 0) / Math.max(1, fast.length);
}
