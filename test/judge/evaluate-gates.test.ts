import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateDrop, evaluateGates, type GateEvidence, gateOfDrop } from '../../src/judge/evaluate-gates.ts';
import { checkGateOptions, type GateOptions } from '../../src/options/gate-options.ts';
import type { GateReport } from '../../src/report/gates.ts';
import type { FidelityReport, LatencyReport } from '../../src/report/report.ts';
import type { OutputComparison } from '../../src/runtime/index.ts';

const scores: OutputComparison = {
  name: 'scores',
  type: 'float32',
  dims: [10, 5],
  count: 500,
  problem: undefined,
  identical: false,
  mismatches: 500,
  constant: false,
  cosine: 0.99,
  relativeL2: 0.3,
  maxAbsError: 0.25,
  maxAbsReference: 9,
  argmaxAgreement: 0.97,
  nonFinite: { a: 0, b: 0, agree: true },
};
const boxes: OutputComparison = {
  ...scores,
  name: 'boxes',
  dims: [10, 1],
  cosine: 0.98,
  maxAbsError: 0.125,
  argmaxAgreement: undefined,
};
/** Whole numbers have no cosine, and may be answers by themselves. */
const ids: OutputComparison = {
  ...boxes,
  name: 'ids',
  type: 'int64',
  mismatches: 10,
  cosine: undefined,
  relativeL2: undefined,
  maxAbsError: 0,
  maxAbsReference: undefined,
};
const words: OutputComparison = { ...ids, name: 'words', type: 'string', maxAbsError: undefined };

function fidelityOf(outputs: readonly OutputComparison[], more: Partial<FidelityReport> = {}): FidelityReport {
  return {
    on: 'test data',
    samples: 1000,
    outputs,
    accuracy: null,
    regression: null,
    uncompared: [],
    ...more,
  };
}

const timing = { median: 4, p10: 3.5, p90: 5, min: 3, runs: 30, burst: 1, loadMs: 9 };
const latency: LatencyReport = {
  threads: 1,
  batch: 16,
  rounds: 30,
  before: { ...timing, speedUp: undefined },
  after: { ...timing, median: 2, p10: 1.5, p90: 2.5, speedUp: { median: 2, p25: 1.9, p75: 2.1, significant: true } },
};

const bytes = { before: 1000, after: 400 };
const evidence: GateEvidence = { fidelity: fidelityOf([scores, boxes, ids]), latency, bytes };

const judge = (options: GateOptions, found: Partial<GateEvidence> = {}): GateReport[] =>
  evaluateGates(checkGateOptions(options, { verify: true, bench: true }), { ...evidence, ...found });

const OUTPUT_GATES: readonly GateOptions[] = [{ minAgreement: 0.5 }, { minCosine: 0.5 }, { maxError: 1 }];

describe('gates', () => {
  it('are judged by the worst output, and say by how much they pass', () => {
    const reports = judge({ minAgreement: '95%', minCosine: 0.9, maxError: 0.5 });
    expect(reports).toEqual([
      {
        gate: '--min-agreement',
        unit: 'fraction',
        limit: 0.95,
        found: 0.97,
        passed: true,
        margin: 0.02,
        of: 'the worst output, "scores", on test data, 1,000 samples; not judged by it: "boxes"',
      },
      {
        gate: '--min-cosine',
        unit: 'number',
        limit: 0.9,
        found: 0.98,
        passed: true,
        margin: 0.08,
        of: 'the worst output, "boxes", on test data, 1,000 samples; not judged by it: "ids"',
      },
      {
        gate: '--max-error',
        unit: 'number',
        limit: 0.5,
        found: 0.25,
        passed: true,
        margin: 0.25,
        of: 'the worst output, "scores", on test data, 1,000 samples',
      },
    ]);
  });

  it('say by how much they fail', () => {
    const reports = judge({ minAgreement: '99%', minCosine: 0.999, maxError: 0.2 });
    expect(reports.map(({ passed, margin }) => ({ passed, margin }))).toEqual([
      { passed: false, margin: -0.02 },
      { passed: false, margin: -0.019 },
      { passed: false, margin: -0.05 },
    ]);
  });

  it('name a lone output without calling it the worst', () => {
    const found = { fidelity: fidelityOf([scores], { on: 'random inputs', samples: 1 }) };
    expect(judge({ minCosine: 0.9 }, found)[0]?.of).toBe('"scores", on random inputs, 1 sample');
  });

  it.each<[string, Partial<FidelityReport>, string]>([
    ['has a problem', { outputs: [scores, { ...boxes, problem: 'B lacks it' }] }, 'output "boxes": B lacks it'],
    [
      'has NaN at other places',
      { outputs: [scores, { ...boxes, nonFinite: { a: 0, b: 3, agree: false } }] },
      'output "boxes" has NaN or infinite elements at other places than the original’s',
    ],
    [
      'is no tensor',
      { uncompared: [{ name: 'parts', reason: 'it is a sequence' }] },
      'output "parts" was not compared: it is a sequence',
    ],
  ])('of outputs fail where one %s', (_, more, of) => {
    for (const gate of OUTPUT_GATES)
      expect(judge(gate, { fidelity: fidelityOf([scores], more) })).toMatchObject([
        { found: null, passed: false, margin: null, of },
      ]);
  });

  it('of outputs fail where the model does not do at other sizes what the original does', () => {
    const trial = { batch: 3, dims: { T: 9 }, relativeL2: null, cosine: null, fits: false, problem: 'it refused.' };
    const fine = { ...trial, batch: 1, relativeL2: 0, problem: null, fits: true };
    const of = 'at batch 3, T 9, where the original runs: it refused';
    const failed = { found: null, passed: false, margin: null, of };
    for (const gate of OUTPUT_GATES) expect(judge(gate, { sizes: [fine, trial] })).toMatchObject([failed]);
    expect(evaluateDrop(0.5, { fidelity: fidelityOf([scores]), sizes: [fine, trial] }, false)).toMatchObject(failed);
    // Numbers that differ on random inputs are for the reader to judge.
    const differs = { ...fine, relativeL2: 9, problem: 'NaN at other places' };
    for (const gate of OUTPUT_GATES) expect(judge(gate, { sizes: [differs] })).toMatchObject([{ passed: true }]);
    expect(judge({ maxSize: '90%' }, { sizes: [trial] })).toMatchObject([{ passed: true }]);
  });

  it('of outputs fail where there is nothing to judge by', () => {
    const empty = {
      ...scores,
      name: 'found',
      count: 0,
      mismatches: 0,
      cosine: 1,
      maxAbsError: 0,
      argmaxAgreement: undefined,
    };
    const lost = {
      ...scores,
      cosine: 1,
      maxAbsError: 0,
      argmaxAgreement: 1,
      nonFinite: { a: 500, b: 500, agree: true },
    };
    const failed = { found: null, passed: false };
    const of = 'no elements on test data, or none that is finite; give data on which there are some, with --test';
    for (const gate of OUTPUT_GATES) {
      expect(judge(gate, { fidelity: fidelityOf([empty]) })).toMatchObject([
        { ...failed, of: `output "found" has ${of}` },
      ]);
      expect(judge(gate, { fidelity: fidelityOf([empty, lost]) })).toMatchObject([
        { ...failed, of: `all 2 outputs have ${of}` },
      ]);
      expect(judge(gate, { fidelity: fidelityOf([empty, scores]) })).toMatchObject([
        { passed: true, of: 'the worst output, "scores", on test data, 1,000 samples; not judged by it: "found"' },
      ]);
    }
  });

  it('pass where NaN are the original’s', () => {
    const found = { fidelity: fidelityOf([{ ...scores, nonFinite: { a: 2, b: 2, agree: true } }]) };
    expect(OUTPUT_GATES.map((gate) => judge(gate, found)[0]?.passed)).toEqual([true, true, true]);
  });

  it('fail where a figure is no number, wherever that output stands', () => {
    const strange = {
      ...scores,
      name: 'strange',
      argmaxAgreement: Number.NaN,
      cosine: Number.NaN,
      maxAbsError: Number.NaN,
    };
    for (const outputs of [
      [strange, scores, scores],
      [scores, strange, scores],
      [scores, scores, strange],
    ])
      for (const gate of OUTPUT_GATES)
        expect(judge(gate, { fidelity: fidelityOf(outputs) })).toMatchObject([
          { found: null, passed: false, margin: null, of: 'the worst output, "strange", on test data, 1,000 samples' },
        ]);
  });

  it('fail where nothing was compared or timed, and tell so', () => {
    const reports = judge(
      { minAgreement: 0.5, minCosine: 0.5, maxError: 1, minSpeedup: 1, maxLatency: '5ms' },
      { fidelity: null, latency: null },
    );
    expect(reports.map(({ passed, found, of }) => ({ passed, found, of }))).toEqual([
      ...OUTPUT_GATES.map(() => ({ passed: false, found: null, of: 'outputs were not compared' })),
      { passed: false, found: null, of: 'speed was not measured' },
      { passed: false, found: null, of: 'speed was not measured' },
    ]);
    expect(judge({ maxLatency: '80%' }, { latency: null })).toMatchObject([{ limit: null, passed: false }]);
  });

  it('of answers fail where no output has classes, and tell the way out', () => {
    expect(judge({ minAgreement: 0 }, { fidelity: fidelityOf([boxes]) })).toMatchObject([
      {
        found: null,
        passed: false,
        of: 'no output has numbers of more than one class along its last axis, so there are no answers; --min-cosine and --max-error judge such outputs',
      },
    ]);
  });

  it('fail where no output has such numbers', () => {
    const failed = { found: null, passed: false };
    expect(judge({ minCosine: -1 }, { fidelity: fidelityOf([ids]) })).toMatchObject([
      { ...failed, of: 'no output has floating-point numbers' },
    ]);
    expect(judge({ maxError: 1 }, { fidelity: fidelityOf([{ ...words, mismatches: 0 }]) })).toMatchObject([
      { ...failed, of: 'no output has numbers' },
    ]);
  });

  it('see outputs of integers, booleans and words that changed, beside floating ones that did not', () => {
    const ofIds = { ...ids, mismatches: 25, maxAbsError: 7 };
    const found = { fidelity: fidelityOf([scores, ofIds]) };
    expect(judge({ minAgreement: '97%', maxError: 1 }, found)).toMatchObject([
      { found: 0.95, passed: false, of: expect.stringContaining('"ids"') },
      { found: 7, passed: false, of: expect.stringContaining('"ids"') },
    ]);
    expect(judge({ minAgreement: '95%', maxError: 7 }, found).map(({ passed }) => passed)).toEqual([true, true]);
    const changed = { fidelity: fidelityOf([scores, { ...words, mismatches: 1 }]) };
    expect(judge({ maxError: 1e9 }, changed)).toMatchObject([
      { found: null, passed: false, of: 'output "words" holds strings, of which 1 of 500 differ' },
    ]);
    expect(judge({ maxError: 1 }, { fidelity: fidelityOf([scores, { ...words, mismatches: 0 }]) })).toMatchObject([
      { found: 0.25, passed: true },
    ]);
  });

  it('of speed go by medians, and tell the spread', () => {
    expect(judge({ minSpeedup: 1.5, maxLatency: '75%' })).toEqual([
      {
        gate: '--min-speedup',
        unit: 'ratio',
        limit: 1.5,
        found: 2,
        passed: true,
        margin: 0.5,
        of: 'median of 30 rounds, 1 thread, batch of 16, quartiles 1.90 to 2.10',
      },
      {
        gate: '--max-latency',
        unit: 'ms',
        limit: 3,
        found: 2,
        passed: true,
        margin: 1,
        of: 'median of 30 rounds, 1 thread, batch of 16, p10 1.50 to p90 2.50 ms',
      },
    ]);
    expect(judge({ minSpeedup: 3, maxLatency: '1.5ms' })).toMatchObject([
      { passed: false, margin: -1 },
      { limit: 1.5, passed: false, margin: -0.5 },
    ]);
  });

  it('of speed count a change that the spread hides as none, whichever side its median is on', () => {
    const speedUp = { median: 1.36, p25: 0.46, p75: 4.14, significant: false };
    const after = { ...latency.after, median: 2, speedUp };
    const found = { latency: { ...latency, threads: 2, after } };
    const of = 'median of 30 rounds, 2 threads, batch of 16,';
    expect(judge({ minSpeedup: 1.01, maxLatency: '90%' }, found)).toMatchObject([
      {
        passed: false,
        found: 1,
        margin: -0.01,
        of: `${of} quartiles 0.46 to 4.14: no significant change, whatever the median of 1.36`,
      },
      {
        passed: false,
        limit: 3.6,
        found: 4,
        of: `${of} p10 1.50 to p90 2.50 ms: no significant change, whatever the median of 2.00 ms`,
      },
    ]);
    const slow = { ...latency, after: { ...after, median: 8, speedUp: { ...speedUp, median: 0.5 } } };
    expect(judge({ minSpeedup: 1, maxLatency: '100%' }, { latency: slow })).toMatchObject([
      { passed: true, found: 1, margin: 0 },
      { passed: true, found: 4, margin: 0 },
    ]);
    // A time by itself compares nothing.
    expect(judge({ maxLatency: '5ms' }, { latency: slow })).toMatchObject([{ passed: false, found: 8 }]);
  });

  it.each<[string, number, boolean, number]>([
    ['500B', 500, true, 100],
    ['400B', 400, true, 0],
    ['399B', 399, false, -1],
    ['40%', 400, true, 0],
    ['39.9%', 399, false, -1],
  ])('of the size: %s', (maxSize, limit, passed, margin) => {
    expect(judge({ maxSize }, { fidelity: null, latency: null })).toEqual([
      { gate: '--max-size', unit: 'bytes', limit, found: 400, passed, margin, of: 'the files of the result' },
    ]);
  });

  it('come in one order, and only those that were given', () => {
    const all = { maxSize: '40%', maxLatency: '5ms', minSpeedup: 1, maxError: 1, minCosine: 0, minAgreement: 0 };
    expect(judge(all).map(({ gate }) => gate)).toEqual([
      '--min-agreement',
      '--min-cosine',
      '--max-error',
      '--min-speedup',
      '--max-latency',
      '--max-size',
    ]);
    expect(judge({})).toEqual([]);
  });

  it('pass just where every output keeps to the limit, in whatever order outputs are', () => {
    const cosine = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(cosine, { minLength: 1, maxLength: 6 }), cosine, (cosines, minCosine) => {
        // Further apart than the digits that count.
        fc.pre(cosines.every((each) => each === minCosine || Math.abs(each - minCosine) > 1e-9));
        const found = { fidelity: fidelityOf(cosines.map((each) => ({ ...scores, cosine: each }))) };
        const [report] = judge({ minCosine }, found);
        expect(report?.passed).toBe(cosines.every((each) => each >= minCosine));
        expect(report?.found).toBe(Math.min(...cosines));
        expect((report?.margin ?? Number.NaN) >= 0).toBe(report?.passed);
      }),
    );
  });
});

describe('--max-drop', () => {
  const accuracy = {
    output: 'scores',
    total: 300,
    hitsA: 200,
    hitsB: 197,
    top5A: null,
    top5B: null,
    lossA: 0.1,
    lossB: 0.1,
  };

  it('counts right answers that were lost, where there are labels', () => {
    const fidelity = fidelityOf([scores], { accuracy });
    expect(evaluateDrop(0.02, { fidelity }, true)).toEqual({
      gate: '--max-drop',
      unit: 'fraction',
      limit: 0.02,
      found: 0.01,
      passed: true,
      margin: 0.01,
      of: 'right answers lost, output "scores", 300 answers on test data',
    });
    expect(evaluateDrop(0.01, { fidelity }, true)).toMatchObject({ passed: true, margin: 0 });
    expect(evaluateDrop(0.005, { fidelity }, true)).toMatchObject({ passed: false, margin: -0.005 });
  });

  it('lets a model gain answers', () => {
    const fidelity = fidelityOf([scores], { accuracy: { ...accuracy, hitsB: 203 } });
    expect(evaluateDrop(0, { fidelity }, true)).toMatchObject({ found: -0.01, passed: true, margin: 0.01 });
  });

  it('counts answers unlike the original’s, where there are no labels', () => {
    const fidelity = fidelityOf([boxes, scores], { on: 'calibration data' });
    expect(evaluateDrop(0.05, { fidelity }, false)).toMatchObject({
      found: 0.03,
      passed: true,
      margin: 0.02,
      of: 'answers unlike the original, output "scores", 100 answers on calibration data',
    });
  });

  it('fails where there is nothing to count, and tells why', () => {
    const none = { found: null, passed: false, margin: null };
    expect(evaluateDrop(0.01, { fidelity: fidelityOf([scores]) }, true)).toMatchObject({
      ...none,
      of: expect.stringContaining('these fit no output'),
    });
    expect(evaluateDrop(0.01, { fidelity: fidelityOf([boxes]) }, false)).toMatchObject({
      ...none,
      of: expect.stringMatching(/no output has numbers of more than one class there.*[^.]$/),
    });
  });

  it('fails without labels where the output with the answers cannot be compared, rather than go by another one', () => {
    const broken = { ...scores, name: 'broken', argmaxAgreement: undefined, problem: 'B lacks it' };
    expect(evaluateDrop(0.5, { fidelity: fidelityOf([broken, scores]) }, false)).toMatchObject({
      found: null,
      passed: false,
      of: 'output "broken": B lacks it',
    });
  });

  it('of a run is the drop that its goal came to', () => {
    const drop = { limit: 0.01, reached: 0.02, met: false, by: 'accuracy', output: 'scores', answers: 1000 } as const;
    expect(gateOfDrop({ ...drop, on: 'test data' })).toEqual({
      gate: '--max-drop',
      unit: 'fraction',
      limit: 0.01,
      found: 0.02,
      passed: false,
      margin: -0.01,
      of: 'right answers lost, output "scores", 1,000 answers on test data',
    });
  });
});
