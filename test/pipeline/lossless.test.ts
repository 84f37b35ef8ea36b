import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compareModels, type PruneOptions, type Report } from '../../src/index.ts';
import { smallNet } from '../cli/support/models.ts';
import type { ModelBuilder } from '../support/build.ts';
import { prune } from '../support/shared-runtime.ts';
import { lastStateNet, mixedNet, PLANTED, plantedNet } from '../support/weight-nets.ts';
import { countParameters, decodeWeights } from './decode.ts';
import { fixture, freshFolder } from './folder.ts';

const QUICK = { bench: false, align: 'none' };

interface Outcome {
  readonly report: Report;
  readonly input: string;
  readonly output: string;
}

async function cleaned(model: ModelBuilder | string, options: PruneOptions = { lossless: true }): Promise<Outcome> {
  const folder = freshFolder();
  const input = typeof model === 'string' ? model : folder.write('m.onnx', model.bytes());
  const output = folder.path('small.onnx');
  return { report: await prune(input, { ...QUICK, output, ...options }), input, output };
}

/** The largest relative error of any output of one model against another. */
async function errorBetween(a: string, b: string): Promise<number> {
  const { fidelity } = await compareModels(a, b, { bench: false });
  expect(fidelity.outputs.map(({ problem }) => problem)).toEqual(fidelity.outputs.map(() => undefined));
  return Math.max(...fidelity.outputs.map(({ relativeL2 }) => relativeL2 ?? Number.POSITIVE_INFINITY));
}

/** What left, by reason: indices in the numbering of the file. */
function foundIn(report: Report): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const { index, reason } of report.lossless?.groups.flatMap(({ removed }) => removed) ?? [])
    found[reason] = [...(found[reason] ?? []), index];
  return found;
}

describe('lossless alone', { timeout: 60_000 }, () => {
  it('finds every planted channel, says why, and changes no output', async () => {
    const { report, input, output } = await cleaned(plantedNet());
    expect(foundIn(report)).toEqual(PLANTED);
    expect(report.lossless?.groups[0]?.removed).toContainEqual({ index: 3, reason: 'duplicate', of: 2, multiple: 2 });
    expect(report.proof).toMatchObject({ passed: true });
    expect(report.pruning.removedChannels).toBe(0);
    expect(report.weights).toBeNull();
    expect(report.freed).toBeNull();
    expect(await errorBetween(input, output)).toBeLessThan(1e-5);
  });

  it('writes what the report counts, and stores equal tensors once', async () => {
    const { report, output } = await cleaned(plantedNet());
    const weights = decodeWeights(output);
    expect(weights.get('first.weight')?.dims).toEqual([8, 6]);
    expect([...weights.values()].filter(({ dims }) => String(dims) === '4,8')).toHaveLength(1);
    expect(report.storage.storedTwice.tensors).toBeGreaterThan(0);
    expect(report.size.after.parameters).toBe(countParameters(output));
    expect(report.size.after.fileBytes).toBe(readFileSync(output).length);
  });

  it('has nothing left to do the second time', async () => {
    const { output } = await cleaned(plantedNet());
    const again = await cleaned(output);
    expect(again.report.lossless?.removedChannels).toBe(0);
    expect(again.report.storage.storedTwice.tensors).toBe(0);
    expect(readFileSync(again.output).equals(readFileSync(output))).toBe(true);
  });

  it('drops outputs of an LSTM that nobody reads', async () => {
    const { report, input, output } = await cleaned(lastStateNet());
    expect(report.lossless?.outputs).toEqual(['every state of lstm', 'last cell of lstm']);
    expect(await errorBetween(input, output)).toBe(0);
  });

  it('leaves a net as it is where every channel matters, and proves nothing', async () => {
    const { report, input, output } = await cleaned(smallNet());
    expect(report.lossless?.removedChannels).toBe(0);
    expect(report.notes).toEqual([
      'Nothing was changed: no channel is unread, zero, constant, or a multiple of another.',
    ]);
    expect(await errorBetween(input, output)).toBe(0);
  });

  it('keeps what is excluded', async () => {
    const { report } = await cleaned(plantedNet(), { lossless: true, exclude: ['first'] });
    expect(report.lossless?.removedChannels).toBe(0);
  });
});

describe('lossless before channels are pruned', { timeout: 60_000 }, () => {
  it('goes first unless it is switched off', async () => {
    const { report: on } = await cleaned(plantedNet(), { structured: '50%' });
    expect(foundIn(on)).toEqual(PLANTED);
    expect(on.pruning.groups).toMatchObject([{ name: 'first.weight', before: 8, after: 4 }]);
    const { report: off } = await cleaned(plantedNet(), { structured: '50%', lossless: false });
    expect(off.lossless).toBeNull();
    expect(off.pruning.groups).toMatchObject([{ name: 'first.weight', before: 12, after: 6 }]);
    expect([on.proof?.passed, off.proof?.passed]).toEqual([true, true]);
  });
});

describe('zeros that become structure', { timeout: 120_000 }, () => {
  it.each(['uniform', 'global', 'lamp'])('leave the outputs what they are without that, scope %s', async (scope) => {
    const sparse = { unstructured: '92%', scope };
    const freed = await cleaned(fixture('mnist-mlp.onnx'), sparse);
    const kept = await cleaned(fixture('mnist-mlp.onnx'), { ...sparse, lossless: false });
    expect(freed.report.freed?.removedChannels).toBeGreaterThan(0);
    expect(freed.report.proof?.passed).toBe(true);
    expect(kept.report.freed).toBeNull();
    expect(countParameters(freed.output)).toBeLessThan(countParameters(kept.output));
    expect(await errorBetween(kept.output, freed.output)).toBeLessThan(1e-5);
  });

  it('go as far as a net that gives the same whatever it reads', async () => {
    const { report, output } = await cleaned(mixedNet(), { threshold: 1000 });
    expect(report.weights).toMatchObject({ sparsity: 1 });
    expect(report.size.after.parameters).toBe(countParameters(output));
    expect(report.proof?.passed).toBe(true);
    expect(report.notes.join(' ')).toMatch(/All weights of conv\.weight, gemm\.weight, plain\.weight/);
  });

  it('leave a pattern alone, whose groups would begin elsewhere', async () => {
    const { report } = await cleaned(fixture('mnist-cnn.onnx'), { pattern: '2:4', verify: false });
    expect(report.freed).toBeNull();
  });
});
