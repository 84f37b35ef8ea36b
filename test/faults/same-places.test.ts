import { linkSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prune } from '../../src/index.ts';
import { readModelFile } from '../../src/onnx/read.ts';
import { writeModelFile } from '../../src/onnx/write.ts';
import { floatArray, npz } from '../cli/support/arrays.ts';
import { smallNet } from '../cli/support/models.ts';
import { command } from './support/command.ts';
import { freshFolder, productNet, weightsIn } from './support/pairs.ts';

/** All files of a folder, those behind links too. */
function contentOf(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}

function folderWithAll(): string {
  const folder = freshFolder();
  const place = (name: string): string => join(folder, name);
  writeFileSync(place('m.onnx'), smallNet().bytes());
  const { model, data } = smallNet().externalBytes('weights.bin');
  writeFileSync(place('pair.onnx'), model);
  writeFileSync(place('weights.bin'), data);
  writeFileSync(place('data.npz'), npz({ x: floatArray(4, 3, 8, 8) }));
  writeFileSync(place('recipe.json'), '{"structured":"50%"}');
  symlinkSync('weights.bin', place('link.bin'));
  symlinkSync('.', place('here'));
  return folder;
}

describe('an output in the place of', { timeout: 30_000 }, () => {
  it.each([
    [
      'the weights of the input',
      ['pair.onnx', '--structured', '50%', '-o', 'weights.bin'],
      'holds weights of the input, which is never touched',
    ],
    [
      'a link to them',
      ['pair.onnx', '--structured', '50%', '-o', 'link.bin'],
      'holds weights of the input, which is never touched',
    ],
    [
      'the calibration data',
      ['m.onnx', '--structured', '50%', '--calibration', 'data.npz', '-o', './data.npz'],
      '-o "./data.npz" is the calibration data; name another file',
    ],
    [
      'the test data',
      ['m.onnx', '--structured', '50%', '--test', 'here/data.npz', '-o', 'data.npz'],
      '-o "data.npz" is the test data; name another file',
    ],
    [
      'the test data of quantize',
      ['quantize', 'm.onnx', '--test', 'data.npz', '-o', 'data.npz'],
      '-o "data.npz" is the test data; name another file',
    ],
    [
      'the recipe',
      ['m.onnx', '--recipe', 'recipe.json', '-o', 'recipe.json'],
      '-o "recipe.json" is the recipe; name another file',
    ],
    [
      'the input, through a folder of another name',
      ['m.onnx', '--structured', '50%', '-o', 'here/m.onnx'],
      'is the input itself, which is never touched',
    ],
    [
      'the report',
      ['m.onnx', '--structured', '50%', '-o', 'new.json', '--report', 'here/new.json'],
      '--report "here/new.json" is the output; name another file',
    ],
  ])('%s is refused, with --force too', async (_, words, sentence) => {
    const folder = folderWithAll();
    const before = contentOf(folder);
    const { code, stdout, stderr } = await command([...words, '--force', '--no-bench'], { folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(contentOf(folder)).toEqual(before);
  });

  it('a second name of the input takes that name, and the input stays', async () => {
    const folder = folderWithAll();
    const [input, output] = [join(folder, 'm.onnx'), join(folder, 'hard.onnx')];
    linkSync(input, output);
    const before = readFileSync(input);
    await prune(input, { structured: 0.5, output, force: true, bench: false, verify: false });
    expect(readFileSync(input).equals(before)).toBe(true);
    expect(readFileSync(output).equals(before)).toBe(false);
  });
});

describe('a pair that is replaced', () => {
  it('has its usual names in the end, and is the same to the byte as one that replaced nothing', async () => {
    const folder = freshFolder();
    const sources = [1, 2].map((seed) => {
      const path = join(folder, `${seed}.onnx`);
      writeFileSync(path, productNet(seed, 64).bytes());
      return path;
    });
    const target = join(folder, 'm.onnx');
    const written: string[] = [];
    for (const source of [...sources, ...sources]) {
      const { model } = await readModelFile(source);
      await writeModelFile(target, model, { externalData: true });
      expect(Buffer.from(await weightsIn(target)).equals(Buffer.from(await weightsIn(source)))).toBe(true);
      written.push(readFileSync(target, 'latin1') + readFileSync(`${target}.data`, 'latin1'));
      expect(readdirSync(folder).sort()).toEqual(['1.onnx', '2.onnx', 'm.onnx', 'm.onnx.data']);
    }
    expect(written.slice(2)).toEqual(written.slice(0, 2));
  });

  it('leaves a file alone that a link in the place of its data leads to', async () => {
    const folder = freshFolder();
    const target = join(folder, 'm.onnx');
    writeFileSync(join(folder, 'shared.bin'), 'of others');
    writeFileSync(join(folder, 's.onnx'), productNet(1, 64).bytes());
    const { model } = await readModelFile(join(folder, 's.onnx'));
    writeFileSync(target, 'old');
    symlinkSync('shared.bin', `${target}.data`);
    await writeModelFile(target, model, { externalData: true });
    expect(readFileSync(join(folder, 'shared.bin'), 'utf8')).toBe('of others');
    expect((await weightsIn(target)).length).toBe(16 * 64 * 4);
  });
});
