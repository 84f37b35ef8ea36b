import { OnnxPruneError } from '../../src/errors.ts';
import type { TestData } from '../../src/index.ts';
import { type InputSpec, makeInputs } from '../../src/runtime/index.ts';

/** Samples of made-up calibration data. */
const SAMPLES = 16;
/** Length of open axes other than that of the samples. */
const OPEN = 1;

/**
 * Random calibration data for the inputs of a model.
 * @throws OnnxPruneError `bad-data` where an input has no axis for samples
 */
export function calibrationFor(specs: readonly InputSpec[]): TestData {
  const sized = specs.map((spec) => {
    const [first, ...others] = spec.dims;
    if (first === undefined && spec.dims.length === 0)
      throw new OnnxPruneError('bad-data', spec.name, `Input "${spec.name}" has no axis for samples.`);
    return { ...spec, dims: [SAMPLES, ...others.map((dim) => (typeof dim === 'number' ? dim : OPEN))] };
  });
  const feeds = makeInputs(sized, { seed: 7, batch: SAMPLES, dims: new Map() });
  return { count: SAMPLES, feeds: new Map(Object.entries(feeds)), labels: undefined };
}
