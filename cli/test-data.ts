import type { HostTensor, InputSpec, TestData } from '../src/index.ts';
import { loadSamples, matchSamples, type NumpyArray } from './samples.ts';

/** Reads test data and fits them to the inputs of a model. @throws OnnxPruneError `bad-file`, `bad-data` in one sentence */
export async function loadTestData(path: string, inputs: readonly InputSpec[]): Promise<TestData> {
  const samples = await loadSamples(path);
  const wanted = inputs.map(({ name, type, dims }) => ({ name, dtype: type, dims }));
  const { count, feeds, labels } = matchSamples(samples, wanted);
  return {
    count,
    feeds: new Map([...feeds].map(([name, array]) => [name, asTensor(array)])),
    labels: labels && asTensor(labels),
  };
}

function asTensor({ dtype, shape, data }: NumpyArray): HostTensor {
  return { type: dtype, dims: shape, data };
}
