import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { decodeModel } from '../../src/onnx/codec.ts';
import { writeModelFile } from '../../src/onnx/write.ts';
import { pruneIn } from '../../src/pipeline.ts';
import { processMark } from '../../src/process-mark.ts';
import { type RequestOptions, RuntimeChild } from '../../src/runtime/index.ts';
import type { Params, RequestKind, Result } from '../../src/runtime/protocol.ts';
import { makeTemporaryFolder } from '../../src/temporary-folder.ts';
import { Desk } from '../cli/support/desk.ts';
import { endlessNet, smallNet } from '../cli/support/models.ts';
import { numberAt, parse } from '../cli/support/read.ts';
import { ModelBuilder } from '../support/build.ts';
import { command } from './support/command.ts';
import { freshFolder, productNet, weightsIn } from './support/pairs.ts';

describe('writing that is stopped', { timeout: 60_000 }, () => {
  it.each([
    ['a compressed model', { gzip: true }, 'm.onnx.gz'],
    ['a model', {}, 'm.onnx'],
    ['a pair', { externalData: true }, 'm.onnx'],
  ])('before its end leaves what was there: %s', async (_, options, name) => {
    const folder = freshFolder();
    const path = join(folder, name);
    const [before, after] = [productNet(1, 64), productNet(2, 2 ** 15)].map((net) => decodeModel(net.bytes()));
    await writeModelFile(path, before ?? {}, options);
    const files = readdirSync(folder);
    for (const delay of [0, 1, 2, 4]) {
      const abort = new AbortController();
      const writing = writeModelFile(path, after ?? {}, { ...options, signal: abort.signal });
      for (let turn = 0; turn < delay; turn++) await new Promise((resolve) => setImmediate(resolve));
      abort.abort(new Error('enough'));
      await expect(writing).rejects.toThrow('enough');
      expect(readdirSync(folder)).toEqual(files);
      expect((await weightsIn(path)).length).toBe(64 * 64);
    }
  });

  it('by the end of the process itself leaves nothing half', async () => {
    const folder = freshFolder();
    const script = `
      import { replaceFiles } from ${JSON.stringify(new URL('../../dist/src/onnx/replace-files.js', import.meta.url))};
      const parts = async function* () {
        yield new Uint8Array(1000);
        process.exit(7);
      };
      await replaceFiles([{ path: 'a', parts: parts() }]);`;
    const ended = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: folder });
    expect((await once(ended, 'close'))[0]).toBe(7);
    expect(readdirSync(folder)).toEqual([]);
  });
});

/** A process for onnxruntime that has no time for one of its requests. */
class Impatient extends RuntimeChild {
  asked = 0;
  readonly #at: number;

  /** @param at which request that is, from 1 */
  constructor(at: number) {
    super({ deadlineHint: 'raise --timeout' });
    this.#at = at;
  }

  override request<K extends RequestKind>(
    kind: K,
    subject: string,
    params: Params<K>,
    options: RequestOptions = {},
  ): Promise<Result<K>> {
    this.asked += 1;
    return super.request(kind, subject, params, this.asked === this.#at ? { ...options, deadlineMs: 0 } : options);
  }
}

describe('a time limit', { timeout: 120_000 }, () => {
  // The first requests of a run ask what the model is and what inputs it runs on; the fifth whether outputs agree.
  it.each([1, 5])('that passes in request %i ends the run in a sentence, and leaves nothing', async (at) => {
    const [folder, temporary] = [freshFolder(), freshFolder()];
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    writeFileSync(join(folder, 'm.onnx'), smallNet().bytes());
    const child = new Impatient(at);
    onTestFinished(() => child.close());
    const running = pruneIn(child, join(folder, 'm.onnx'), { structured: 0.5, bench: false }, {});
    await expect(running).rejects.toMatchObject({
      code: 'runtime-refused',
      message: expect.stringMatching(/took longer than 0 s over .*raise --timeout\.$/),
    });
    expect(child.asked).toBe(at);
    expect(readdirSync(folder)).toEqual(['m.onnx']);
    // What runs TypeScript for the tests has a folder there, too.
    expect(readdirSync(temporary).filter((name) => name.startsWith('onnx-prune'))).toEqual([]);
  });
});

/** `smallNet`, and then so many numbers where there was one. */
function greedyNet(count: number): Uint8Array {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N', 4]);
  const hidden = b.node('Relu', [b.node('MatMul', [x, b.weight('w', [4, 16])])]);
  const one = b.node('ReduceMax', [b.node('MatMul', [hidden, b.weight('v', [16, 4])])], { keepdims: 0 });
  // So many for each sample: what is known of sizes before anything runs does not tell.
  const samples = b.node('Slice', [
    b.node('Shape', [x]),
    b.constant('from', 'int64', [1], [0]),
    b.constant('to', 'int64', [1], [1]),
  ]);
  const many = b.node('Expand', [one, b.node('Mul', [samples, b.constant('count', 'int64', [1], [count])])]);
  b.output(b.node('ReduceMean', [many], { keepdims: 0 }), 'float32', []);
  return b.bytes();
}

const KILLED =
  /^onnx-prune: onnxruntime's process was killed while it worked on \S+, most often for want of memory; give it more, or smaller inputs or batches\.\n$/;
const GROUPS = '/sys/fs/cgroup/memory';

/** Whether processes here can be given too little memory. */
function mayLimitMemory(): boolean {
  const probe = join(GROUPS, `faults-probe-${process.pid}`);
  try {
    mkdirSync(probe);
    const isReal = existsSync(join(probe, 'memory.limit_in_bytes'));
    rmdirSync(probe);
    return isReal;
  } catch {
    return false;
  }
}

/** Whether the system refuses to promise more memory than there is. */
function refusesTooMuch(): boolean {
  const policy = '/proc/sys/vm/overcommit_memory';
  return existsSync(policy) && readFileSync(policy, 'utf8').trim() !== '1';
}

describe('memory that runs out', { timeout: 60_000 }, () => {
  it.skipIf(!refusesTooMuch())('where the system refuses it is told', async () => {
    const folder = freshFolder();
    writeFileSync(join(folder, 'm.onnx'), greedyNet(2 ** 40));
    const { code, stdout, stderr } = await command(['m.onnx', '--structured', '50%', '--no-bench'], { folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^onnx-prune: .*m\.onnx.*Failed to allocate memory for requested buffer of size \d{13}\.\n$/,
    );
    expect(readdirSync(folder)).toEqual(['m.onnx']);
  });

  it.skipIf(!mayLimitMemory())('where the system kills for it is told (where the user may limit it)', async () => {
    const group = join(GROUPS, `faults-${process.pid}`);
    mkdirSync(group);
    onTestFinished(() => expect.poll(() => removed(group), { timeout: 10_000 }).toBe(true));
    writeFileSync(join(group, 'memory.limit_in_bytes'), '400M');
    const [folder, temporary] = [freshFolder(), freshFolder()];
    writeFileSync(join(folder, 'm.onnx'), greedyNet(2 ** 28));
    const before = `echo $$ > ${group}/tasks`;
    const words = ['m.onnx', '--structured', '50%', '--no-bench'];
    const { code, stdout, stderr } = await command(words, { folder, before, env: { TMPDIR: temporary } });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(KILLED);
    expect(readdirSync(folder)).toEqual(['m.onnx']);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('is named where somebody kills the process of onnxruntime', async () => {
    const desk = new Desk();
    desk.write('endless.onnx', endlessNet());
    const run = desk.start(['endless.onnx', '--structured', '50%', '-v']);
    const child = await run.child((line) => line.includes('runtime/worker'));
    await run.said('find inputs');
    process.kill(child, 'SIGKILL');
    const { code, stderr } = await run.ended;
    expect(code).toBe(2);
    expect(stderr.split('onnx-prune: ')[1]).toMatch(
      /was killed while it worked on endless\.onnx, most often for want of memory/,
    );
    expect(desk.files).toEqual(['endless.onnx']);
    expect(desk.leftovers).toEqual([]);
  });
});

function removed(group: string): boolean {
  try {
    rmdirSync(group);
  } catch {
    // Somebody is still in it.
  }
  return !existsSync(group);
}

describe('a command that is killed itself', { timeout: 60_000 }, () => {
  it('leaves a folder for temporary files that the next run removes, and a journal that it goes on with', async () => {
    const desk = new Desk();
    desk.write('m.onnx', smallNet().bytes());
    const words = ['sweep', 'm.onnx', '--structured', '10,30,50', '--no-bench', '--workers', '1', '--json'];
    const run = desk.start(words);
    await desk.has('m.onnx.sweep.jsonl', (text) => text.split('\n').length > 2);
    run.stop('SIGKILL');
    expect((await run.ended).code).toBe(null);
    expect(desk.leftovers).toHaveLength(1);
    const { code, stdout } = await desk.run(...words);
    expect(code).toBe(0);
    expect(numberAt(parse(stdout), 'resumed')).toBeGreaterThanOrEqual(1);
    expect(desk.leftovers).toEqual([]);
    expect(desk.files).toEqual(['m.onnx', 'm.onnx.sweep.jsonl']);
  });

  it('makes nobody remove a folder of a process that may be there still', async () => {
    const temporary = freshFolder();
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    const gone = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(gone, 'close');
    const [, world = ''] = processMark().split('-');
    const stay = [
      `onnx-prune-${process.pid}-${world}-aaaaaa`,
      `onnx-prune-${gone.pid}-12345678-aaaaaa`,
      'onnx-prune-aaaaaa',
      'other',
    ];
    const go = [`onnx-prune-${gone.pid}-${world}-aaaaaa`, `onnx-prune-profile-${gone.pid}-${world}-bbbbbb`];
    for (const name of [...stay, ...go]) mkdirSync(join(temporary, name, 'inner'), { recursive: true });
    const made = await makeTemporaryFolder();
    expect(readdirSync(temporary).sort()).toEqual([...stay, basename(made)].sort());
  });
});

describe('a stream that is closed', { timeout: 60_000 }, () => {
  it.each([
    ['all of them', '<&- >&- 2>&-'],
    ['the reader behind stdout, at once', '| true'],
  ])('does not disturb a run: %s', async (_, after) => {
    const folder = freshFolder();
    writeFileSync(join(folder, 'm.onnx'), smallNet().bytes());
    const { code, stderr } = await command(['m.onnx', '--structured', '50%', '--no-bench', '--no-verify', '--json'], {
      folder,
      after,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(readdirSync(folder)).toEqual(['m.onnx', 'm.pruned.onnx']);
    expect(() => decodeModel(readFileSync(join(folder, 'm.pruned.onnx')))).not.toThrow();
  });
});
