import { describe, expect, test } from 'vitest';
import { contextOf, type RenderOptions } from '../../cli/render/context.ts';
import { renderRecovery } from '../../cli/render/recovery.ts';
import { renderWeights } from '../../cli/render/weights.ts';
import type { RecoveryReport } from '../../src/channel-rounds.ts';
import { ESCAPE, expectFits } from './support/fits.ts';
import { layer, weightsOf } from './support/weight-reports.ts';

const plain: RenderOptions = { colors: false, width: 100, verbose: false };

type Recovered = RecoveryReport['layers'][number];

function recovered(
  initializer: string,
  before: number,
  after: number | null,
  more: Partial<Recovered> = {},
): Recovered {
  const node = `${initializer} node`;
  return { node, initializer, before, after, energy: 1, ridge: 0.01, extra: 0, by: 'patches', reason: null, ...more };
}

const recovery: RecoveryReport = {
  kind: 'least-squares',
  samples: 1024,
  rounds: 1,
  layers: [
    recovered('conv.weight', 0.25, 0.0123),
    recovered('blocks.0.a.rather.long.name.of.a.transposed.convolution.weight', 0.1, null, { by: 'channels' }),
    recovered('tied.weight', 0.1, 0.09, { by: 'nothing', ridge: null }),
    recovered('flat.weight', 3, 0, { energy: 0 }),
  ],
};

const chosen = weightsOf(
  [
    layer('conv.weight', [64, 32, 3, 3], 9216),
    layer('fc.weight', [10, 256], 2048, 512),
    layer('up.weight', [8, 8], 32),
  ],
  {
    oneShot: {
      method: 'best',
      samples: 256,
      layers: [
        { node: 'conv', initializer: 'conv.weight', method: 'sparsegpt', after: 0.02, energy: 1 },
        { node: 'fc', initializer: 'fc.weight', method: 'alps', after: 0, energy: 0 },
      ],
      byMagnitude: [{ initializer: 'up.weight', reason: 'other nodes read its weight too' }],
    },
  },
);

const recoveryText = (report: RecoveryReport | null, options = plain): string =>
  renderRecovery(contextOf(options), report).join('\n');
const weightsText = (report: typeof chosen, options = plain): string =>
  renderWeights(contextOf(options), report).join('\n');

describe('what was made up for', () => {
  test('is shown layer by layer, relative to how outputs vary', () => {
    const shown = recoveryText(recovery);
    expect(shown).toMatch(/conv\.weight +25\.00% +1\.23%/);
    expect(shown).toMatch(/convolution\.weight +10\.00% +channels mixed/);
    expect(shown).toMatch(/tied\.weight +10\.00% +9\.00% +bias only/);
    expect(shown).toContain('on 1,024 calibration samples');
    expect(shown).not.toContain('round');
  });

  test('has no figure where an output does not vary', () => {
    expect(recoveryText(recovery)).toMatch(/\n +flat\.weight *\n/);
    expect(recoveryText(recovery)).not.toMatch(/n\/a|NaN|Infinity/);
  });

  test('tells rounds, and that biases alone have changed', () => {
    const shown = recoveryText({ ...recovery, kind: 'bias', rounds: 3 });
    expect(shown).toContain('made up for by biases, ');
    expect(shown.replace(/\s+/g, ' ')).toContain('in each of 3 rounds');
  });

  test('names layers that needed more damping', () => {
    const layers = ['a', 'b', 'c', 'd'].map((name) => recovered(name, 0.2, 0.1, { extra: 1e-9 }));
    expect(recoveryText({ ...recovery, layers }).replace(/\s+/g, ' ')).toContain(
      'repeats itself: a node, b node, c node, …',
    );
  });

  test('is nothing where nothing was', () => {
    expect(recoveryText(null)).toBe('');
    expect(recoveryText({ ...recovery, layers: [] })).toBe('');
  });
});

describe('weights that were chosen on data', () => {
  test('come with the method of each layer, and how far its output is off', () => {
    const shown = weightsText(chosen);
    expect(shown).toMatch(/output off +chosen by/);
    expect(shown).toMatch(/conv\.weight .* 50\.00% +2\.00% +SparseGPT\n/);
    expect(shown).toMatch(/fc\.weight .* 80\.00% +ALPS\n/);
    expect(shown).toMatch(/up\.weight .* 50\.00% +magnitude\n/);
    expect(shown.replace(/\s+/g, ' ')).toContain('zeros chosen by whichever method was best for each layer');
  });

  test('name what fell back to magnitude', () => {
    expect(weightsText(chosen).replace(/\s+/g, ' ')).toContain(
      '! by magnitude alone because other nodes read its weight too: up.weight',
    );
    expect(weightsText(weightsOf(chosen.layers))).not.toMatch(/magnitude|output off/);
  });
});

describe('every section', () => {
  const name = `${ESCAPE}[2J\u202eblocks.0.a.very.long.name.of.a.weight\n`;
  const hostile = weightsOf([layer(name, [8, 8], 32)], {
    oneShot: {
      method: 'wanda',
      samples: 1,
      layers: [],
      byMagnitude: [name, ...Array.from({ length: 20 }, (_, i) => `w${i}`)].map((initializer) => ({
        initializer,
        reason: `of ${name}`,
      })),
    },
  });
  const render = (options: RenderOptions): string =>
    [
      recoveryText(recovery, options),
      recoveryText({ ...recovery, layers: [recovered(name, 0.2, 0.1, { extra: 1 })] }, options),
      weightsText(chosen, options),
      weightsText(hostile, options),
    ].join('\n');

  test.each([40, 60, 80, 120])('fits %d columns, and colours change no text', (width) => expectFits(render, width));

  test('shows no control characters of names', () => {
    expect(render(plain).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('keeps the figures where the terminal is narrow', () => {
    const shown = render({ ...plain, width: 60 });
    for (const figure of ['25.00%', '1.23%', '50.00%', '2.00%']) expect(shown).toContain(figure);
  });
});
