import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainModelFile, readModelFile } from '../../src/onnx/read.ts';
import { writeModelFile } from '../../src/onnx/write.ts';
import { RuntimeChild, run } from '../../src/runtime/index.ts';
import { createRandom } from '../support/random.ts';
import { freshFolder, productNet, weightsIn } from './support/pairs.ts';

const WRITER = fileURLToPath(new URL('./support/writer.mjs', import.meta.url));
const KINDS = ['single', 'pair', 'gzip'] as const;

type Kind = (typeof KINDS)[number];
type State = 'nothing' | 'old' | 'new';

let child: RuntimeChild;
beforeAll(() => {
  child = new RuntimeChild();
});
afterAll(() => child.close());

/** Two models of different sizes that a target may hold, in files of their own, and the folder of the target. */
class Scene {
  readonly root: string = freshFolder();
  readonly target: string;

  constructor(columns: number, kind: Kind) {
    mkdirSync(join(this.root, 'out'));
    mkdirSync(join(this.root, 'snapshots'));
    this.target = join(this.root, 'out', kind === 'gzip' ? 'm.onnx.gz' : 'm.onnx');
    writeFileSync(this.source('old'), productNet(1, columns).bytes());
    writeFileSync(this.source('new'), productNet(2, columns / 2).bytes());
  }

  source(name: State): string {
    return join(this.root, `${name}.onnx`);
  }

  /** The target as it was before each change on the way from one model to the other, in a folder of its own each. */
  async targetsOnTheWay(kind: Kind): Promise<string[]> {
    const snapshots = join(this.root, 'snapshots');
    const writer = spawn(process.execPath, [WRITER, this.source('new'), this.target, kind, snapshots]);
    writer.stdin.end('x');
    expect(await once(writer, 'close')).toEqual([0, null]);
    const numbers = readdirSync(snapshots).map(Number);
    return numbers.sort((a, b) => a - b).map((each) => join(snapshots, String(each), basename(this.target)));
  }

  /** Writes one of them, without being disturbed. */
  async write(name: State, kind: Kind, target: string = this.target): Promise<void> {
    const { model } = await readModelFile(this.source(name));
    await writeModelFile(target, model, { externalData: kind === 'pair', gzip: kind === 'gzip' });
  }

  /** Which of them the target holds, whole: by its bytes, and by what onnxruntime makes of it. */
  async state(target: string = this.target): Promise<State> {
    if (!existsSync(target)) return 'nothing';
    const found = Buffer.from(await weightsIn(target));
    const plain = await plainModelFile(target, join(this.root, 'plain.onnx'));
    const data = Float32Array.from({ length: 16 }, (_, at) => (at === 0 ? 1 : 0));
    const { y } = await run(child, plain, { x: { type: 'float32', dims: [1, 16], data } });
    const outputs =
      y?.data instanceof Float32Array
        ? Buffer.from(y.data.buffer, y.data.byteOffset, y.data.byteLength)
        : Buffer.alloc(0);
    expect(outputs.equals(found.subarray(0, found.length / 16))).toBe(true);
    for (const name of ['old', 'new'] as const) {
      if (found.equals(Buffer.from(await weightsIn(this.source(name))))) return name;
    }
    throw new Error(`${target} holds neither the old nor the new model`);
  }

  /** What a later run makes of it: the new model, and nothing else beside it. */
  async expectMended(kind: Kind, target: string = this.target): Promise<void> {
    await this.write('new', kind, target);
    expect(await this.state(target)).toBe('new');
    const names = kind === 'pair' ? ['m.onnx', 'm.onnx.data'] : [basename(target)];
    expect(readdirSync(dirname(target)).sort()).toEqual(names);
  }
}

describe('before each change to files, and in the middle of each', { timeout: 60_000 }, () => {
  it.each([
    ['single', undefined],
    ['single', 'single'],
    ['pair', undefined],
    ['pair', 'single'],
    ['pair', 'pair'],
    ['gzip', 'gzip'],
  ] as const)(
    'the old model is there or the new one, so that a kill does no harm: %s over %s',
    async (kind, before) => {
      const scene = new Scene(64, kind);
      if (before !== undefined) await scene.write('old', before);
      const targets = await scene.targetsOnTheWay(kind);
      expect(targets.length).toBeGreaterThan(4);
      const seen: State[] = [];
      for (const target of targets) {
        seen.push(await scene.state(target));
        await scene.expectMended(kind, target);
      }
      expect(await scene.state()).toBe('new');
      // First the old state, and from some step on the new one.
      const turn = [...seen, 'new'].indexOf('new');
      const old = before === undefined ? 'nothing' : 'old';
      expect(seen).toEqual(seen.map((_, at) => (at < turn ? old : 'new')));
      expect(turn).toBeGreaterThan(3);
    },
  );
});

describe('a process that is killed at any moment', { timeout: 60_000 }, () => {
  it.each(KINDS)('leaves the old model or the new one, and the next run works: %s', async (kind) => {
    const random = createRandom(KINDS.indexOf(kind) + 1);
    const scene = new Scene(kind === 'gzip' ? 2 ** 13 : 2 ** 15, kind);
    const states = new Set<State>();
    for (let kill = 0; kill < 6; kill++) {
      if ((await scene.state()) !== 'old') await scene.write('old', kind);
      const writer = spawn(process.execPath, [WRITER, scene.source('new'), scene.target, kind]);
      const closed = once(writer, 'close');
      await once(writer.stdout, 'data');
      writer.stdin.write('x');
      await sleep(random.uniform() * (kind === 'gzip' ? 60 : 20));
      writer.kill('SIGKILL');
      await closed;
      states.add(await scene.state());
    }
    expect([...states].every((state) => state !== 'nothing')).toBe(true);
    await scene.expectMended(kind);
  });
});
