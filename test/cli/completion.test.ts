import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';

/** The line up to the cursor, as bash tells it, and what bash offers then. */
async function completions(line: string): Promise<string[]> {
  const desk = new Desk();
  const words = line.split(' ');
  const { ended } = desk.start(['completion-server', '--', ...words], {
    SHELL: 'bash',
    COMP_LINE: line,
    COMP_POINT: String(line.length),
    COMP_CWORD: String(words.length - 1),
  });
  const { code, stdout, stderr } = await ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').filter((word) => word !== '');
}

describe('Tab completes', () => {
  it.each([
    ['commands', 'onnx-prune ', ['prune', 'quantize', 'inspect', 'compare', 'sweep', 'sensitivity', 'completion']],
    ['the start of a command', 'onnx-prune sw', ['sweep']],
    ['options of the command that needs no name', 'onnx-prune m.onnx --unstr', ['--unstructured']],
    ['options of a command by its other name', 'onnx-prune check a b --min-c', ['--min-cosine']],
    ['words behind an option', 'onnx-prune sweep m.onnx --weight-scope ', ['uniform', 'global', 'lamp']],
    ['words behind an equals sign', 'onnx-prune m.onnx --recover=le', ['least-squares']],
    ['criteria', 'onnx-prune m.onnx --criterion f', ['fan-out', 'fpgm']],
    ['a word that may be left out, or the next option', 'onnx-prune m.onnx --int8 --max-d', ['--max-drop']],
    ['shells', 'onnx-prune completion z', ['zsh']],
    ['files, which is the business of the shell', 'onnx-prune m.onnx --calibration ', []],
    ['models, likewise', 'onnx-prune mod', []],
  ])('%s', async (_, line, expected) => {
    expect(await completions(line)).toEqual(expected);
  });

  it('in a real bash, by the script that the command prints', async () => {
    const desk = new Desk();
    const { code, stdout } = await desk.run('completion', 'bash');
    expect(code).toBe(0);
    desk.write('onnx-prune', `#!/bin/sh\nexec "${process.execPath}" "${Desk.command}" "$@"\n`);
    desk.write('script.bash', stdout);
    const test = `
      chmod +x onnx-prune; export PATH="$PWD:$PATH"; source ./script.bash
      COMP_LINE='onnx-prune sens'; COMP_POINT=15; COMP_WORDS=(onnx-prune sens); COMP_CWORD=1
      _onnx-prune_completion; echo "\${COMPREPLY[*]}"; complete -p onnx-prune`;
    const ran = spawnSync('bash', ['--norc', '-c', test], { cwd: desk.folder, encoding: 'utf8' });
    expect(ran.stdout.split('\n')[0]).toBe('sensitivity');
    expect(ran.stdout).toContain('-F _onnx-prune_completion onnx-prune');
  });

  it.each(['zsh', 'fish', 'pwsh'])('prints a script for %s, too', async (shell) => {
    const { code, stdout } = await new Desk().run('completion', shell);
    expect(code).toBe(0);
    expect(stdout).toContain('completion-server');
  });

  it('and says which shells it knows', async () => {
    const { code, stderr } = await new Desk().run('completion', 'tcsh');
    expect(code).toBe(2);
    expect(stderr).toContain('bash, zsh, fish, pwsh');
  });
});
