import { describe, expect, it } from 'vitest';
import { floatArray, npz } from './support/arrays.ts';
import { Desk } from './support/desk.ts';
import { smallNet } from './support/models.ts';

const modes = '--int8 must be one of auto, static, dynamic, weights, but is';
const noData = 'and no data were given; add --calibration FILE with a few hundred inputs of the model';
const quantize = (...args: readonly string[]): string[] => ['quantize', 'm.onnx', ...args];
const orphan = (option: string): string =>
  `${option} says how to quantize, and nothing is to be quantized; add --int8 (or use "onnx-prune quantize"), or leave it out.`;

const LINES: readonly (readonly [args: readonly string[], sentence: string])[] = [
  [quantize('--int8', '50%'), `${modes} "50%"; all layers that can be are quantized (--float leaves some out),`],
  [quantize('--int8', '4'), `${modes} "4"; the bits of weights are --int8 weights --bits 8 or 4.`],
  [quantize('--int8', 'statik'), `${modes} "statik" (did you mean "static"?).`],
  [['m.onnx', '--int8', 'statik'], `${modes} "statik" (did you mean "static"?).`],
  [
    quantize('--int8', 'static'),
    `--int8 static takes the ranges of activations from data, ${noData}, or take --int8 dynamic`,
  ],
  [quantize('--ranges', 'mse'), `--ranges says how the ranges of activations are taken from data, ${noData}.`],
  [quantize('--ranges', 'minmx', '--calibration', 'x.npz'), 'but is "minmx" (did you mean "minmax"?).'],
  [quantize('--rounding', 'gptq'), `--rounding gptq learns from data which errors of rounding matter, ${noData}.`],
  [quantize('--rounding', 'gtpq'), '--rounding must be one of nearest, gptq, but is "gtpq" (did you mean "gptq"?).'],
  [quantize('--bits', '4'), '--bits 4 is for weights alone (--int8 weights), since there are no kernels'],
  [quantize('--int8', 'weights', '--bits', '3'), '--bits must be 8 or 4, but is "3".'],
  [quantize('--float', 'nope*'), '--float "nope*" matches no node and no initializer of the model;'],
  [quantize('--samples', '5'), '--samples belongs to --calibration, which was not given;'],
  [
    quantize('--max-drop', '1%'),
    '--max-drop has to see how many right answers are lost, and no data were given; add --test',
  ],
  [quantize('--calibration', 'gone.npz'), 'gone.npz does not exist'],
  [quantize('--structured', '50%'), `Unknown option '--structured'; "onnx-prune quantize --help" lists what there is.`],
  [quantize('-o', 'm.onnx', '--force'), '-o "m.onnx" is the input itself, which is never touched;'],
  [['m.onnx', '--structured', '50%', '--ranges', 'mse'], orphan('--ranges')],
  [['m.onnx', '--structured', '50%', '--float', 'stem'], orphan('--float')],
  [['m.onnx', '--structured', '50%', '--no-portable'], orphan('--portable')],
  [
    ['--int8', 'm.onnx', '--calibration', 'x.npz'],
    '--int8 m.onnx takes the file for the word behind --int8; did you mean "onnx-prune m.onnx --int8"?',
  ],
  [['quantize', '--int8', 'm.onnx'], 'did you mean "onnx-prune quantize m.onnx --int8"?'],
  [['--unstructured', '50%', '--one-shot', 'm.onnx'], 'did you mean "onnx-prune m.onnx --one-shot"?'],
  [['quantise', 'm.onnx'], 'did you mean "onnx-prune quantize"?'],
  [['quantize'], `Missing required argument 'model'; "onnx-prune quantize --help" lists what there is.`],
  [['quantize', 'gone.onnx'], 'gone.onnx does not exist.'],
];

describe('a wrong wish about integers', { timeout: 30_000 }, () => {
  it.each(LINES)('%j gets one sentence: %s', async (args, sentence) => {
    const desk = new Desk();
    desk.write('m.onnx', smallNet().bytes());
    desk.write('x.npz', npz({ x: floatArray(4, 3, 8, 8) }));
    const { code, stdout, stderr } = await desk.hosted(...args, '--no-bench', '--no-verify');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/^onnx-prune: .*\n$/);
    expect(desk.files).toEqual(['m.onnx', 'x.npz']);
    expect(desk.leftovers).toEqual([]);
  });
});
