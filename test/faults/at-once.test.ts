import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../src/onnx/codec.ts';
import { withPlacingLock } from '../../src/onnx/placing-lock.ts';
import { atHand } from '../../src/onnx/stored-bytes.ts';
import { writeModelFile } from '../../src/onnx/write.ts';
import { processMark } from '../../src/process-mark.ts';
import { freshFolder, productNet, weightsIn } from './support/pairs.ts';

const WRITER = fileURLToPath(new URL('./support/writer.mjs', import.meta.url));

/** Models of different sizes, so that one with the data of another is noticed. */
const sizes = [32, 48, 64, 80, 96, 112];
const models = sizes.map((columns, seed) => productNet(seed, columns).bytes());

function weightsOf(bytes: Uint8Array): string {
  return Buffer.from(atHand(decodeModel(bytes).graph?.initializer?.[0]?.rawData ?? new Uint8Array(0))).toString('hex');
}

/** Which of the models a file holds, with its data. */
async function foundAt(path: string): Promise<number> {
  const { graph } = decodeModel(readFileSync(path));
  const columns = Number(graph?.initializer?.[0]?.dims?.[1]);
  const index = sizes.indexOf(columns);
  expect(Buffer.from(await weightsIn(path)).toString('hex')).toBe(weightsOf(models[index] ?? new Uint8Array(0)));
  return index;
}

describe('several that write the same pair at once', { timeout: 60_000 }, () => {
  it.each([false, true])('in one process leave one of them, whole (over a pair: %s)', async (isOver) => {
    const path = join(freshFolder(), 'm.onnx');
    if (isOver) await writeModelFile(path, decodeModel(productNet(9, 40).bytes()), { externalData: true });
    for (let round = 0; round < 5; round++) {
      await Promise.all(models.map((bytes) => writeModelFile(path, decodeModel(bytes), { externalData: true })));
      expect(await foundAt(path)).toBeGreaterThanOrEqual(0);
      expect(readdirSync(join(path, '..')).sort()).toEqual(['m.onnx', 'm.onnx.data']);
    }
  });

  it('in one process leave one of them, whole, where some have no data file', async () => {
    const path = join(freshFolder(), 'm.onnx');
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        models.map((bytes, index) => writeModelFile(path, decodeModel(bytes), { externalData: index % 2 === 0 })),
      );
      expect(await foundAt(path)).toBeGreaterThanOrEqual(0);
    }
  });

  it('in processes of their own leave one of them, whole', async () => {
    const folder = freshFolder();
    mkdirSync(join(folder, 'out'));
    const path = join(folder, 'out', 'm.onnx');
    for (const [index, bytes] of models.entries()) writeFileSync(join(folder, `${index}.onnx`), bytes);
    for (let round = 0; round < 4; round++) {
      const writers = [0, 1, 2].map((each) =>
        spawn(process.execPath, [WRITER, join(folder, `${(each + round) % 6}.onnx`), path, 'pair']),
      );
      const ends = writers.map((writer) => once(writer, 'close'));
      await Promise.all(writers.map((writer) => once(writer.stdout, 'data')));
      for (const writer of writers) writer.stdin.write('x');
      expect((await Promise.all(ends)).map(([code]) => code)).toEqual([0, 0, 0]);
      expect(await foundAt(path)).toBeGreaterThanOrEqual(0);
      expect(readdirSync(join(folder, 'out')).sort()).toEqual(['m.onnx', 'm.onnx.data']);
    }
  });
});

describe('what another process has left', { timeout: 60_000 }, () => {
  /** A mark of a process that has ended, in a world that is this one's or another. */
  async function deadMark(world?: string): Promise<string> {
    const gone = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(gone, 'close');
    return `${gone.pid}-${world ?? processMark().split('-')[1]}`;
  }

  it('goes where that process is gone for certain, and stays where it may not be', async () => {
    const folder = freshFolder();
    const alive = processMark();
    const [dead, elsewhere] = [await deadMark(), await deadMark('12345678')];
    const stay = [
      `.m.onnx.${alive}-0123456789ab.tmp`,
      `.m.onnx.${elsewhere}-0123456789ab.tmp`,
      '.m.onnx.tmp',
      '.notes.tmp',
    ];
    for (const name of [...stay, `.m.onnx.${dead}-0123456789ab.tmp`, `.else.json.${dead}-0123456789ab.tmp`])
      writeFileSync(join(folder, name), 'half');
    await writeModelFile(join(folder, 'm.onnx'), decodeModel(models[0] ?? new Uint8Array(0)));
    expect(readdirSync(folder).sort()).toEqual([...stay, 'm.onnx'].sort());
  });

  it.each([
    ['by a process that is gone', async () => `${await deadMark()} 0123456789ab`],
    ['before anything was written into it', async () => ''],
  ])('as a lock is taken over: %s', async (_, content) => {
    const folder = freshFolder();
    writeFileSync(join(folder, '.m.onnx.lock'), await content());
    await writeModelFile(join(folder, 'm.onnx'), decodeModel(models[0] ?? new Uint8Array(0)), { externalData: true });
    expect(await foundAt(join(folder, 'm.onnx'))).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['m.onnx', 'm.onnx.data']);
  });

  it('as a lock of a process that may still be there is respected, and told', async () => {
    const folder = freshFolder();
    const [path, lock] = [join(folder, 'm.onnx'), join(folder, '.m.onnx.lock')];
    const elsewhere = await deadMark('12345678');
    writeFileSync(lock, `${elsewhere} 0123456789ab`);
    let isDone = false;
    const work = async (): Promise<void> => {
      isDone = true;
    };
    await expect(withPlacingLock(path, 'm.onnx', work, 50)).rejects.toThrow(
      `m.onnx is being written by another process (${elsewhere}, by "${lock}"); wait until it has ended, or remove that file if there is none.`,
    );
    expect(isDone).toBe(false);
    expect(readFileSync(lock, 'utf8')).toContain(elsewhere);
  });
});
