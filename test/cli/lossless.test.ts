import { describe, expect, it } from 'vitest';
import { lastStateNet, PLANTED, plantedNet } from '../support/weight-nets.ts';
import { Desk } from './support/desk.ts';
import { smallNet } from './support/models.ts';
import { at, itemsAt, numberAt, weightDims } from './support/read.ts';
import { reportOf } from './support/reports.ts';

const QUICK = ['--no-bench', '--align', 'none'];

function deskWith(bytes: Uint8Array): Desk {
  const desk = new Desk();
  desk.write('m.onnx', bytes);
  return desk;
}

/** What left, by reason: indices in the numbering of the file. */
function foundIn(report: unknown): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  const removed = itemsAt(report, 'lossless', 'groups').flatMap((group) => itemsAt(group, 'removed'));
  for (const channel of removed) {
    const reason = String(at(channel, 'reason'));
    found[reason] = [...(found[reason] ?? []), numberAt(channel, 'index')];
  }
  return found;
}

describe('--lossless', { timeout: 60_000 }, () => {
  it('finds what is there for nothing, says why, and proves that outputs stay', async () => {
    const desk = deskWith(plantedNet().bytes());
    const report = await reportOf(desk, 'm.onnx', '--lossless', ...QUICK, '--json');
    expect(foundIn(report)).toEqual(PLANTED);
    expect(at(report, 'lossless', 'byReason')).toEqual({ zero: 1, constant: 1, duplicate: 1, unread: 1 });
    expect(at(report, 'proof', 'passed')).toBe(true);
    expect(numberAt(report, 'fidelity', 'outputs', 0, 'relativeL2')).toBeLessThan(1e-5);
    expect(at(report, 'output', 'path')).toBe('m.pruned.onnx');
  });

  it('stores initializers once that the file has twice', async () => {
    const desk = deskWith(plantedNet().bytes());
    const report = await reportOf(desk, 'm.onnx', '--lossless', ...QUICK, '--json');
    const readers = Object.values(weightDims(desk.path('m.pruned.onnx'))).filter((dims) => String(dims) === '4,8');
    expect(readers).toHaveLength(1);
    expect(numberAt(report, 'storage', 'storedTwice', 'bytes')).toBeGreaterThanOrEqual(4 * 8 * 4);
  });

  it('drops outputs of an LSTM that nobody reads', async () => {
    const desk = deskWith(lastStateNet().bytes());
    const { code, stdout } = await desk.run('m.onnx', '--lossless', ...QUICK);
    expect(code).toBe(0);
    expect(stdout).toContain('outputs that nobody reads: every state of lstm, last cell of lstm');
  });

  it('tells a person what left and why, layer by layer', async () => {
    const { stdout } = await deskWith(plantedNet().bytes()).run('m.onnx', '--lossless', ...QUICK);
    expect(stdout).toContain('removed 4 channels that changed no output');
    expect(stdout).toMatch(/first\.weight +12 → 8 +1 zero, 1 constant, 1 duplicate, 1 unread\n/);
    expect(stdout).not.toContain('NOTHING WAS PRUNED');
  });

  it('says plainly that nothing could leave, and writes the tidied model all the same', async () => {
    const desk = deskWith(smallNet().bytes());
    const { code, stdout } = await desk.run('m.onnx', '--lossless', ...QUICK);
    expect(code).toBe(0);
    expect(stdout).toContain('NOTHING WAS PRUNED');
    expect(stdout).toContain('No channel is unread, zero, the same for all inputs, or a multiple of another.');
    expect(stdout).toContain('nothing was rewired, so there was nothing to prove');
    expect(stdout).not.toContain('give real inputs with --test');
    expect(desk.files).toEqual(['m.onnx', 'm.pruned.onnx']);
  });

  it('fails under --require-change where nothing could leave', async () => {
    const desk = deskWith(smallNet().bytes());
    const { code, stderr } = await desk.run('m.onnx', '--lossless', ...QUICK, '--require-change');
    expect(code).toBe(3);
    expect(stderr).toMatch(/^onnx-prune: Nothing could be changed, and --require-change was given, .*\n$/);
    expect(desk.files).toEqual(['m.onnx']);
  });

  it('keeps what --exclude names', async () => {
    const desk = deskWith(plantedNet().bytes());
    const report = await reportOf(desk, 'm.onnx', '--lossless', '--exclude', 'first', ...QUICK, '--json');
    expect(at(report, 'lossless', 'removedChannels')).toBe(0);
  });

  it('keeps channels whose loss would make kernels slower, unless --align says otherwise', async () => {
    const desk = deskWith(mixedWithDeadChannel());
    const args = ['m.onnx', '--lossless', '--no-bench', '--force', '--json', '--align'];
    expect(at(await reportOf(desk, ...args, '8'), 'lossless', 'groups', 0)).toMatchObject({
      after: 16,
      keptForSpeed: 1,
    });
    expect(at(await reportOf(desk, ...args, 'none'), 'lossless', 'groups', 0)).toMatchObject({
      after: 15,
      keptForSpeed: 0,
    });
  });
});

/** `smallNet` whose first channel of 16 nobody reads. */
function mixedWithDeadChannel(): Uint8Array {
  const b = smallNet();
  const head = b.graph().initializer.find(({ name }) => name === 'head.weight');
  if (!(head?.rawData instanceof Uint8Array)) throw new Error('the weight is stored otherwise');
  for (let row = 0; row < 4; row++) head.rawData.fill(0, row * 16 * 9 * 4, (row * 16 + 1) * 9 * 4);
  return b.bytes();
}

describe('--no-lossless', { timeout: 60_000 }, () => {
  it('leaves all channels to the amount', async () => {
    const desk = deskWith(plantedNet().bytes());
    const args = ['m.onnx', '--structured', '50%', ...QUICK, '--json', '--force'];
    const [on, off] = [await reportOf(desk, ...args), await reportOf(desk, ...args, '--no-lossless')];
    expect(at(on, 'pruning', 'groups', 0)).toMatchObject({ before: 8, after: 4 });
    expect(at(off, 'pruning', 'groups', 0)).toMatchObject({ before: 12, after: 6 });
    expect(at(off, 'lossless')).toBeNull();
  });

  it('keeps neurons that zeros free, and so do outputs stay what they are without it', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-mlp.onnx', 'mnist-test.npz');
    const args = [model, '--unstructured', '95%', '--scope', 'global', '--no-bench', '--json'];
    const freed = await reportOf(desk, ...args, '--test', 'mnist-test.npz', '-o', 'freed.onnx');
    const kept = await reportOf(desk, ...args, '--no-verify', '--no-lossless', '-o', 'kept.onnx');
    expect(numberAt(freed, 'freed', 'removedChannels')).toBeGreaterThan(0);
    expect(at(kept, 'freed')).toBeNull();
    expect(desk.read('freed.onnx').length).toBeLessThan(desk.read('kept.onnx').length);
    const compared = await reportOf(desk, 'compare', 'kept.onnx', 'freed.onnx', '--no-bench', '--json');
    expect(numberAt(compared, 'fidelity', 'outputs', 0, 'relativeL2')).toBeLessThan(1e-5);
    expect(at(compared, 'fidelity', 'outputs', 0, 'argmaxAgreement')).toBe(1);
  });
});
