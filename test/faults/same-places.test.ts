import { linkSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { pruneCommand } from '../../cli/commands/prune.ts';
import { quantizeCommand } from '../../cli/commands/quantize.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { readModelFile } from '../../src/onnx/read.ts';
import { interimOf } from '../../src/onnx/replace-pair.ts';
import { writeModelFile } from '../../src/onnx/write.ts';
import { checkDataFile, checkOutput } from '../../src/options/output-path.ts';
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

type At = (name: string) => string;

describe('an output in the place of', { timeout: 30_000 }, () => {
  it.each<[string, (at: At) => string[], string]>([
    [
      'the calibration data',
      (at) => [at('m.onnx'), '--structured', '50%', '--calibration', at('data.npz'), '-o', at('here/../data.npz')],
      'data.npz" is the calibration data; name another file',
    ],
    [
      'the test data',
      (at) => [at('m.onnx'), '--structured', '50%', '--test', at('here/data.npz'), '-o', at('data.npz')],
      'data.npz" is the test data; name another file',
    ],
    [
      'the test data of quantize',
      (at) => ['quantize', at('m.onnx'), '--test', at('data.npz'), '-o', at('data.npz')],
      'data.npz" is the test data; name another file',
    ],
    [
      'the recipe',
      (at) => [at('m.onnx'), '--recipe', at('recipe.json'), '-o', at('recipe.json')],
      'recipe.json" is the recipe; name another file',
    ],
    [
      'the input, through a folder of another name',
      (at) => [at('m.onnx'), '--structured', '50%', '-o', at('here/m.onnx')],
      'is the input itself, which is never touched',
    ],
    [
      'the report',
      (at) => [at('m.onnx'), '--structured', '50%', '-o', at('new.json'), '--report', at('here/new.json')],
      'new.json" is the output; name another file',
    ],
  ])('%s is refused, with --force too', async (_, words, sentence) => {
    const folder = folderWithAll();
    const before = contentOf(folder);
    const root = new Command().addCommand(pruneCommand(), { isDefault: true }).addCommand(quantizeCommand());
    const given = [...words((name) => `${folder}/${name}`), '--force', '--no-bench'];
    await expect(root.parseAsync(given, { from: 'user' })).rejects.toThrow(sentence);
    expect(contentOf(folder)).toEqual(before);
  });

  it.each(['weights.bin', 'link.bin'])('the weights of the input is refused, with --force too: %s', (name) => {
    const folder = folderWithAll();
    const [output, kept] = [join(folder, name), join(folder, 'here', 'weights.bin')];
    expect(() => checkDataFile(output, `${output}.data`, [kept], true)).toThrow(
      `"${output}" holds weights of the input, which is never touched; name another output with -o.`,
    );
  });

  it('the weights of the input is refused by the command', async () => {
    const folder = folderWithAll();
    const before = contentOf(folder);
    const words = ['pair.onnx', '--structured', '50%', '--force', '-o', 'weights.bin'];
    const { code, stdout, stderr } = await command(words, { folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('holds weights of the input, which is never touched');
    expect(contentOf(folder)).toEqual(before);
  });

  it('weights that a killed run left under another name is refused, since they would be cleared away', () => {
    const [folder, other] = [freshFolder(), freshFolder()];
    const output = join(folder, 'm.onnx');
    const left = join(folder, 'm.onnx.0123456789ab.data');
    expect(interimOf(output, [join(folder, 'm.onnx.weights.data'), join(other, 'm.onnx.0123456789ab.data')])).toBe(
      undefined,
    );
    expect(interimOf(output, [join(folder, 'x.onnx.0123456789ab.data'), left])).toBe(left);
  });

  it('a second name of the input takes that name, and the input stays', async () => {
    const folder = folderWithAll();
    const [input, output] = [join(folder, 'm.onnx'), join(folder, 'hard.onnx')];
    linkSync(input, output);
    const before = readFileSync(input);
    checkOutput('-o', output, input, true);
    await writeModelFile(output, decodeModel(productNet(1, 64).bytes()));
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

  it('keeps one data file under another name where there are no hard links, and its usual one the next time', async () => {
    const folder = freshFolder();
    const target = join(folder, 'm.onnx');
    const write = (seed: number) =>
      writeModelFile(target, decodeModel(productNet(seed, 32 * seed).bytes()), { externalData: true });
    await write(1);
    const { link } = promises;
    promises.link = async () => {
      throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' });
    };
    syncBuiltinESMExports();
    try {
      await write(2);
    } finally {
      promises.link = link;
      syncBuiltinESMExports();
    }
    const names = readdirSync(folder).sort();
    expect(names).toEqual(['m.onnx', expect.stringMatching(/^m\.onnx\.[0-9a-f]{12}\.data$/)]);
    expect((await weightsIn(target)).length).toBe(16 * 64 * 4);
    await write(3);
    expect((await weightsIn(target)).length).toBe(16 * 96 * 4);
    expect(readdirSync(folder).sort()).toEqual(['m.onnx', 'm.onnx.data']);
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
