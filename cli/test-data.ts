import type { HostTensor, InputSpec, TestData } from '../src/index.ts';
import { loadSamples, matchSamples, type NumpyArray, type SampleInput } from './samples.ts';

/**
 * Reads test data whole and fits them to the inputs of a model.
 * @throws OnnxPruneError `bad-file`, `bad-data` in one sentence
 */
export async function loadTestData(path: string, inputs: readonly InputSpec[]): Promise<TestData> {
  const samples = await loadSamples(path);
  const { count, feeds, labels } = matchSamples(samples, asSampleInputs(inputs));
  return {
    count,
    feeds: new Map([...feeds].map(([name, array]) => [name, asTensor(array)])),
    labels: labels && asTensor(labels),
  };
}

/** What data are held against. */
export function asSampleInputs(inputs: readonly InputSpec[]): SampleInput[] {
  return inputs.map(({ name, type, dims }) => ({ name, dtype: type, dims }));
}

/** An array as onnxruntime takes it; shares memory. */
export function asTensor({ dtype, shape, data }: NumpyArray): HostTensor {
  return { type: dtype, dims: shape, data };
}
