import { describe, expect, it } from 'vitest';
import { criteria } from '../../src/index.ts';
import { Desk } from './support/desk.ts';
import { smallNet } from './support/models.ts';
import { at, itemsAt, numberAt } from './support/read.ts';
import { DRY, reportOf, widths } from './support/reports.ts';

function deskWithModel(): Desk {
  const desk = new Desk();
  desk.write('m.onnx', smallNet().bytes());
  return desk;
}

const report = (desk: Desk, ...args: readonly string[]): Promise<unknown> => reportOf(desk, ...args, ...DRY);

describe('the choice of channels', { timeout: 60_000 }, () => {
  // What reconstruction has to have, and does, is in recovery.test.ts.
  const names = criteria.map(({ name }) => name).filter((name) => name !== 'reconstruction');

  it.each(names)('goes by --criterion %s, the same way every time', async (name) => {
    const desk = deskWithModel();
    const args = ['m.onnx', '--structured', '50%', '--criterion', name];
    const [first, second] = [await report(desk, ...args), await report(desk, ...args)];
    expect(at(first, 'options', 'criterion')).toBe(name);
    expect(widths(first)).toEqual({ 'stem.weight': '16 → 8' });
    expect(at(second, 'pruning')).toEqual(at(first, 'pruning'));
  });

  it('is drawn anew for another --seed under --criterion random', async () => {
    const desk = deskWithModel();
    const args = ['m.onnx', '--structured', '50%', '--criterion', 'random', '--seed'];
    const kept = async (seed: string): Promise<unknown> =>
      at(await report(desk, ...args, seed), 'pruning', 'groups', 0, 'kept');
    expect(await kept('1')).not.toEqual(await kept('2'));
  });

  it('ranks all groups together under --scope global', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-cnn.onnx');
    const json = await report(desk, model, '--structured', '50%', '--scope', 'global', '--align', 'none');
    const left = itemsAt(json, 'pruning', 'groups').map(
      (group) => numberAt(group, 'after') / numberAt(group, 'before'),
    );
    expect(new Set(left).size).toBeGreaterThan(1);
    expect(numberAt(json, 'pruning', 'removedChannels')).toBe(176);
  });

  it('takes no more than --max-ratio from any group', async () => {
    const desk = deskWithModel();
    const args = ['m.onnx', '--structured', '90%', '--align', 'none'];
    expect(widths(await report(desk, ...args))).toEqual({ 'stem.weight': '16 → 2' });
    expect(widths(await report(desk, ...args, '--max-ratio', '25%'))).toEqual({ 'stem.weight': '16 → 12' });
  });

  it.each([
    ['none', 5],
    ['4', 4],
    ['8', 8],
  ])('keeps what --align %s makes of the amount, and the report says both', async (align, after) => {
    const desk = deskWithModel();
    const json = await report(desk, 'm.onnx', '--structured', '70%', '--align', align);
    const group = at(json, 'pruning', 'groups', 0);
    expect(group).toMatchObject({ before: 16, asked: 5, after });
  });

  it('aligns to what the kernels of this machine like under --align auto', async () => {
    const desk = new Desk();
    const json = await report(desk, desk.fixture('mnist-cnn.onnx'), '--structured', '45%');
    expect([8, 16]).toContain(numberAt(json, 'environment', 'kernelBlock'));
    // The convolutions are rounded to blocks of 8 or 16; the matrix product of the last group runs at any width.
    expect(at(json, 'pruning', 'groups')).toMatchObject([
      { name: '0.weight', asked: 18, after: 16 },
      { name: '4.weight', asked: 35, after: 32 },
      { name: '9.weight', asked: 141, after: 141 },
    ]);
  });
});

describe('--exclude and --only', { timeout: 60_000 }, () => {
  const amount = ['--structured', '50%', '--align', 'none'];
  const half = { '0.weight': '32 → 16', '4.weight': '64 → 32', '9.weight': '256 → 128' };
  const { '0.weight': first, '4.weight': second, '9.weight': third } = half;

  it.each([
    [['--exclude', '4.weight'], { '0.weight': first, '9.weight': third }],
    [['--exclude', '/4/Conv'], { '0.weight': first, '9.weight': third }],
    [['--exclude', '*Conv*'], { '9.weight': third }],
    [['--exclude', '/0/*', '--exclude', '9.*'], { '4.weight': second }],
    [['--only', '*.weight', '--exclude', '9*'], { '0.weight': first, '4.weight': second }],
    [['--only', '/9/Gemm'], { '9.weight': third }],
    [['--only', '[04].weight'], { '0.weight': first, '4.weight': second }],
    [['--only', '*'], half],
  ])('%j leave %j', async (args, expected) => {
    const desk = new Desk();
    expect(widths(await report(desk, desk.fixture('mnist-cnn.onnx'), ...amount, ...args))).toEqual(expected);
  });

  it('are given as the reason of what they keep', async () => {
    const desk = new Desk();
    const json = await report(desk, desk.fixture('mnist-cnn.onnx'), ...amount, '--exclude', '4.weight');
    expect(at(json, 'pruning', 'kept')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          reason: '--exclude "4.weight"',
          layers: [expect.objectContaining({ initializer: '4.weight' })],
        }),
      ]),
    );
  });
});
