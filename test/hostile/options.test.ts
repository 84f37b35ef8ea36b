import { afterEach, describe, expect, it } from 'vitest';
import { readRecipe } from '../../cli/recipe.ts';
import { parseFormula } from '../../src/criteria/formula/formula.ts';
import { checkPruneOptions } from '../../src/options/prune-options.ts';
import { namePattern } from '../../src/transforms/name-patterns.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { laterRefusal, refusalOf } from '../support/bent-model.ts';

describe('A pattern', () => {
  const NAMES = [`${'a'.repeat(60)}b`, 'layer.0.weight', 'a'.repeat(40)];

  it.each(['+(a+)+(a+)+(a+)c', '*a*a*a*a*a*a*a*a*a*a*a*a*a*a*c', '(a+)+c'])(
    '%s that would be matched for years is given up',
    (pattern) => {
      const error = refusalOf(() => namePattern('--exclude', pattern, NAMES, true));
      expect(error).toMatchObject({ code: 'bad-option', subject: pattern });
      expect(error.message).toMatch(/takes too long to be matched with names; use names with \* and \? in them/);
    },
  );

  it('that is given up for a name that comes later is given up then', () => {
    const pattern = namePattern('--exclude', '(a+)+c', ['layer'], true);
    expect(pattern.matches('aac')).toBe(true);
    expect(refusalOf(() => pattern.matches(NAMES[2] ?? '')).code).toBe('bad-option');
  });

  it.each([
    '{1..1000000000}',
    '{a,b}'.repeat(30),
    `${'{'.repeat(2000)}a${'}'.repeat(2000)}`,
    '['.repeat(5000),
    '!('.repeat(300),
    '(?<n>a)',
    '\\',
    '\0',
  ])('%.30j is matched with nothing, soon', (pattern) => {
    expect(NAMES.some(namePattern('--exclude', pattern, NAMES, true).matches)).toBe(false);
  });

  it('of more characters than a pattern may have is refused in a sentence that can be read', () => {
    const error = refusalOf(() => namePattern('--exclude', '?'.repeat(70_000), NAMES, true));
    expect(error.code).toBe('bad-option');
    expect(error.message.length).toBeLessThan(1000);
  });
});

describe('A formula', () => {
  afterEach(() => {
    expect(Reflect.get(globalThis, 'hacked')).toBeUndefined();
  });

  it.each([
    'import({abs: 1})',
    'createUnit("hacked")',
    'evaluate("1")',
    'parse("1")',
    'config({})',
    'zeros(1e9)',
    'ones(1e5, 1e5)',
    'random()',
    'f(x) = f(x)',
    'w; w',
    '[1, 2]',
    '{a: 1}',
    '1:1e9',
    'w.constructor',
    'w.__proto__',
    'w["constructor"]',
    'abs.constructor("hacked = 1")()',
    'cos.constructor("globalThis.hacked = 1")',
    '__proto__',
    'constructor',
    'hasOwnProperty(w)',
    'toString(w)',
    'abs(abs)',
    'w = 5',
    'w to cm',
    "w'",
    'w!',
    '"text"',
    '1e999',
    '('.repeat(1001),
    `${'('.repeat(499)}w`,
  ])('%.40j is no arithmetic', async (text) => {
    expect(await laterRefusal(parseFormula(text))).toMatchObject({ code: 'bad-option' });
  });

  it.each([`${'-'.repeat(999)}w`, `${'w^'.repeat(480)}w`, `${'abs('.repeat(190)}w${')'.repeat(190)}`])(
    '%.20j… as long as may be is read and evaluated',
    async (text) => {
      const formula = await parseFormula(text);
      const values = Float32Array.of(1, 1);
      const variables = new Map([['w', { kind: 'elements', values } as const]]);
      expect(formula.evaluate(variables, 2)).toHaveLength(2);
    },
  );
});

describe('A recipe', () => {
  const read = (text: string): unknown => {
    const { write } = freshFolder();
    return checkPruneOptions(readRecipe(write('recipe.json', Buffer.from(text))));
  };

  it.each([
    '{"__proto__": {"structured": 0.5}}',
    '{"structured": 0.5, "__proto__": {"force": true}}',
    '{"structured": 0.5, "constructor": {"prototype": {"force": true}}}',
    '{"structured": 0.5, "layers": [{"match": "a", "__proto__": {"exclude": true}}]}',
    '{"structured": {"__proto__": 0.5}}',
    '{"structured": 1e999}',
    `{"structured": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
    '{"structured": 0.5, "toString": 1}',
    '{"structured": 0.5, "output": {"toString": 1}}',
  ])('%.60s is refused, and nothing else changes', (text) => {
    const error = refusalOf(() => read(text));
    expect(['bad-option', 'bad-file']).toContain(error.code);
    expect(Reflect.get({}, 'force')).toBeUndefined();
    expect(Reflect.get({}, 'structured')).toBeUndefined();
  });
});
