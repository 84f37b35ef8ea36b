import { describe, expect, it } from 'vitest';
import type { FidelityReport } from '../../src/report/report.ts';
import type { OutputComparison } from '../../src/runtime/index.ts';
import { answersOf, layerYardstick, qualityOf } from '../../src/study/quality.ts';

const output = (more: Partial<OutputComparison>): OutputComparison => ({
  name: 'y',
  type: 'float32',
  dims: [1, 10],
  count: 10,
  problem: undefined,
  identical: false,
  mismatches: 10,
  constant: false,
  cosine: 0.9,
  relativeL2: 0.1,
  maxAbsError: 1,
  maxAbsReference: 2,
  argmaxAgreement: 0.8,
  nonFinite: { a: 0, b: 0, agree: true },
  ...more,
});

const fidelity = (more: Partial<FidelityReport>): FidelityReport => ({
  on: 'test data',
  samples: 10,
  outputs: [output({})],
  accuracy: null,
  regression: null,
  uncompared: [],
  ...more,
});

const accuracy = { output: 'y', total: 200, hitsA: 190, hitsB: 180, top5A: 200, top5B: 198, lossA: 0.1, lossB: 0.25 };

describe('The answers that were compared', () => {
  it('are those with labels, or all of an output with classes', () => {
    expect(answersOf(fidelity({ accuracy }))).toBe(200);
    expect(answersOf(fidelity({ accuracy: { ...accuracy, total: 0 } }))).toBe(1);
    expect(answersOf(fidelity({ outputs: [output({ argmaxAgreement: undefined }), output({ count: 40 })] }))).toBe(4);
    expect(answersOf(fidelity({ outputs: [output({ argmaxAgreement: undefined })] }))).toBeNull();
  });
});

describe('What layers are judged by', () => {
  const known = { accuracy: 0.9, top5: null, loss: 0.1, agreement: 1, cosine: 1 };
  const unlabelled = { ...known, accuracy: null, loss: null };
  it.each([
    ['accuracy', known, 'test data', 10],
    ['agreement', unlabelled, 'test data', 100],
    ['cosine', unlabelled, 'test data', 99],
    ['cosine', unlabelled, 'random inputs', 1000],
    ['cosine', { ...unlabelled, agreement: null }, 'test data', null],
    ['agreement', { ...unlabelled, cosine: null }, 'random inputs', 10],
  ] as const)('is %s of %j on %s', (by, quality, on, answers) => {
    expect(layerYardstick({ original: { quality }, on, answers }, 0.01)).toBe(by);
  });
});

describe('The quality of a pruned model', () => {
  it('is that of the second of two compared models, as fractions', () => {
    expect(qualityOf(fidelity({ accuracy }))).toEqual({
      accuracy: 0.9,
      top5: 0.99,
      loss: 0.25,
      agreement: 0.8,
      cosine: 0.9,
    });
  });

  it('has no top-5 with few classes, and none of accuracy without labels', () => {
    expect(qualityOf(fidelity({ accuracy: { ...accuracy, top5A: null, top5B: null } })).top5).toBeNull();
    expect(qualityOf(fidelity({}))).toEqual({ accuracy: null, top5: null, loss: null, agreement: 0.8, cosine: 0.9 });
    expect(qualityOf(fidelity({ accuracy: { ...accuracy, total: 0 } })).accuracy).toBeNull();
  });

  it('has the mean squared error as its loss where labels are numbers', () => {
    const regression = { output: 'y', total: 200, mseA: 1, mseB: 1.5 };
    expect(qualityOf(fidelity({ regression }))).toMatchObject({ accuracy: null, loss: 1.5 });
  });

  it('goes by the worst output', () => {
    const outputs = [output({}), output({ name: 'z', cosine: 0.5, argmaxAgreement: undefined })];
    expect(qualityOf(fidelity({ outputs }))).toMatchObject({ agreement: 0.8, cosine: 0.5 });
  });

  it('is none where an output is gone, and no number where there is none', () => {
    const outputs = [output({}), output({ name: 'z', problem: 'the other model has no such output', count: 0 })];
    expect(qualityOf(fidelity({ outputs }))).toMatchObject({ agreement: 0, cosine: 0 });
    // What is compared of an output that is no number are the few elements that are.
    const vanished = [output({ cosine: 1, argmaxAgreement: 1, nonFinite: { a: 0, b: 10, agree: false } })];
    expect(qualityOf(fidelity({ outputs: vanished }))).toMatchObject({ agreement: 0, cosine: 0 });
    const integers = [output({ cosine: undefined, argmaxAgreement: undefined })];
    expect(qualityOf(fidelity({ outputs: integers }))).toMatchObject({ agreement: null, cosine: null });
    const broken = { ...accuracy, lossB: Number.NaN };
    expect(qualityOf(fidelity({ accuracy: broken, outputs: [output({ cosine: Number.NaN })] }))).toMatchObject({
      loss: null,
      cosine: null,
    });
  });
});
