import { describe, expect, it } from 'vitest';
import { languageModel } from '../support/transformer.ts';
import { Desk } from './support/desk.ts';
import { at, itemsAt } from './support/read.ts';
import { DRY, reasons, reportOf, widths } from './support/reports.ts';

/** A desk with a digit classifier of 32, 64 and 256 channels, and a recipe. */
function deskWith(recipe: unknown): Desk {
  const desk = new Desk();
  desk.fixture('mnist-cnn.onnx');
  desk.write('r.json', JSON.stringify(recipe));
  return desk;
}

const MODEL = ['mnist-cnn.onnx', '--recipe', 'r.json'];
const align = 'none';

describe('--recipe', { timeout: 60_000 }, () => {
  it('gives every layer an amount of its own, the last entry that matches deciding', async () => {
    const layers = [
      { match: '*.weight', amount: '50%' },
      { match: ['4.weight', '9.*'], amount: 0.25 },
      { match: '/9/Gemm', amount: 0 },
    ];
    const report = await reportOf(deskWith({ align, layers }), ...MODEL, ...DRY);
    expect(widths(report)).toEqual({ '0.weight': '32 → 16', '4.weight': '64 → 48', '9.weight': '256 → 256' });
    expect(at(report, 'options')).not.toHaveProperty('structured');
  });

  it('leaves layers alone that it gives no amount', async () => {
    const report = await reportOf(deskWith({ layers: [{ match: '4.weight', amount: 0.5 }] }), ...MODEL, ...DRY);
    expect(widths(report)).toEqual({ '4.weight': '64 → 32' });
    expect(reasons(report)).toMatchObject({
      'no amount was given for it (--structured gives one)': ['0.weight', '9.weight'],
    });
  });

  it('excludes layers, and takes the exclusion of fewer back', async () => {
    const layers = [
      { match: '*', exclude: true },
      { match: '9.weight', exclude: false },
    ];
    const report = await reportOf(deskWith({ structured: '50%', align, layers }), ...MODEL, ...DRY);
    expect(widths(report)).toEqual({ '9.weight': '256 → 128' });
    expect(reasons(report)).toMatchObject({ 'the recipe excludes it': ['0.weight', '4.weight'] });
  });

  it('ranks each layer by a criterion of its own', async () => {
    const layers = [
      { match: '0.weight', criterion: 'random' },
      { match: '4.weight', criterion: 'fpgm' },
    ];
    const report = await reportOf(deskWith({ structured: 0.5, criterion: 'l1', layers }), ...MODEL, ...DRY);
    expect(itemsAt(report, 'pruning', 'groups').map((group) => at(group, 'criterion'))).toEqual([
      'random',
      'fpgm',
      'l1',
    ]);
    const all = (criterion: string): Promise<unknown> =>
      reportOf(deskWith({ structured: 0.5, criterion }), ...MODEL, ...DRY);
    const kept = (from: unknown, group: number): unknown => at(from, 'pruning', 'groups', group, 'kept');
    const [fpgm, l1] = [await all('fpgm'), await all('l1')];
    expect(kept(report, 1)).toEqual(kept(fpgm, 1));
    expect(kept(report, 2)).toEqual(kept(l1, 2));
    expect(kept(fpgm, 1)).not.toEqual(kept(l1, 1));
  });

  it('keeps an amount of its own apart from what all groups together lose', async () => {
    const layers = [{ match: '9.weight', amount: '25%' }];
    const recipe = { structured: '50%', scope: 'global', align, layers };
    const report = await reportOf(deskWith(recipe), ...MODEL, ...DRY);
    expect(widths(report)).toMatchObject({ '9.weight': '256 → 192' });
    // Half of the 32 + 64 others, wherever they are weakest.
    expect(at(report, 'pruning', 'removedChannels')).toBe(64 + 48);
  });

  it('may say heads and dimensions, and what is approximate', async () => {
    const desk = new Desk();
    desk.write('lm.onnx', languageModel({ blocks: 2 }).bytes());
    const layers = [
      { match: '1.q', amount: '75%' },
      { match: '0.*', exclude: true },
    ];
    desk.write('r.json', JSON.stringify({ heads: '25%', headDim: '50%', allowApproximate: true, layers }));
    const report = await reportOf(desk, 'lm.onnx', '--recipe', 'r.json', ...DRY);
    expect(itemsAt(report, 'pruning', 'groups').map((group) => [at(group, 'name'), at(group, 'after')])).toEqual([
      ['1.q', 4],
      ['1.q', 2],
      ['1.v', 2],
    ]);
    expect(at(report, 'options')).toMatchObject({ heads: 0.25, headDim: 0.5, allowApproximate: true });
  });

  it('is all that is needed, and writes where it says', async () => {
    const desk = deskWith({ layers: [{ match: '4.weight', amount: '50%' }], output: 'out.onnx', bench: false });
    const { code, stdout, stderr } = await desk.run(...MODEL);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('→ out.onnx');
    expect(stdout).not.toContain('Latency');
    expect(desk.files).toEqual(['mnist-cnn.onnx', 'out.onnx', 'r.json']);
  });

  it.each([
    ['the result that it names', { structured: 0.5, output: 'out.json' }, 'out.json'],
    ['itself', { structured: 0.5 }, 'r.json'],
  ])('does not let the report be written over %s', async (_, recipe, report) => {
    const desk = deskWith(recipe);
    const { code, stderr } = await desk.run(...MODEL, '--report', report);
    expect(code).toBe(2);
    expect(stderr).toContain(`--report "${report}"`);
    expect(desk.files).toEqual(['mnist-cnn.onnx', 'r.json']);
  });
});

describe('what is said twice', { timeout: 60_000 }, () => {
  const RECIPE = { structured: '25%', criterion: 'l1', seed: 3, exclude: ['0.weight'], bench: false, dryRun: true };

  it('goes by the recipe where the command line says nothing, and by defaults where neither does', async () => {
    const report = await reportOf(deskWith(RECIPE), ...MODEL, '--json');
    const stated = { structured: 0.25, criterion: 'l1', seed: 3, exclude: ['0.weight'], bench: false, dryRun: true };
    expect(at(report, 'options')).toMatchObject({ ...stated, scope: 'uniform', maxRatio: 1, align: 'auto' });
    expect(at(report, 'output')).toBeNull();
    expect(at(report, 'latency')).toBeNull();
    expect(at(report, 'proof', 'passed')).toBe(true);
  });

  it('goes by the command line where that speaks, even to say what a default would', async () => {
    const said = ['--structured', '50%', '--criterion', 'fan-out', '--seed', '0', '--exclude', '4.*', '--no-verify'];
    const report = await reportOf(deskWith(RECIPE), ...MODEL, ...said, '--json');
    expect(at(report, 'options')).toMatchObject({
      structured: 0.5,
      criterion: 'fan-out',
      seed: 0,
      exclude: ['4.*'],
      verify: false,
      bench: false,
    });
    expect(widths(report)).toMatchObject({ '0.weight': '32 → 16' });
  });

  it('but a layer keeps what the recipe says of it', async () => {
    const recipe = { structured: '25%', align, layers: [{ match: '0.weight', amount: '75%' }] };
    const report = await reportOf(deskWith(recipe), ...MODEL, '--structured', '50%', ...DRY);
    expect(widths(report)).toEqual({ '0.weight': '32 → 8', '4.weight': '64 → 32', '9.weight': '256 → 128' });
  });
});

describe('the recipe that inspect gives', { timeout: 60_000 }, () => {
  it('does what --structured 50% does, fed back as it is', async () => {
    const desk = new Desk();
    const model = desk.fixture('structural/residual.onnx');
    const recipe = at(await reportOf(desk, 'inspect', model, '--json'), 'recipe');
    desk.write('r.json', JSON.stringify(recipe));
    const fed = await reportOf(desk, model, '--recipe', 'r.json', ...DRY);
    expect(at(fed, 'pruning')).toEqual(at(await reportOf(desk, model, '--structured', '50%', ...DRY), 'pruning'));
  });

  it('of a transformer names heads and feed-forward parts', async () => {
    const desk = new Desk();
    desk.write('lm.onnx', languageModel().bytes());
    const recipe = at(await reportOf(desk, 'inspect', 'lm.onnx', '--json'), 'recipe');
    expect(recipe).toEqual({
      structured: '50%',
      layers: ['0.q', '0.up', '1.q', '1.up'].map((match) => ({ match, amount: '50%' })),
    });
  });

  it('changes one group where one entry is edited', async () => {
    const desk = new Desk();
    const model = desk.fixture('structural/concat-dense.onnx');
    const recipe = Object(at(await reportOf(desk, 'inspect', model, '--json'), 'recipe'));
    const layers = recipe.layers.map((layer: object, i: number) => (i === 1 ? { ...layer, amount: 0 } : layer));
    desk.write('r.json', JSON.stringify({ ...recipe, align, layers }));
    const plain = widths(await reportOf(desk, model, '--structured', '50%', '--align', 'none', ...DRY));
    const changed = widths(await reportOf(desk, model, '--recipe', 'r.json', ...DRY));
    const [, name = ''] = Object.keys(plain);
    const before = plain[name]?.split(' ')[0];
    expect(changed).toEqual({ ...plain, [name]: `${before} → ${before}` });
  });
});
