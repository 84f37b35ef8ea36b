import type { TestData } from '../../src/index.ts';
import { batchOf } from '../../src/judge/test-data.ts';
import { RuntimeChild, runAll } from '../../src/runtime/index.ts';

/** How well a classifier does: right answers, and how many bits the labels cost under the probabilities it gives. */
export interface Score {
  readonly accuracy: number;
  readonly bitsPerLabel: number;
}

const BATCH = 100;

/** Scores a model by labels: its one float output is taken for logits, the classes along the last axis. */
export async function scoreModel(path: string, data: TestData): Promise<Score> {
  const { labels, count } = data;
  if (labels === undefined) throw new Error('The test data have no labels.');
  const answers = labels.data;
  const child = new RuntimeChild();
  let [hits, bits, total] = [0, 0, 0];
  try {
    for (let from = 0; from < count; from += BATCH) {
      const to = Math.min(count, from + BATCH);
      const [outputs = {}] = await runAll(child, path, [batchOf(data, from, to)]);
      const [logits] = Object.values(outputs);
      if (!(logits?.data instanceof Float32Array)) throw new Error(`${path} gives no float32 output.`);
      const rows = rowsOf(logits.data, logits.dims);
      const first = (from * answers.length) / count;
      rows.forEach((row, i) => {
        const label = Number(answers[first + i]);
        const largest = row.reduce((a, b) => Math.max(a, b));
        const sum = row.reduce((each, logit) => each + Math.exp(logit - largest), 0);
        bits += (Math.log(sum) + largest - (row[label] as number)) / Math.LN2;
        if (row.indexOf(largest) === label) hits++;
        total++;
      });
    }
  } finally {
    await child.close();
  }
  return { accuracy: hits / total, bitsPerLabel: bits / total };
}

function rowsOf(data: Float32Array, dims: readonly number[]): Float32Array[] {
  const classes = dims.at(-1) ?? 1;
  return Array.from({ length: data.length / classes }, (_, row) => data.subarray(row * classes, (row + 1) * classes));
}
