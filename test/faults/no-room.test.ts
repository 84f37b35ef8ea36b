import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../src/onnx/codec.ts';
import type { ModelProto } from '../../src/onnx/messages.ts';
import { replaceFiles } from '../../src/onnx/replace-files.ts';
import { replacePair } from '../../src/onnx/replace-pair.ts';
import { atHand } from '../../src/onnx/stored-bytes.ts';
import { writeModelFile } from '../../src/onnx/write.ts';
import { Journal } from '../../src/study/journal.ts';
import { smallNet } from '../cli/support/models.ts';
import { command } from './support/command.ts';
import { mayMount, SmallDisk } from './support/mounts.ts';
import { freshFolder, productNet, weightsIn } from './support/pairs.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));

/** A model with so many kilobytes of weights. */
function modelOf(kilobytes: number, seed = 1): ModelProto {
  return decodeModel(productNet(seed, kilobytes * 16).bytes());
}

function rawOf(model: ModelProto): Buffer {
  return Buffer.from(atHand(model.graph?.initializer?.[0]?.rawData ?? new Uint8Array(0)));
}

describe.skipIf(!mayMount)('a disk without room (made where the user may mount one)', { timeout: 60_000 }, () => {
  it.each([
    ['alone', false],
    ['with a data file', true],
  ])('for a model %s is noticed before anything is written', async (_, externalData) => {
    const disk = new SmallDisk(64);
    const writing = writeModelFile(disk.path('m.onnx'), modelOf(100), { externalData });
    await expect(writing).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringMatching(
        /m\.onnx(\.data)? cannot be written: it needs \d{6} bytes on the disk of ".*disk", where 65536 are free; free some space there, or name an output on another disk with -o\.$/,
      ),
    });
    expect(readdirSync(disk.folder)).toEqual([]);
  });

  it('counts what is replaced as taken, since it stays until the new file is whole', async () => {
    const disk = new SmallDisk(160);
    await writeModelFile(disk.path('m.onnx'), modelOf(100));
    await expect(writeModelFile(disk.path('m.onnx'), modelOf(100, 2))).rejects.toThrow('where 57344 are free');
    expect(Buffer.from(await weightsIn(disk.path('m.onnx'))).equals(rawOf(modelOf(100)))).toBe(true);
    await writeModelFile(disk.path('m.onnx'), modelOf(40, 2));
    expect(readdirSync(disk.folder)).toEqual(['m.onnx']);
  });

  it('counts files on two disks each for its own', async () => {
    const [small, other] = [new SmallDisk(64), new SmallDisk(64)];
    const file = (path: string) => ({ path, parts: [new Uint8Array(50_000)], bytes: 50_000 });
    await expect(replaceFiles([file(small.path('a')), file(small.path('b'))])).rejects.toThrow('it needs 106496 bytes');
    await replaceFiles([file(small.path('a')), file(other.path('b'))]);
    expect([readdirSync(small.folder), readdirSync(other.folder)]).toEqual([['a'], ['b']]);
  });

  it('in the midst of a compressed model, whose size nobody knows before, leaves what was there', async () => {
    const disk = new SmallDisk(192);
    await writeModelFile(disk.path('m.onnx.gz'), modelOf(100), { gzip: true });
    const writing = writeModelFile(disk.path('m.onnx.gz'), modelOf(300, 2), { gzip: true });
    await expect(writing).rejects.toThrow(
      /m\.onnx\.gz cannot be written: no space is left on the device; free some space there, or name an output on another disk with -o\.$/,
    );
    expect(readdirSync(disk.folder)).toEqual(['m.onnx.gz']);
    expect(Buffer.from(await weightsIn(disk.path('m.onnx.gz'))).equals(rawOf(modelOf(100)))).toBe(true);
  });

  it('in the midst of a pair leaves the pair that was there', async () => {
    const disk = new SmallDisk(320);
    const path = disk.path('m.onnx');
    await writeModelFile(path, modelOf(100), { externalData: true });
    // The data say nothing of their size, so that nothing is noticed before.
    const model = { path, parts: [new Uint8Array(100)] };
    const data = { path: `${path}.data`, parts: Array.from({ length: 8 }, () => new Uint8Array(50_000)) };
    const writing = replacePair({ model, data, modelNaming: () => model.parts }, {});
    await expect(writing).rejects.toThrow(
      /m\.onnx\.data cannot be written: no space is left on the device; free some space/,
    );
    expect(readdirSync(disk.folder)).toEqual(['m.onnx', 'm.onnx.data']);
    expect(Buffer.from(await weightsIn(path)).equals(rawOf(modelOf(100)))).toBe(true);
  });

  it('for the journal of a study loses no point that was noted down', () => {
    const disk = new SmallDisk(8);
    const path = disk.path('j.jsonl');
    const { journal } = Journal.open(path, 'print', false);
    const size = { parameters: 1, nonZeros: 1, macs: 1, macsUnknown: 0, nodes: 1, fileBytes: 1, gzipBytes: null };
    const quality = { accuracy: 0.5, top5: null, loss: 1, agreement: 1, cosine: 1 };
    const point = { amount: 0.5, reached: 0.5, figures: { size, quality, latency: null }, problem: null };
    let kept = 0;
    const fill = (): void => {
      for (; kept < 1000; kept++) journal.keep(`point ${kept}`, point);
    };
    expect(fill).toThrow(
      /The journal .*j\.jsonl cannot be read or written: ENOSPC.*; name another file with --journal/,
    );
    expect(kept).toBeGreaterThan(10);
    const again = Journal.open(path, 'print', false).journal;
    for (let index = 0; index < kept; index++) expect(again.find(`point ${index}`)).toEqual(point);
    expect(again.find(`point ${kept}`)).toBeUndefined();
  });

  it.each([
    [
      'of what is checked',
      ['big.onnx', '--structured', '10%', '--no-bench'],
      /^onnx-prune: masked-0\.onnx cannot be written: it needs \d+ bytes in the folder for temporary files, where \d+ are free; set TMPDIR, which is ".*disk", to a folder with more room\.\n$/,
    ],
    [
      'of a study',
      ['sweep', 'big.onnx', '--structured', '10,20', '--test', 'mnist-test.npz', '--no-bench'],
      /^onnx-prune: study-data\.bin cannot be written: no space is left on the device; set TMPDIR, which is ".*disk", to a folder with more room\.\n$/,
    ],
  ])('for temporary files %s is told with the way out', async (_, words, sentence) => {
    const disk = new SmallDisk(200);
    const folder = freshFolder();
    copyFileSync(join(FIXTURES, 'mnist-cnn.onnx'), join(folder, 'big.onnx'));
    copyFileSync(join(FIXTURES, 'mnist-test.npz'), join(folder, 'mnist-test.npz'));
    const files = readdirSync(folder);
    const { code, stdout, stderr } = await command(words, { folder, env: { TMPDIR: disk.folder } });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(readdirSync(folder)).toEqual(files);
    expect(readdirSync(disk.folder)).toEqual([]);
  });
});

/** A folder with a small model in it. */
function withModel(): string {
  const folder = freshFolder();
  writeFileSync(join(folder, 'm.onnx'), smallNet().bytes());
  return folder;
}

// What stands for a full disk where nobody may mount one.
describe.skipIf(process.platform === 'win32')('files that may not become as large', { timeout: 60_000 }, () => {
  it('are told about, and leave nothing', async () => {
    const folder = withModel();
    const words = ['m.onnx', '--structured', '10%', '--no-bench', '--no-verify'];
    const { code, stdout, stderr } = await command(words, { folder, before: 'ulimit -f 2' });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^onnx-prune: m\.pruned\.onnx cannot be written: the file system, or a limit such as that of "ulimit -f", allows no file of this size; raise the limit, or write to another file system\.\n$/,
    );
    expect(readdirSync(folder)).toEqual(['m.onnx']);
  });
});

describe.skipIf(process.platform !== 'linux')('a device that is always full', { timeout: 60_000 }, () => {
  it('is no place for a result', async () => {
    const folder = withModel();
    const { code, stderr } = await command(['m.onnx', '--structured', '10%', '--force', '-o', '/dev/full'], { folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^onnx-prune: .*\/dev\/full.*\n$/);
  });

  it.each([
    ['the words', []],
    ['the progress', ['--json-lines']],
  ])('as stdout ends a run that writes %s there, and no half of a file stays', async (_, form) => {
    const folder = withModel();
    const temporary = freshFolder();
    const words = ['m.onnx', '--structured', '50%', '--no-bench', ...form];
    const circumstances = { folder, env: { TMPDIR: temporary }, after: '> /dev/full' };
    const { code, stderr } = await command(words, circumstances);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^onnx-prune: The result cannot be written to stdout: ENOSPC.*\.\n$/);
    const [, result, ...more] = readdirSync(folder);
    expect(more).toEqual([]);
    if (result !== undefined) expect(() => decodeModel(readFileSync(join(folder, result)))).not.toThrow();
    expect(readdirSync(temporary)).toEqual([]);
  });
});
