import type { Feeds, HostTensor } from '../runtime/index.ts';
import { batchOf, sliceTensor, type TestData } from './test-data.ts';

/** Some samples: one tensor per input of the model, the samples along the first axis. */
export interface SampleBatch {
  readonly feeds: Feeds;
  /** Class numbers, one or more per sample; undefined where the data have none. */
  readonly labels: HostTensor | undefined;
}

/** Inputs of a model that need not be in memory: any samples can be read, in as many passes as it takes. */
export interface SampleSource {
  /** How many samples there are. */
  readonly count: number;
  /** Whether batches come with labels. */
  readonly labelled: boolean;
  /**
   * Reads samples as one batch.
   * @param samples their numbers from 0, ascending, each once
   * @throws OnnxPruneError `bad-data` for numbers that do not fit the model, `bad-file` where they cannot be read any more
   */
  batch(samples: readonly number[]): Promise<SampleBatch>;
  /** Gives back what reading takes: open files. Nothing can be read afterwards. */
  close(): Promise<void>;
}

/** What a run lends to those who read its data. */
export interface DataRoom {
  /** The path of a file of this name in the run's temporary folder, which is gone when the run ends. */
  readonly place: (name: string) => string;
  /** Tells how far reading is; throws the reason where the run was stopped. */
  readonly onProgress: (done: number, total: number) => void;
}

/** Data in memory as a source; what is a source already stays as it is. Batches of neighbours share memory with the data. */
export function sampleSourceOf(data: TestData | SampleSource): SampleSource {
  if ('batch' in data) return data;
  const { count, feeds, labels } = data;
  return {
    count,
    labelled: labels !== undefined,
    batch: async (samples) => {
      const [first = 0] = samples;
      if (areNeighbours(samples)) {
        const end = first + samples.length;
        return { feeds: batchOf(data, first, end), labels: labels && sliceTensor(labels, first, end) };
      }
      return {
        feeds: Object.fromEntries([...feeds].map(([name, tensor]) => [name, gather(tensor, samples)])),
        labels: labels && gather(labels, samples),
      };
    },
    close: async () => {},
  };
}

/** Whether ascending numbers have no gaps. */
function areNeighbours(samples: readonly number[]): boolean {
  return (samples.at(-1) ?? -1) - (samples[0] ?? 0) === samples.length - 1;
}

function gather({ type, dims, data }: HostTensor, samples: readonly number[]): HostTensor {
  const size = dims.slice(1).reduce((product, dim) => product * dim, 1);
  const shape = [samples.length, ...dims.slice(1)];
  if (!('buffer' in data)) {
    return { type, dims: shape, data: samples.flatMap((sample) => data.slice(sample * size, (sample + 1) * size)) };
  }
  // The copy has the right type and length; whatever the type, samples move as bytes.
  const result = data.slice(0, samples.length * size);
  const [from, to] = [bytesOf(data), bytesOf(result)];
  const width = size * data.BYTES_PER_ELEMENT;
  for (const [place, sample] of samples.entries()) {
    to.set(from.subarray(sample * width, (sample + 1) * width), place * width);
  }
  return { type, dims: shape, data: result };
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
