import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { smallNet } from './support/models.ts';

const amount = 'must be at least 0% and below 100% (such as "50%" or 0.5), but is';
const half = ['m.onnx', '--structured', '50%'];

const LINES: readonly (readonly [args: readonly string[], sentence: string])[] = [
  [['m.onnx', '--structured', '150%'], `--structured ${amount} "150%".`],
  [['m.onnx', '--structured', '100%'], `--structured ${amount} "100%".`],
  [['m.onnx', '--structured', '50'], `--structured ${amount} "50"; did you mean "50%"?`],
  [['m.onnx', '--structured', '-10%'], `--structured ${amount} "-10%".`],
  [['m.onnx', '--structured', 'abc'], `--structured ${amount} "abc".`],
  [['m.onnx', '--structured', ''], `--structured ${amount} "".`],
  [
    ['m.onnx'],
    'Say how much to remove, with --structured, --unstructured, --heads, --head-dim, --threshold, --pattern or --recipe, or what it must come to, with --target or --max-drop, for example: onnx-prune m.onnx --structured 50% ("onnx-prune inspect m.onnx" shows what can be removed), --int8 for integers, or --lossless for what costs nothing.',
  ],
  [
    ['m.onnx', '--structured'],
    `Option '--structured <amount>' argument missing; "onnx-prune prune --help" lists what there is.`,
  ],
  [[...half, '--criterion', 'fpmg'], '--criterion must be one of'],
  [[...half, '--criterion', 'fpmg'], 'but is "fpmg" (did you mean "fpgm"?).'],
  [
    [...half, '--scope', 'gloabl'],
    '--scope must be one of uniform, global, lamp, but is "gloabl" (did you mean "global"?).',
  ],
  [[...half, '--align', '0'], '--align must be "auto", "none" or a whole number of channels, but is "0".'],
  [[...half, '--seed', '-1'], '--seed must be a whole number of at least 0, but is "-1".'],
  [[...half, '--threads', '0'], '--threads must be a whole number from 1 to 1024, but is "0".'],
  [[...half, '--threads', '99999'], '--threads must be a whole number from 1 to 1024, but is "99999".'],
  [[...half, '--timeout', '0'], '--timeout must be a whole number of at least 1, but is "0".'],
  [[...half, '--max-ratio', '101%'], '--max-ratio must be at least 0% and at most 100%'],
  [
    [...half, '--exclude', 'nope*'],
    '--exclude "nope*" matches no node and no initializer of the model; "onnx-prune inspect MODEL" lists the names.',
  ],
  [[...half, '--only', ''], '--only must be a name or a glob (such as "*head*"), but is "".'],
  [
    [...half, '--strcutured', '5'],
    `Unknown option '--strcutured' (did you mean --structured?); "onnx-prune prune --help" lists what there is.`,
  ],
  [[...half, '-z'], `Unknown option '-z'; "onnx-prune prune --help" lists what there is.`],
  [['-v'], `Missing required argument 'model'; "onnx-prune prune --help" lists what there is.`],
  [
    ['--structured', 'm.onnx'],
    `Missing required argument 'model', since --structured took m.onnx for its value; "onnx-prune prune --help" lists what there is.`,
  ],
  [
    ['m.onnx', '--structured', '50%', '--exclude', 'a.onnx', 'b.onnx'],
    'name one at a time, and put globs into quotes, or the shell puts files in their place.',
  ],
  [['n.onnx', '--structured', '50%'], 'n.onnx does not exist; did you mean "m.onnx"?'],
  [['inspect', './n.onnx'], './n.onnx does not exist; did you mean "m.onnx"?'],
  [['inspect', 'm.onx'], 'm.onx does not exist; did you mean "m.onnx"?'],
  [['nothing-like-it.onnx', '--structured', '50%'], 'nothing-like-it.onnx does not exist.'],
  [['compare', 'm.onnx'], `Missing required argument 'b'; "onnx-prune compare --help" lists what there is.`],
  [[...half, 'more.onnx'], 'Expected one model, but got 2 words: m.onnx, more.onnx; name one at a time.'],
  [['inspct', 'm.onnx'], 'did you mean "onnx-prune inspect"?'],
  [['compere'], 'compere does not exist; did you mean "onnx-prune compare"?'],
];

it('Who says nothing is shown what there is to say, and that nothing was done', async () => {
  const { code, stdout, stderr } = await new Desk().hosted();
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^Usage: onnx-prune <model>[\s\S]*Examples:/);
});

describe('a wrong command line', { timeout: 30_000 }, () => {
  it.each(LINES)('%j gets one sentence: %s', async (args, sentence) => {
    const desk = new Desk();
    desk.write('m.onnx', smallNet().bytes());
    const { code, stdout, stderr } = await desk.hosted(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/^onnx-prune: .*\n$/);
    expect(desk.files).toEqual(['m.onnx']);
    expect(desk.leftovers).toEqual([]);
  });
});
