import fc from 'fast-check';
import { expect, test } from 'vitest';
import { messageOf } from '../../../src/errors.ts';
import { checkGraph } from '../../../src/ir/check.ts';
import { importModel } from '../../../src/ir/model.ts';
import { decodeModel } from '../../../src/onnx/codec.ts';
import { type HostTensor, run } from '../../../src/runtime/index.ts';
import { buildNet, problems } from '../../ops/generated-net.ts';
import { QUANTIZED_LAYERS } from '../../ops/generated-quantized.ts';
import { Quantizer } from './quantized.ts';

const quantizer = new Quantizer();

/** `ONNX_PRUNE_RUNS=500` looks longer; `ONNX_PRUNE_SEED` looks elsewhere. */
const runs = Number(process.env['ONNX_PRUNE_RUNS'] ?? 12);
const seed = Number(process.env['ONNX_PRUNE_SEED'] ?? 1);

const wishes = fc.record({
  mode: fc.constantFrom<('static' | 'auto')[]>('static', 'auto'),
  ranges: fc.constantFrom<('minmax' | 'mse')[]>('minmax', 'mse'),
  rounding: fc.constantFrom<('nearest' | 'gptq')[]>('nearest', 'gptq'),
  portable: fc.boolean(),
  equalize: fc.constantFrom(undefined, true, false),
});

/**
 * The runtime (1.30) takes CenterCropPad apart, and where channels are last in front of it looks its lengths up at places that
 * there are not: "indices element out of data bounds".
 */
const REFUSED: ReadonlySet<string> = new Set(['centred']);

/** Nets of layers that are not quantized already. */
const nets = problems.map((problem) => ({
  ...problem,
  layers: problem.layers.filter(({ kind }) => !Object.hasOwn(QUANTIZED_LAYERS, kind) && !REFUSED.has(kind)),
}));

const numbersOf = ({ data }: HostTensor): number[] => Array.from(data, Number);

test('any net that the rules can wire is quantized, runs, and gives numbers', {
  timeout: 60_000 + runs * 1000,
}, async () => {
  let layers = 0;
  const property = fc.asyncProperty(nets, wishes, async (problem, asked) => {
    try {
      const { bytes, data, dense, report } = await quantizer.quantize(buildNet(problem), asked);
      checkGraph(importModel(decodeModel(bytes)).graph);
      layers += report.layers.length;
      const outputs = await run(quantizer.child, bytes, data[0] ?? {});
      expect(Object.keys(outputs)).toEqual(dense.graph.outputs.map(({ name }) => name));
      for (const [name, tensor] of Object.entries(outputs))
        if (!numbersOf(tensor).every(Number.isFinite)) expect.fail(`"${name}" is not finite`);
    } catch (error) {
      throw new Error(`${messageOf(error)}\n${JSON.stringify(problem)}\n${JSON.stringify(asked)}`, { cause: error });
    }
  });
  await fc.assert(property, { numRuns: runs, seed, includeErrorInReport: true });
  // Nets in which nothing is a layer prove nothing.
  expect(layers).toBeGreaterThan(runs);
});
