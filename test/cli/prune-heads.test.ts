import { describe, expect, it } from 'vitest';
import { languageModel, type TransformerOptions } from '../support/transformer.ts';
import { Desk } from './support/desk.ts';
import { smallNet } from './support/models.ts';
import { at, itemsAt, weightDims } from './support/read.ts';
import { DRY, reasons, reportOf, widths } from './support/reports.ts';

const MIXED = 'LayerNormalization mixes its channels (--allow-approximate includes it)';
const NO_AMOUNT = 'no amount was given for it (--structured gives one)';
const STREAM = ['words', '0.out', '0.down'];

function deskWithModel(options: TransformerOptions = {}): Desk {
  const desk = new Desk();
  desk.write('lm.onnx', languageModel({ blocks: 1, ...options }).bytes());
  return desk;
}

/** The parts that the groups are made of, by name. */
function parts(report: unknown): unknown[][] {
  return itemsAt(report, 'pruning', 'groups').map((group) => [at(group, 'name'), at(group, 'part')]);
}

describe('--heads and --head-dim', { timeout: 60_000 }, () => {
  it('take whole heads alone, and say why the rest stays', async () => {
    const report = await reportOf(deskWithModel(), 'lm.onnx', '--heads', '50%', ...DRY);
    expect(widths(report)).toEqual({ '0.q': '16 → 8' });
    expect(parts(report)).toEqual([['0.q', 'heads']]);
    expect(at(report, 'pruning', 'groups', 0)).toMatchObject({ unit: 4 });
    expect(reasons(report)).toMatchObject({ [MIXED]: STREAM, [NO_AMOUNT]: ['0.up'] });
    expect(at(report, 'options')).toMatchObject({ heads: 0.5, allowApproximate: false });
    expect(at(report, 'options')).not.toHaveProperty('structured');
  });

  it('take the same dimensions of every head alone', async () => {
    const report = await reportOf(deskWithModel(), 'lm.onnx', '--head-dim', '0.25', ...DRY);
    expect(widths(report)).toEqual({ '0.q': '16 → 12', '0.v': '16 → 12' });
    expect(parts(report)).toEqual([
      ['0.q', 'head-dim'],
      ['0.v', 'head-dim'],
    ]);
    const kept = itemsAt(report, 'pruning', 'groups', 0, 'kept').map(Number);
    const inHead = (head: number): number[] => kept.filter((i) => i >> 2 === head).map((i) => i & 3);
    for (const head of [1, 2, 3]) expect(inHead(head)).toEqual(inHead(0));
  });

  it('take both, dimensions of the heads that stay, and write a model that is proven', async () => {
    const desk = deskWithModel();
    const report = await reportOf(desk, 'lm.onnx', '--heads', '50%', '--head-dim', '50%', '--no-bench', '--json');
    expect(parts(report)).toEqual([
      ['0.q', 'heads'],
      ['0.q', 'head-dim'],
      ['0.v', 'head-dim'],
    ]);
    expect(at(report, 'proof', 'passed')).toBe(true);
    expect(weightDims(desk.path('lm.pruned.onnx'))).toMatchObject({
      '0.q': [16, 4],
      '0.k': [16, 4],
      '0.v': [16, 4],
      '0.out': [4, 16],
      '0.up': [16, 24],
    });
  });

  it('go before --structured, which everything else loses', async () => {
    const report = await reportOf(deskWithModel(), 'lm.onnx', '--structured', '50%', '--heads', '25%', ...DRY);
    expect(widths(report)).toEqual({ '0.q': '16 → 12', '0.up': '24 → 12' });
  });

  it('of 0% keep heads where --structured would take some', async () => {
    const report = await reportOf(deskWithModel(), 'lm.onnx', '--structured', '50%', '--heads', '0%', ...DRY);
    expect(widths(report)).toEqual({ '0.q': '16 → 16', '0.up': '24 → 12' });
  });

  it('take nothing from a net without attention, which is said, and is no error', async () => {
    const desk = new Desk();
    desk.write('m.onnx', smallNet().bytes());
    const { code, stdout } = await desk.run('m.onnx', '--heads', '50%', '--no-bench', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('NOTHING WAS PRUNED');
    expect(stdout).toMatch(/no amount was given for it\s+\(--structured gives\s+one\)/);
  });

  it('are shown to a person', async () => {
    const { stdout } = await deskWithModel().run('lm.onnx', '--heads', '50%', '--no-bench', '--dry-run');
    expect(stdout).toMatch(/0\.q\s+16 → 8\s+50\.00%\s+4/);
  });

  it.each([
    ['--heads', '100%'],
    ['--head-dim', '50'],
  ])('%s %s is refused', async (option, amount) => {
    const { code, stderr } = await deskWithModel().hosted('lm.onnx', option, amount, ...DRY);
    expect(code).toBe(2);
    expect(stderr).toContain(`${option} must be at least 0% and below 100%`);
  });
});

describe('--allow-approximate', { timeout: 60_000 }, () => {
  it('takes channels of the residual stream as well, and says over which nodes statistics change', async () => {
    const desk = deskWithModel();
    const args = ['lm.onnx', '--structured', '50%', '--allow-approximate', '--no-bench', '--json'];
    const report = await reportOf(desk, ...args);
    expect(widths(report)).toEqual({ words: '16 → 8', '0.q': '16 → 8', '0.up': '24 → 12' });
    const nodes = ['0.before/Norm', '0.between/Norm', 'final/Norm'];
    expect(itemsAt(report, 'pruning', 'groups').map((group) => at(group, 'approximate'))).toEqual([nodes, [], []]);
    expect(itemsAt(report, 'notes')).toEqual([
      '3 nodes take statistics over channels of which some left (0.before/Norm, 0.between/Norm, final/Norm); the proof takes them over those that stay, so it says nothing of what that does to accuracy.',
    ]);
    expect(at(report, 'proof', 'passed')).toBe(true);
    expect(weightDims(desk.path('lm.pruned.onnx'))).toMatchObject({
      words: [11, 8],
      'final.scale': [8],
      scores: [8, 11],
    });
  });

  it('does not speak of nodes whose channels all stay', async () => {
    const args = ['lm.onnx', '--heads', '50%', '--allow-approximate', ...DRY];
    const report = await reportOf(deskWithModel(), ...args);
    expect(reasons(report)).toMatchObject({ [NO_AMOUNT]: ['words', '0.up'] });
    expect(itemsAt(report, 'notes')).toEqual([]);
  });

  it('is not needed where the norm is a root of mean squares', async () => {
    const report = await reportOf(deskWithModel({ norm: 'rms' }), 'lm.onnx', '--structured', '50%', ...DRY);
    expect(widths(report)).toMatchObject({ words: '16 → 8' });
    expect(itemsAt(report, 'notes')).toEqual([]);
  });
});
