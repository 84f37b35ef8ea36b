import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PruneOptions, TestData } from '../../src/index.ts';
import { digits } from '../support/digits.ts';
import { redundantNets } from '../support/redundant-nets.ts';
import { fixture } from './folder.ts';
import { type Lesson, learn, normalData } from './held-out.ts';

const patient = { timeout: 120_000 };

describe('recovery of a trained net', patient, () => {
  const heldOut = digits(0, 10, 500);
  const calibration = digits(5, 30, 256);
  const mlp = (options: PruneOptions): Promise<Lesson> =>
    learn(fixture('mnist-mlp.onnx'), options, { calibration, heldOut });

  // Measured on the held-out digits: errors 0.28, 0.22, 0.05 at 30% and 0.51, 0.42, 0.10 at 50%; accuracy 96.8% at both.
  it.each([0.3, 0.5])('leaves a third of the error at most, and hardly any of accuracy, at %d', async (structured) => {
    const [none, bias, full] = [
      await mlp({ structured, recover: 'none' }),
      await mlp({ structured, recover: 'bias' }),
      await mlp({ structured }),
    ];
    expect(full.error).toBeLessThan(0.33 * none.error);
    expect(full.error).toBeLessThan(0.5 * bias.error);
    expect(bias.error).toBeLessThan(none.error);
    expect(full.accuracy).toBeGreaterThan(0.955);
    expect(full.accuracy).toBeGreaterThanOrEqual(none.accuracy);
    expect(full.report.proof?.passed).toBe(true);
    expect(full.report.recovery).toMatchObject({ kind: 'least-squares', samples: 256, rounds: 1 });
    expect(bias.report.recovery?.kind).toBe('bias');
    expect(none.report.recovery).toBeNull();
  });

  it('corrects every layer behind the cut, and none of them for the worse', async () => {
    const { report } = await mlp({ structured: 0.5 });
    const layers = report.recovery?.layers ?? [];
    expect(layers.map(({ initializer }) => initializer)).toEqual(['3.weight', '5.weight']);
    for (const { before, after, energy } of layers) {
      expect(after).toBeLessThanOrEqual(before);
      expect(before).toBeLessThan(energy);
    }
  });

  it('in rounds ends at the widths that one round has, and about as near', async () => {
    const [one, three] = [await mlp({ structured: 0.5, bench: false }), await mlp({ structured: 0.5, steps: 3 })];
    const widths = ({ report }: Lesson): unknown => report.pruning.groups.map(({ name, after }) => ({ name, after }));
    expect(widths(three)).toEqual(widths(one));
    expect(three.report.recovery?.rounds).toBe(3);
    expect(three.error).toBeLessThan(1.3 * one.error);
    expect(three.report.proof?.passed).toBe(true);
  });

  it('across all groups ranked together comes nearer than without', async () => {
    const [full, none] = [
      await mlp({ structured: 0.4, scope: 'global' }),
      await mlp({ structured: 0.4, scope: 'global', recover: 'none' }),
    ];
    expect(full.error).toBeLessThan(0.5 * none.error);
    expect(full.report.proof?.passed).toBe(true);
  });

  it('leaves alone what is excluded, and is the same with and without the proof', async () => {
    const options = { structured: 0.5, exclude: ['5.weight'] };
    const [proven, plain] = [await mlp(options), await mlp({ ...options, verify: false })];
    expect(readFileSync(plain.output).equals(readFileSync(proven.output))).toBe(true);
    expect(plain.report.proof).toBeNull();
    expect(plain.report.recovery).toEqual(proven.report.recovery);
  });

  it('goes with a recipe', async () => {
    const layers = [
      { match: '1.weight', amount: 0.25, criterion: 'l1' },
      { match: '3.weight', exclude: true },
    ];
    const { report } = await mlp({ layers, align: 'none' });
    expect(report.pruning.groups.map(({ name, before, after }) => [name, before, after])).toEqual([
      ['1.weight', 300, 225],
    ]);
    expect(report.recovery?.layers.map(({ initializer }) => initializer)).toContain('3.weight');
  });
});

describe('channels that say nothing which others do not', patient, () => {
  it.each(Object.entries(redundantNets))('leave without a trace: %s', async (name, net) => {
    const dims = name === 'Gemm' || name.startsWith('MatMul') ? [20] : [4, 6, 6];
    const data = (count: number, seed: number): TestData => normalData(count, seed, { x: dims });
    const lessons = { calibration: data(128, 1), heldOut: data(64, 2) };
    const options = { structured: 0.25, align: 'none' };
    const [{ error, report }, cut] = [
      await learn(net(), options, lessons),
      await learn(net(), { ...options, recover: 'none' }, lessons),
    ];
    for (const { before, after } of report.pruning.groups) expect({ before, after }).toEqual({ before: 16, after: 12 });
    // Some ridge is always there: 1e-4 of the variance; where channels as a whole are mixed, 1e-3, and means of other positions.
    expect(error).toBeLessThan(name === 'ConvTranspose' ? 2e-2 : 5e-4);
    expect(cut.error).toBeGreaterThan(0.1);
    expect(report.proof?.passed).toBe(true);
  });
});
