import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellLine } from '../../src/report/shell-words.ts';

describe('shellLine', () => {
  it('leaves plain words bare and quotes what a shell would take for more', () => {
    const words = ['onnx-prune', 'm.onnx', '--only', '*head*', '--criterion', 'abs(w) * 2', "it's", '', '~', 'A=b'];
    expect(shellLine(words)).toBe("onnx-prune m.onnx --only '*head*' --criterion 'abs(w) * 2' 'it'\\''s' '' '~' A=b");
  });

  it('writes out what cannot be seen', () => {
    expect(shellLine(['a\u202e\u0007b c\n'])).toBe("'a'\"$(printf '\\342\\200\\256\\007')\"'b c\n'");
  });

  it.skipIf(process.platform === 'win32')('gives lines that a shell splits into the same words', () => {
    const word = fc.string({ unit: fc.constantFrom(...' \t\n\'"`$\\!*?[]{}()<>|&;#~=%-@aß\u202e\u0007\u001b\r7') });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), (words) => {
        // The first word of a line would be the command: printf comes before.
        const line = `printf '%s\\0' ${shellLine(words)}`;
        const said = execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' });
        expect(said.split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 40 },
    );
  });
});
