import { runStep } from '../process.ts';
import { interleave, ratios, Sample } from '../sample.ts';
import { atMost, context, type Line } from '../table.ts';
import type { Workshop } from '../workshop.ts';

const REPETITIONS = 5;
const LENGTHS = [500, 2000, 5000] as const;

/** Whether the work per node stays the same when graphs grow. */
export async function groupsRow(workshop: Workshop): Promise<Line[]> {
  for (const length of LENGTHS) await runStep(workshop, 'generate', ['chain', chain(length), length]);
  const runs = await interleave(
    REPETITIONS,
    LENGTHS.map((length) => () => runStep(workshop, 'groups', [chain(length)])),
  );
  /** Microseconds per node, one figure per repetition. */
  const perNode = (i: number, ...keys: string[]): number[] =>
    (runs[i] ?? []).map(
      ({ figures }) => (1000 * keys.reduce((sum, key) => sum + (figures[key] ?? 0), 0)) / (figures['nodes'] ?? 1),
    );
  const longest = LENGTHS.length - 1;
  const growth = (what: string, ...keys: string[]): Line => {
    const ratio = ratios(perNode(longest, ...keys), perNode(0, ...keys));
    return atMost(`${what} per node, 5,000 / 500 nodes`, ratio.show(2, '×'), ratio.median, 1.5, '×');
  };
  return [
    ...LENGTHS.map((length, i) => {
      const memory = new Sample((runs[i] ?? []).map(({ peak }) => peak / 1e6));
      const part = (key: string): string => new Sample(perNode(i, key)).show(0);
      return context(
        `${length} nodes, µs per node`,
        `normalise ${part('normaliseMs')}, onnxruntime ${part('runtimeMs')}, groups ${part('groupsMs')}; ${memory.median.toFixed(0)} MB`,
      );
    }),
    growth('normalise', 'normaliseMs'),
    growth('groups', 'groupsMs'),
    growth('both', 'normaliseMs', 'groupsMs'),
    ...inAll(),
  ];

  /** Time and memory of the largest graph, everything included. */
  function inAll(): Line[] {
    const largest = runs[longest] ?? [];
    const parts = ['normaliseMs', 'runtimeMs', 'groupsMs'];
    const seconds = new Sample(
      largest.map(({ figures }) => parts.reduce((sum, part) => sum + (figures[part] ?? 0), 0) / 1000),
    );
    const memory = new Sample(largest.map(({ peak }) => peak / 1e9));
    return [
      atMost('5,000 nodes, in all', seconds.show(2, ' s'), seconds.median, 2, ' s'),
      atMost('5,000 nodes, peak memory', memory.show(2, ' GB'), memory.median, 1, ' GB'),
    ];
  }

  function chain(length: number): string {
    return workshop.path(`chain-${length}.onnx`);
  }
}
