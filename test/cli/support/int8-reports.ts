import type { FusionReport } from '../../../src/quantize/fusion.ts';
import type { QuantizedLayer } from '../../../src/quantize-report.ts';
import type { LatencyReport, QuantizationReport } from '../../../src/report/report.ts';

/** A layer that is int8, with ranges from data, and an output that is off by 0.25%. */
export function quantizedLayer(initializer: string, more: Partial<QuantizedLayer> = {}): QuantizedLayer {
  return {
    node: `${initializer} node`,
    initializer,
    how: 'static',
    bits: 8,
    weights: 1000,
    after: 0.0025,
    energy: 1,
    rounding: 'gptq',
    ...more,
  };
}

/** What onnxruntime makes of a model of which all layers run on int8. */
export const fused: FusionReport = {
  integer: 7,
  float: 0,
  conversions: 2,
  layout: 1,
  other: 4,
  kernels: { QLinearConv: 4, QGemm: 2, Flatten: 1 },
  floats: [],
  overruled: [],
  time: { integer: 0.8, float: 0, conversions: 0.1, layout: 0.05, other: 0.05 },
};

/** What was quantized: two layers on int8, one in float32. */
export const quantization: QuantizationReport = {
  asked: 'auto',
  untouched: null,
  layers: [quantizedLayer('stem.weight'), quantizedLayer('head.weight', { rounding: 'nearest' })],
  floats: [{ node: 'tail', operator: 'Conv', reason: '--float "tail" says so' }],
  activations: { values: 5, scales: 3, ranges: 'mse' },
  equalized: [],
  samples: 256,
  portable: false,
  overflowing: 0,
  folded: 2,
  search: null,
  opset: null,
  fusion: fused,
};

/** Both models timed: the second is so many times as fast. */
export function timed(median: number, significant = true): LatencyReport {
  const timing = { median: 1, p10: 0.9, p90: 1.1, min: 0.8, runs: 100, burst: 1, loadMs: 3 };
  const speedUp = { median, p25: median * 0.95, p75: median * 1.05, significant };
  return {
    threads: 1,
    batch: 1,
    rounds: 100,
    before: { ...timing, speedUp: undefined },
    after: { ...timing, median: 1 / median, speedUp },
  };
}
