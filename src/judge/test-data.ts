import type { Feeds, HostTensor, InputSpec } from '../runtime/index.ts';

/** Real inputs of a model: one tensor per input, the samples along the first axis. */
export interface TestData {
  readonly count: number;
  readonly feeds: ReadonlyMap<string, HostTensor>;
  /** Numbers of classes, one or more per sample, or numbers that an output of the same shape should have. */
  readonly labels?: HostTensor | undefined;
}

/** Samples that go through the models at a time where the model leaves the batch open. */
const OPEN_BATCH = 32;

/** The batch that a model is made for: the length of its inputs' first axis, or undefined where that is open. */
export function fixedBatch(specs: readonly InputSpec[]): number | undefined {
  for (const { dims } of specs) if (typeof dims[0] === 'number') return dims[0];
  return undefined;
}

/** Cuts test data into batches that the model takes; a rest that does not fill a fixed batch is left out. */
export function batchesOf(
  data: TestData,
  specs: readonly InputSpec[],
): { feeds: Feeds[]; labels: HostTensor[]; samples: number } {
  const fixed = fixedBatch(specs);
  const size = fixed ?? Math.min(OPEN_BATCH, data.count);
  const feeds: Feeds[] = [];
  const labels: HostTensor[] = [];
  let samples = 0;
  for (let from = 0; from < data.count; from += size) {
    const to = Math.min(from + size, data.count);
    if (fixed !== undefined && to - from < fixed) break;
    feeds.push(batchOf(data, from, to));
    if (data.labels !== undefined) labels.push(sliceTensor(data.labels, from, to));
    samples += to - from;
  }
  return { feeds, labels, samples };
}

/** The samples `from` (included) to `to` (excluded) as one batch; shares memory. */
export function batchOf(data: TestData, from: number, to: number): Feeds {
  return Object.fromEntries([...data.feeds].map(([name, tensor]) => [name, sliceTensor(tensor, from, to)]));
}

/** The entries `from` (included) to `to` (excluded) along the first axis; shares memory where it can. */
export function sliceTensor({ type, dims, data }: HostTensor, from: number, to: number): HostTensor {
  const size = dims.slice(1).reduce((product, dim) => product * dim, 1);
  const part = Array.isArray(data) ? data.slice(from * size, to * size) : subarray(data, from * size, to * size);
  return { type, dims: [to - from, ...dims.slice(1)], data: part };
}

function subarray(data: HostTensor['data'], from: number, to: number): HostTensor['data'] {
  return 'subarray' in data ? data.subarray(from, to) : data.slice(from, to);
}
