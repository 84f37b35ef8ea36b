import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';

const SHARED =
  '--structured --unstructured --criterion --weight-criterion --recover --one-shot --calibration --test --samples --exclude --only --align --workers --journal --no-journal --fresh --threads --seed --timeout --no-bench --json --report --quiet --verbose';

describe.each([
  ['sweep', `${SHARED} --scope --weight-scope --int8`],
  ['sensitivity', `${SHARED} --tolerance --suggest --force`],
])('%s', { timeout: 30_000 }, (command, words) => {
  it('lists its options with examples, and says what is measured without --test', async () => {
    const { code, stdout, stderr } = await new Desk().hosted(command, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [options = '', examples = ''] = stdout.split('Examples:');
    for (const word of words.split(' ')) expect(options).toMatch(new RegExp(`(^|[\\s,])${word}\\s`, 'm'));
    expect(options).toContain('Without --test');
    expect(examples).toContain(`$ onnx-prune ${command} model.onnx`);
    for (const line of options.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('refuses an option that it does not know, a missing model, and a second one', async () => {
    const desk = new Desk();
    for (const args of [[`--struktured`, '50', 'm.onnx'], [], ['a.onnx', 'b.onnx']]) {
      const { code, stdout, stderr } = await desk.hosted(command, ...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`onnx-prune ${command} --help`);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  });

  it('does not take the model for the word behind an option', async () => {
    const { code, stderr } = await new Desk().hosted(command, '--one-shot', 'model.onnx');
    expect(code).toBe(2);
    expect(stderr).toContain(`did you mean "onnx-prune ${command} model.onnx --one-shot"?`);
  });

  it('is what a misspelt word is taken for', async () => {
    const { code, stderr } = await new Desk().hosted(`${command.slice(0, -1)}x`, 'model.onnx');
    expect(code).toBe(2);
    expect(stderr).toContain(`did you mean "onnx-prune ${command}"?`);
  });

  it('refuses a report in the place of the journal', async () => {
    const { code, stderr } = await new Desk().hosted(
      command,
      'model.onnx',
      '--journal',
      'a.json',
      '--report',
      'a.json',
    );
    expect(code).toBe(2);
    expect(stderr).toContain('--report "a.json" is the journal; name another file.');
  });
});

describe('sensitivity --suggest', { timeout: 30_000 }, () => {
  it('does not replace a file without --force, before any work', async () => {
    const desk = new Desk();
    desk.write('recipe.json', '{}');
    desk.write('model.recipe.json', '{}');
    for (const [args, file] of [
      [['model.onnx', '--suggest', 'recipe.json'], 'recipe.json'],
      [['model.onnx', '--suggest'], 'model.recipe.json'],
      [['model.onnx.gz', '--suggest'], 'model.recipe.json'],
    ] as const) {
      const { code, stderr } = await desk.run('sensitivity', ...args);
      expect(code).toBe(2);
      expect(stderr).toBe(
        `onnx-prune: --suggest "${file}" exists already; replace it with --force, or name another file behind --suggest.\n`,
      );
    }
  });

  it('writes into no folder that is missing, over no directory, and not over the model', async () => {
    const desk = new Desk();
    const model = desk.fixture('densenet-mini.onnx');
    const refusal = async (...args: readonly string[]): Promise<string> => {
      const { code, stderr } = await desk.run('sensitivity', model, ...args);
      expect(code).toBe(2);
      return stderr;
    };
    expect(await refusal('--suggest', 'no/recipe.json')).toMatch(/the folder ".*no" does not exist; make it first/);
    expect(await refusal('--suggest', '.')).toContain('is a directory; name a file in it');
    expect(await refusal(`--suggest=./${model}`)).toMatch(/takes the file for the word|is the model/);
    expect(await refusal('--suggest', 'same.json', '--report', 'same.json')).toContain('is the recipe');
    expect(desk.files).toEqual([model]);
  });
});
