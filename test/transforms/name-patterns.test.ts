import { describe, expect, it } from 'vitest';
import { namePattern } from '../../src/transforms/name-patterns.ts';

describe('A pattern', () => {
  const names = ['conv1', 'conv2', 'conv[12]', 'a/b.weight', 'conv*'];
  const matched = (pattern: string): string[] => names.filter(namePattern('--only', pattern, names).matches);

  it.each([
    ['a*', ['a/b.weight']],
    ['conv?', ['conv1', 'conv2', 'conv*']],
    ['*', names],
  ])('%s is a glob in which the star crosses slashes and dots', (pattern, expected) => {
    expect(matched(pattern)).toEqual(expected);
  });

  it.each(['conv[12]', 'conv*'])('%s that is a name is that name alone', (pattern) => {
    expect(matched(pattern)).toEqual([pattern]);
  });

  it.each([
    ['CONV1', 'conv1'],
    ['a/b.wieght', 'a/b.weight'],
    ['B.*', 'a/b.weight'],
    ['zebra', undefined],
  ])('%s that matches nothing is told what may have been meant: %s', (pattern, meant) => {
    const some = ['conv1', 'a/b.weight'];
    const found = (): unknown => namePattern('--exclude', pattern, some);
    if (meant === undefined) expect(found).toThrow(/of the model; "onnx-prune inspect/);
    else expect(found).toThrow(`did you mean "${meant}"?`);
  });

  it('that matches nothing is refused, unless it may miss', () => {
    expect(() => namePattern('--only', 'nope*', names)).toThrow(/--only "nope\*" matches no node and no initializer/);
    expect(namePattern('--only', 'nope*', names, true).matches('nope')).toBe(true);
  });
});
