import { describe, expect, test } from 'vitest';
import { contextOf, type RenderOptions } from '../../cli/render/context.ts';
import { renderReport } from '../../cli/render/prune.ts';
import { renderTotals } from '../../cli/render/totals.ts';
import { renderKeptWeights, renderWeights } from '../../cli/render/weights.ts';
import type { ModelSize } from '../../src/report/report.ts';
import type { PruneWeightsReport } from '../../src/transforms/prune-weights.ts';
import { ESCAPE, expectFits } from './support/fits.ts';
import { kept, layer, redundant, report, size, typical, weightsOf } from './support/weight-reports.ts';

const plain: RenderOptions = { colors: false, width: 100, verbose: false };

const text = (lines: readonly string[]): string => lines.join('\n');
const weightsText = (report: PruneWeightsReport | null, options = plain): string =>
  text([...renderWeights(contextOf(options), report), ...renderKeptWeights(contextOf(options), report)]);
describe('the table of weights', () => {
  test('shows shape, count, and zeros before and after of each tensor, and all together', () => {
    const shown = weightsText(typical);
    expect(shown).toMatch(/conv\.weight +64×32×3×3 +18\.4 k +50\.00%/);
    expect(shown).toMatch(/fc\.weight +10×256 +2,560 +20\.00% +80\.00%/);
    expect(shown).toMatch(/same\.weight +4 +4 +50\.00% +50\.00%/);
    expect(shown).toContain('11,266 of 20,996 weights are zero: 53.66%');
    expect(shown).not.toContain('steps');
  });

  test('says what stayed and why', () => {
    const shown = weightsText(typical);
    expect(shown).toMatch(/it is a bias \(--include takes it\): fc\.bias/);
    expect(shown).toMatch(/by --exclude "stem\.\*": stem\.weight/);
  });

  test('tells the steps of a schedule', () => {
    expect(weightsText({ ...typical, steps: [0.2, 0.45, 0.5] })).toContain('in 3 steps: 20.00%, 45.00%, 50.00%');
  });

  test('is none where no weight was to become zero', () => expect(weightsText(null)).toBe(''));

  test('folds what is too long, and shows all of it when asked', () => {
    const layers = Array.from({ length: 60 }, (_, i) => layer(`blocks.${i}.weight`, [8, 8], 32));
    const many = weightsOf(layers);
    expect(weightsText(many)).not.toContain('blocks.59.weight');
    expect(weightsText(many)).toMatch(/more tensors/);
    expect(weightsText(many, { ...plain, verbose: true })).toContain('blocks.59.weight');
  });
});

describe('the table of sizes', () => {
  const shown = (after: Partial<ModelSize>, options = plain): string =>
    text(renderTotals(contextOf(options), size, { ...size, ...after }));

  test('counts what is not zero where much is', () => {
    expect(shown({ nonZeros: 100_000 })).toMatch(/non-zero +1\.00 M +100 k +-90\.00% +10\.0×/);
    expect(shown({ nonZeros: 999_999 })).not.toContain('non-zero');
    expect(shown({ nonZeros: 999_999 }, { ...plain, verbose: true })).toContain('non-zero');
  });
});

describe('a report', () => {
  const nothing = { ...redundant, removedChannels: 0, groups: [], outputs: [], deadNodes: 0 };

  test('begins with what was done, step by step, and shows each step in its order', () => {
    const shown = renderReport({ ...report, freed: redundant }, plain);
    expect(shown).toContain('removed 4 channels that changed no output\n');
    expect(shown).toContain('made 10,752 of 20,996 weights zero (53.66% are) in 2 tensors\n');
    expect(shown).toContain('removed 4 channels that the zeros freed\n');
    const places = ['Without a trace', 'Weights', 'Freed by zeros', 'Storage', 'Size', 'Weights not touched'].map(
      (title) => shown.indexOf(`\n${title}\n`),
    );
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test('says that nothing was pruned where the weights are as sparse as asked for', () => {
    const idle = weightsOf([layer('fc.weight', [10, 10], 50, 50)]);
    const stored = { storedTwice: { tensors: 0, bytes: 0 }, half: null, sparseTensors: null, gzip: false };
    const shown = renderReport({ ...report, lossless: nothing, weights: idle, storage: stored }, plain);
    expect(shown).toContain('NOTHING WAS PRUNED');
    expect(shown).toContain('The weights are as sparse as asked for already, or none may become zero.');
    expect(shown).toContain('50 of 100 weights are zero: 50.00%');
  });

  test('has every option as it was understood under -v', () => {
    expect(renderReport(report, { ...plain, verbose: true })).toContain(
      'options: unstructured=0.5 weightCriterion=magnitude scope=uniform',
    );
  });
});

describe('every section', () => {
  const steps = Array.from({ length: 12 }, (_, i) => i / 24);
  const hostile = weightsOf([layer(`${ESCAPE}[2J\u202eblocks.0.a.very.long.name.of.a.weight\n`, [8, 8], 32)], {
    kept,
    steps,
  });
  const render = (options: RenderOptions): string =>
    [
      weightsText({ ...typical, steps }, options),
      weightsText(hostile, options),
      text(renderTotals(contextOf(options), size, { ...size, nonZeros: 1000 })),
    ].join('\n');

  test.each([40, 60, 80, 100])('fits %d columns, and colours change no text', (width) => {
    expectFits(render, width);
  });

  test('shows no control characters of names', () => {
    expect(render(plain).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
