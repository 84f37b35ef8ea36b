import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
    this.target = join(this.root, 'out', kind === 'gzip' ? 'm.onnx.gz' : 'm.onnx');
    writeFileSync(this.source('old'), productNet(1, columns).bytes());
    writeFileSync(this.source('new'), productNet(2, columns / 2).bytes());
  }

  source(name: State): string {
    return join(this.root, `${name}.onnx`);
  }

  get files(): string[] {
    return readdirSync(join(this.root, 'out')).sort();
  }

  /** Writes one of them, without being disturbed. */
  async write(name: State, kind: Kind): Promise<void> {
    const { model } = await readModelFile(this.source(name));
    await writeModelFile(this.target, model, { externalData: kind === 'pair', gzip: kind === 'gzip' });
  }

  /** Which of them the target holds, whole: by its bytes, and by what onnxruntime makes of it. */
  async state(): Promise<State> {
    if (!existsSync(this.target)) return 'nothing';
    const found = Buffer.from(await weightsIn(this.target));
    const plain = await plainModelFile(this.target, join(this.root, 'plain.onnx'));
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
    throw new Error(`${this.target} holds neither the old nor the new model`);
  }

  /** What a later run makes of it: the new model, and nothing else beside it. */
  async expectMended(kind: Kind): Promise<void> {
    await this.write('new', kind);
    expect(await this.state()).toBe('new');
    expect(this.files).toEqual(
      kind === 'pair' ? ['m.onnx', 'm.onnx.data'] : [kind === 'gzip' ? 'm.onnx.gz' : 'm.onnx'],
    );
  }
}

describe('a process that is killed before one of its changes to files, whichever', { timeout: 60_000 }, () => {
  it.each([
    ['single', undefined],
    ['single', 'single'],
    ['pair', undefined],
    ['pair', 'single'],
    ['pair', 'pair'],
    ['gzip', 'gzip'],
  ] as const)('leaves the old model or the new one: %s over %s', async (kind, before) => {
    const seen: State[] = [];
    for (let step = 1; ; step++) {
      const scene = new Scene(64, kind);
      if (before !== undefined) await scene.write('old', before);
      const writer = spawn(process.execPath, [WRITER, scene.source('new'), scene.target, kind, String(step)]);
      const [code, signal] = await once(writer, 'close');
      const state = await scene.state();
      seen.push(state);
      if (code === 0) break;
      expect(signal).toBe('SIGKILL');
      await scene.expectMended(kind);
    }
    // First the old state, and from some step on the new one.
    const turn = seen.indexOf('new');
    expect(seen.slice(0, turn)).toEqual(Array.from({ length: turn }, () => (before === undefined ? 'nothing' : 'old')));
    expect(seen.slice(turn)).toEqual(Array.from({ length: seen.length - turn }, () => 'new'));
    expect(turn).toBeGreaterThan(2);
    expect(seen.length - turn).toBeGreaterThan(0);
  });
});

describe('a process that is killed at any moment', { timeout: 60_000 }, () => {
  it.each(KINDS)('leaves the old model or the new one, and the next run works: %s', async (kind) => {
    const random = createRandom(KINDS.indexOf(kind) + 1);
    const scene = new Scene(kind === 'gzip' ? 2 ** 13 : 2 ** 15, kind);
    const states = new Set<State>();
    for (let kill = 0; kill < 12; kill++) {
      await scene.write('old', kind);
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
