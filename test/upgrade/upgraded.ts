import { expect } from 'vitest';
import { exportModel, importModel } from '../../src/ir/model.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { compare, makeInputs, modelInfo, type RuntimeChild } from '../../src/runtime/index.ts';
import { type Upgraded, upgradeOpset } from '../../src/upgrade/upgrade.ts';

interface Options {
  /** How far outputs may be from what they were. Default 0: they are equal to the last bit. */
  readonly within?: number;
  /** Whether outputs may be one number over and over. Default false: equality of such would say little. */
  readonly constants?: boolean;
  /** The folder of external data. */
  readonly directory?: string;
}

/** Upgrades a file; the outputs of both in onnxruntime are the same, on two batches. */
export async function upgraded(
  child: RuntimeChild,
  before: Uint8Array,
  target: number,
  { within = 0, constants = false, directory }: Options = {},
): Promise<Upgraded> {
  const model = importModel(decodeModel(before), directory);
  const result = upgradeOpset(model, target);
  const [a, b] = [model, result.model].map((each) => encodeModel(exportModel(each, 'embed')));
  if (a === undefined || b === undefined) throw new Error('two models');
  const { inputs } = await modelInfo(child, a);
  const feeds = [1, 2].map((seed) => makeInputs(inputs, { seed, batch: 3, dims: new Map() }));
  // As written, so that no rewriting of onnxruntime's own makes up for one that is missing or differs from one to the other.
  const plain = { optimization: 'disabled' } as const;
  const { outputs } = await compare(child, a, b, feeds, { a: plain, b: plain });
  expect(outputs.length).toBeGreaterThan(0);
  for (const output of outputs) {
    expect(output).toMatchObject({ problem: undefined, ...(!constants && { constant: false }) });
    if (within === 0) expect(output).toMatchObject({ identical: true });
    else expect(output.maxAbsError ?? (output.identical ? 0 : Infinity)).toBeLessThan(within);
  }
  return result;
}
