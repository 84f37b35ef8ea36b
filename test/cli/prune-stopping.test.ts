import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { endlessNet, smallNet } from './support/models.ts';
import { isAlive } from './support/processes.ts';

describe('a run that is stopped', { timeout: 60_000 }, () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s ends with exit status %i and leaves nothing behind', async (signal, status) => {
    const desk = new Desk();
    desk.write('endless.onnx', endlessNet());
    const run = desk.start(['endless.onnx', '--structured', '50%', '-v']);
    await run.said('find inputs');
    run.stop(signal);
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stdout }).toEqual({ code: status, stdout: '' });
    expect(stderr).toMatch(/onnx-prune: Stopped; nothing was written\.\n$/);
    expect(desk.files).toEqual(['endless.onnx']);
    expect(desk.leftovers).toEqual([]);
  });

  it('stops a comparison as well, and every process of it', async () => {
    const desk = new Desk();
    desk.write('endless.onnx', endlessNet());
    const run = desk.start(['compare', 'endless.onnx', 'endless.onnx', '-v']);
    await run.said('find inputs');
    const child = await run.child((line) => line.includes('runtime/worker'));
    run.stop('SIGINT');
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toMatch(/onnx-prune: Stopped; nothing was written\.\n$/);
    await expect.poll(() => isAlive(child), { timeout: 10_000 }).toBe(false);
    expect(desk.files).toEqual(['endless.onnx']);
    expect(desk.leftovers).toEqual([]);
  });

  it('while onnxruntime is starting does not wait for it', async () => {
    const desk = new Desk();
    desk.fixture('cifar-resnet20.onnx');
    const run = desk.start(['cifar-resnet20.onnx', '--structured', '50%', '-v']);
    await run.said('read');
    run.stop('SIGINT');
    expect((await run.ended).code).toBe(130);
    expect(desk.files).toEqual(['cifar-resnet20.onnx']);
    expect(desk.leftovers).toEqual([]);
  });

  it.each([
    ['prune', ['endless.onnx', '--structured', '50%']],
    ['compare', ['compare', 'endless.onnx', 'endless.onnx']],
  ])('by --timeout is told about it: %s', async (_, args) => {
    const desk = new Desk();
    desk.write('endless.onnx', endlessNet());
    const { code, stdout, stderr } = await desk.run(...args, '--timeout', '2');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^onnx-prune: .* took longer than 2 s over endless\.onnx .*raise --timeout\.\n$/);
    expect(desk.files).toEqual(['endless.onnx']);
    expect(desk.leftovers).toEqual([]);
  });
});

describe('a reader that has seen enough', { timeout: 60_000 }, () => {
  it.each([
    ['inspect', ['inspect', 'm.onnx', '--json'], 0],
    ['prune', ['m.onnx', '--structured', '50%', '--no-bench', '--json'], 0],
    ['prune that fails a gate', ['m.onnx', '--structured', '0%', '--no-bench', '--require-change'], 3],
  ])('does not disturb %s', async (_, args, status) => {
    const desk = new Desk();
    desk.write('m.onnx', smallNet().bytes());
    const run = desk.start(args);
    run.hangUp();
    const { code, stderr } = await run.ended;
    expect(code).toBe(status);
    expect(stderr).not.toMatch(/EPIPE|at file:/);
  });
});
