import { describe, expect, test } from 'vitest';
import { contextOf, type RenderOptions } from '../../cli/render/context.ts';
import { renderReport } from '../../cli/render/prune.ts';
import { renderQuantization } from '../../cli/render/quantization.ts';
import { quantizationNotes } from '../../src/quantization-notes.ts';
import type { FusionReport } from '../../src/quantize/fusion.ts';
import type { QuantizationReport, Report } from '../../src/report/report.ts';
import { ESCAPE, expectFits } from './support/fits.ts';
import { fused, quantization, quantizedLayer, timed } from './support/int8-reports.ts';
import { report as pruned } from './support/weight-reports.ts';

const plain: RenderOptions = { colors: false, width: 100, verbose: false };

const shown = (more: Partial<QuantizationReport> = {}, options = plain): string =>
  renderQuantization(contextOf(options), { ...quantization, ...more }).join('\n');
const runs = (more: Partial<FusionReport>, options = plain): string =>
  shown({ fusion: { ...fused, ...more } }, options);
/** The text on one line, so that no line break hides a sentence. */
const flat = (text: string): string => text.replace(/\s+/g, ' ');

const quantized: Report = { ...pruned, lossless: null, weights: null, quantization, latency: timed(1.5) };
const missed = { node: 'odd', operator: 'MatMul', reason: 'its bias is not quantized', share: 0.3 };

describe('the table of layers', () => {
  test('says what weights and activations are, how far outputs are off, and how weights were rounded', () => {
    expect(shown()).toMatch(/layer +weights +activations +error +rounding/);
    expect(shown()).toMatch(/stem\.weight +int8 +static +0\.25% +GPTQ/);
    expect(shown()).toMatch(/head\.weight +int8 +static +0\.25% +nearest/);
    expect(flat(shown())).toContain('relative to how it varies, on 256 calibration samples');
    expect(flat(shown())).toContain(
      '5 activations with 3 scales (ranges: mse); 2 nodes (batch normalization, constants) folded into layers',
    );
  });

  test('has no errors where nothing was measured, and explains only what occurs', () => {
    const unmeasured = { after: null, energy: null, rounding: 'nearest' } as const;
    const text = shown({
      layers: [
        quantizedLayer('a', { ...unmeasured, how: 'dynamic' }),
        quantizedLayer('b', { ...unmeasured, how: 'weights', bits: 4 }),
      ],
      activations: null,
      folded: 0,
    });
    expect(text).toMatch(/a +int8 +dynamic +nearest/);
    expect(text).toMatch(/b +int4 +float32 +nearest/);
    expect(text).not.toMatch(/error|static:/);
    expect(text).toContain(
      'dynamic: int8, with ranges found in each run; float32: only weights are stored as integers',
    );
  });

  test('folds long lists, and shows all of them when asked', () => {
    const layers = Array.from({ length: 60 }, (_, i) => quantizedLayer(`blocks.${i}.weight`));
    expect(shown({ layers })).not.toContain('blocks.59.weight');
    expect(shown({ layers })).toContain('… and 36 more layers; -v or --json shows all');
    expect(shown({ layers }, { ...plain, verbose: true })).toContain('blocks.59.weight');
  });

  test('tells how many layers went back for --max-drop', () => {
    const tries = [
      { layers: 0, drop: 0.02, met: false },
      { layers: 1, drop: 0.001, met: true },
    ];
    const search = { limit: 0.003, tries, layers: ['tail'], found: true };
    expect(flat(shown({ search }))).toContain(
      '1 layer went back to float32 for --max-drop; points lost by layers in float32: 0: 2.00, 1: 0.10',
    );
    expect(flat(shown({ search: { ...search, found: false } }))).toContain(
      'no number of layers in float32 keeps to --max-drop',
    );
  });

  test('is none where the model was left as it is', () => {
    expect(shown({ untouched: 'the model is quantized already' })).toBe('');
    expect(renderQuantization(contextOf(plain), null)).toEqual([]);
  });
});

describe('layers in float32', () => {
  test('stand by reason, with the time that they take', () => {
    const floats = ['one', 'two'].map((node) => ({ node, operator: 'Conv', reason: 'no data were given' }));
    const timedFloats = floats.map((each) => ({ ...each, share: 0.2 }));
    const text = shown({ floats, fusion: { ...fused, float: 2, floats: timedFloats } });
    expect(text).toContain('· 40.00% of the time, because no data were given: one, two');
    // What is meant to be so is no fault of the runtime.
    expect(text).not.toContain('runs in float32');
    expect(shown({ floats, fusion: null })).toContain('· because no data were given: one, two');
  });
});

describe('what onnxruntime runs', () => {
  test('counts nodes and shares, with what arranges data among what converts', () => {
    expect(flat(shown())).toContain(
      '✓ nodes of its graph: 7 on int8 (80.00% of the time), none in float32, 3 converting or rearranging (15.00% of the time)',
    );
    expect(shown()).toContain('int8 kernels: 4 QLinearConv, 2 QGemm, 1 Flatten');
    expect(runs({ time: null })).not.toContain('of the time');
  });

  test('names nodes that were to run on int8 and do not, why, and what to do', () => {
    const text = flat(runs({ float: 1, floats: [missed] }));
    expect(text).toContain('! nodes of its graph');
    expect(text).toContain('· odd (MatMul) runs in float32, 30.00% of the time: its bias is not quantized');
    expect(text).toContain('leave the layers around them in float32 with --float');
    expect(shown()).not.toContain('leave the layers around');
  });

  test('folds many of them', () => {
    const floats = Array.from({ length: 30 }, (_, i) => ({ ...missed, node: `odd ${i}` }));
    expect(runs({ floats })).toContain('… and 22 more nodes');
    expect(runs({ floats }, { ...plain, verbose: true })).toContain('odd 29');
  });

  test('names layers that were meant to stay in float32 and do not', () => {
    expect(flat(runs({ overruled: ['tail'] }))).toContain(
      '! run on int8 though meant to stay in float32, since onnxruntime quantizes weights between quantizers by itself: tail',
    );
  });
});

describe('a report', () => {
  test('begins with what was done and what it gained', () => {
    const lines = renderReport(quantized, plain).split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'm.onnx → m.pruned.onnx',
      'quantized 2 layers to int8 (2,000 weights); 1 layer stays in float32',
      '1.50× as fast, file no smaller',
    ]);
    const smaller = {
      ...quantized,
      size: { before: quantized.size.before, after: { ...quantized.size.after, fileBytes: 1e6 } },
    };
    expect(renderReport({ ...smaller, latency: null }, plain)).toContain('\nfile 4.00× smaller\n');
    expect(renderReport({ ...smaller, latency: timed(1.01, false) }, plain)).toContain(
      '\nno faster, file 4.00× smaller\n',
    );
    expect(renderReport({ ...smaller, latency: timed(0.5) }, plain)).toContain('\n0.50× the speed: slower, file');
  });

  test('has accuracy in that line where there are labels, and says how to get it where there are none', () => {
    const fidelity = {
      on: 'test data',
      samples: 200,
      outputs: [],
      accuracy: null,
      regression: null,
      uncompared: [],
    } as const;
    const accuracy = {
      output: 'y',
      total: 200,
      hitsA: 190,
      hitsB: 189,
      top5A: null,
      top5B: null,
      lossA: 0.1,
      lossB: 0.1,
    };
    const line = (more: Partial<Report>): string => renderReport({ ...quantized, ...more }, plain).split('\n')[2] ?? '';
    expect(line({ fidelity: { ...fidelity, accuracy } })).toMatch(/, accuracy 95\.00% → 94\.50%$/);
    expect(line({ fidelity })).toMatch(/, accuracy not measured \(--test with labels does\)$/);
  });

  test('has no such line where nothing was quantized', () => {
    expect(renderReport({ ...pruned, latency: timed(1.5) }, plain)).not.toContain('1.50× as fast, file');
  });
});

describe('notes', () => {
  const notes = (fusion: Partial<FusionReport> | null, more: Partial<QuantizationReport> = {}, speed = 0.8): string =>
    quantizationNotes({
      quantization: { ...quantization, ...more },
      fusion: fusion && { ...fused, ...fusion },
      latency: timed(speed),
    }).join('\n');
  const times = { integer: 0.2, float: 0.2, conversions: 0.2, layout: 0.2, other: 0.2 };

  test('say nothing of a result that is faster', () => expect(notes({}, {}, 1.5)).toBe(''));

  test.each([
    [
      'conversions',
      { time: times },
      {},
      /conversions between int8 and float32 take 40% .*--int8 dynamic or --int8 weights, or --float/,
    ],
    [
      'conversions, dynamic',
      { time: times },
      { asked: 'dynamic' } as const,
      /take 40% .*try --int8 weights, or --float/,
    ],
    [
      'float32',
      { time: { ...times, float: 0.5, conversions: 0, layout: 0.1 }, floats: [missed] },
      {},
      /50% of the time still goes into float32 \(most of all "odd"\); .*--structured/,
    ],
    [
      'layers without data',
      { time: { ...times, float: 0.5, conversions: 0, layout: 0.1 }, floats: [{ ...missed, node: 'tail' }] },
      { floats: [{ node: 'tail', operator: 'Conv', reason: 'none were given (--calibration)' }] },
      /most of all "tail"\); add --calibration/,
    ],
    [
      'widened weights',
      { time: times },
      { layers: [quantizedLayer('a', { how: 'weights' })] },
      /weights are widened to float32 in each run, which takes 40%/,
    ],
    ['small layers', {}, {}, /int8 kernels take as long on this CPU/],
    ['nothing known', null, {}, /run without --no-verify/],
  ])('say why the result is not faster: %s', (_, fusion, more, sentence) => {
    expect(notes(fusion, more)).toMatch(/^The result is not faster than the original \(0\.80× the speed\): [^\n]*\.$/);
    expect(notes(fusion, more)).toMatch(sentence);
  });

  test('tell that answers may differ on other CPUs, and the way out', () => {
    expect(notes({}, { overflowing: 2 }, 1.5)).toMatch(
      /may overflow in 2 of 2 layers, .*--portable makes them the same/,
    );
    expect(notes({}, { overflowing: 2, portable: true }, 1.5)).toBe('');
  });

  test('tell why a model was left as it is, and what to give instead', () => {
    expect(notes(null, { untouched: 'the model is quantized already: 2 nodes' })).toBe(
      'Nothing was quantized, since the model is quantized already: 2 nodes; give the float32 model it was made from.',
    );
  });
});

describe('every section', () => {
  const hostile = `${ESCAPE}[2J\u202eblocks.0.a.very.long.name.of.a.layer.that.goes.on.and.on\n`;
  const render = (options: RenderOptions): string =>
    renderReport(
      {
        ...quantized,
        quantization: {
          ...quantization,
          layers: [...quantization.layers, quantizedLayer(hostile)],
          floats: [{ node: hostile, operator: hostile, reason: hostile }],
          equalized: [],
          opset: { from: 11, to: 13 },
          portable: true,
          fusion: {
            ...fused,
            overruled: [hostile],
            kernels: { ...fused.kernels, [hostile]: 1 },
            floats: [{ ...missed, node: `${hostile}2`, operator: hostile, reason: hostile }],
          },
        },
      },
      options,
    );

  test.each([60, 80, 120])('fits %d columns, and colours change no text', (width) => expectFits(render, width));

  test('shows no control characters of names', () => {
    expect(render(plain).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
