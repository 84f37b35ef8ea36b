import { describe, expect, it } from 'vitest';
import { rowName, sensitivityAnswer, worthOf } from '../../src/report/sensitivity-answer.ts';
import type { StudyPoint, SweepReport } from '../../src/report/study.ts';
import { dataRemark, dropError } from '../../src/report/study-quality.ts';
import { sweepAnswer } from '../../src/report/sweep-answer.ts';
import { normals } from '../support/random.ts';
import { failedPoint, point, quality, sensitivity, size, sweep, timing } from './support/studies.ts';

function of(points: readonly StudyPoint[], more: Partial<SweepReport> = {}): ReturnType<typeof sweepAnswer>[number] {
  const series = [{ of: 'channels', choices: {}, name: 'channels', points } as const];
  const [answer] = sweepAnswer({ ...sweep, series, ...more });
  if (answer === undefined) throw new Error('a series has an answer');
  return answer;
}

describe('sweepAnswer', () => {
  it('names the largest amount that costs at most a point, and what it gains', () => {
    const [channels, weights] = sweepAnswer(sweep);
    expect(channels).toEqual({
      name: 'channels, l2',
      amount: 0.4,
      text: '40% of channels can leave for at most 1 point of accuracy (60% costs 6.00 points): accuracy 97.00% → 96.20% (-0.80 points, standard error at most 0.62); 1.67× as fast (2.00 ms → 1.20 ms); file 4.00 MB → 2.40 MB (-40.00%); gzip 3.70 MB → 2.22 MB (-40.00%)',
    });
    expect(weights?.text).toContain('50% of weights can be zero');
    expect(weights?.text).toContain('no significant change of speed (1.01×); file as before; gzip 3.70 MB → 2.10 MB');
  });

  it('does not go on behind an amount that costs more, and says what that costs', () => {
    const { amount, text } = of([point(0.2, 0.97), point(0.4, 0.9), point(0.6, 0.969)]);
    expect(amount).toBe(0.2);
    expect(text).toContain('1 point of accuracy (40% costs 7.00 points, though 60% keeps to it again): accuracy');
  });

  it('counts a whole point as one, however computers subtract', () => {
    for (const before of [0.97, 0.979, 0.5, 0.31]) {
      const original = { ...sweep.original, quality: { ...quality, accuracy: before } };
      const after = Math.round((before - 0.01) * 1000) / 1000;
      expect(of([point(0.2, after)], { original }).amount).toBe(0.2);
      expect(of([point(0.2, after - 0.001)], { original }).amount).toBeNull();
    }
  });

  it('says by how much chance may have moved the accuracy, at most', () => {
    // Five of 100 answers changed: one more was wrong than before, so three went and two came.
    const changed = { ...quality, accuracy: 0.96, agreement: 0.95 };
    const text = of([point(0.2, 0, { quality: changed })], { answers: 100 }).text;
    const differences = [...new Array(3).fill(-1), 1, 1, ...new Array(95).fill(0)];
    const mean = differences.reduce((sum, each) => sum + each, 0) / 100;
    const variance = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0) / 100;
    expect(text).toContain(`standard error at most ${(100 * Math.sqrt(variance / 100)).toFixed(2)}`);
    expect(of([point(0.2, 0, { quality: changed })], { answers: null }).text).not.toContain('standard error');
  });

  it('tells what tidying up alone gains from what pruning does', () => {
    const tidied = point(0, 0.97, { size: { ...size, fileBytes: 3e6 }, latency: timing(1.5) });
    expect(of([tidied, point(0.2, 0.97)]).text).toMatch(
      /; without removing any \(0%\): file 3\.00 MB, 1\.50× as fast \(2\.00 ms → 1\.33 ms\)$/,
    );
    expect(of([point(0, 0.97, { latency: timing(1, false) }), point(0.2, 0.97)]).text).not.toContain(
      'without removing',
    );
  });

  it('goes on behind an amount that failed', () => {
    expect(of([point(0.2, 0.97), failedPoint(0.4), point(0.6, 0.969), point(0.8, 0.5)]).amount).toBe(0.6);
  });

  it('says so where all amounts are cheap', () => {
    const { amount, text } = of([point(0.2, 0.97), point(0.4, 0.98)]);
    expect(amount).toBe(0.4);
    expect(text).toContain('and no larger amount was measured');
  });

  it('says what the least costs where none is cheap', () => {
    expect(of([point(0, 0.97), point(0.2, 0.9)])).toMatchObject({
      amount: null,
      text: 'no amount that was tried costs as little as 1 point of accuracy: 20% already costs 7.00 points',
    });
  });

  it('says so where nothing ran or nothing was measured', () => {
    expect(of([failedPoint(0.2)]).text).toBe('every run failed, for the reasons given');
    expect(of([point(0, 0.97)]).amount).toBeNull();
    const blind = { accuracy: null, top5: null, loss: null, agreement: null, cosine: null };
    const original = { ...sweep.original, quality: blind };
    expect(of([point(0.2, 0.9, { quality: blind })], { original }).text).toContain('no quality was measured');
  });

  it('says what left rather than what was asked for where that is not the same', () => {
    expect(of([point(0.2, 0.97, { reached: 0.1375 })]).text).toMatch(
      /^13\.75% of channels can leave \(20% asked\) for/,
    );
  });

  it('tells slower from faster, and that speed was not measured', () => {
    expect(of([point(0.2, 0.97, { latency: timing(0.5) })]).text).toContain(
      'slower, 0.50× the speed (2.00 ms → 4.00 ms)',
    );
    expect(of([point(0.2, 0.97, { latency: null })]).text).toContain('speed not measured');
  });

  it('goes by agreement without labels, and by cosine without classes', () => {
    const unlabelled = { ...quality, accuracy: null, top5: null, loss: null };
    const agreed = point(0.2, 0, { quality: { ...unlabelled, agreement: 0.995, cosine: 0.5 } });
    const byAgreement = of([agreed], { original: { ...sweep.original, quality: unlabelled } });
    expect(byAgreement.text).toContain(
      'no amount that was tried costs as little as 1 point of agreement and 0.01 of the cosine: 20% already costs 0.50 points and 0.500 of the cosine',
    );
    const both = point(0.2, 0, { quality: { ...unlabelled, agreement: 0.995, cosine: 0.995 } });
    expect(of([both], { original: { ...sweep.original, quality: unlabelled } }).text).toContain(
      "no larger amount was measured: 99.50% of answers as the original's, cosine 0.995000;",
    );
    const bare = { ...unlabelled, agreement: null };
    const near = point(0.2, 0, { quality: { ...bare, cosine: 0.995 } });
    expect(of([near], { original: { ...sweep.original, quality: bare } }).text).toContain('0.01 of the cosine');
  });
});

describe('sweepAnswer where labels are numbers', () => {
  const numbers = { ...quality, accuracy: null, top5: null, loss: 0.2 };
  const original = { ...sweep.original, quality: numbers };
  const at = (amount: number, loss: number | null): StudyPoint =>
    point(amount, 0, { quality: { ...numbers, loss, agreement: 0.5, cosine: 0.9999 } });

  it('goes by the mean squared error, whatever outputs look like', () => {
    const { amount, text } = of([at(0.2, 0.199), at(0.4, 0.21), at(0.6, 0.3), at(0.8, 3)], { original });
    expect(amount).toBe(0.4);
    expect(text).toContain(
      '40% of channels can leave for at most 5% more mean squared error (60% brings 50.0% more): mean squared error 0.200 → 0.210 (+5.00%)',
    );
    expect(of([at(0.2, 0.3)], { original }).text).toContain('20% already brings 50.0% more');
  });

  it('takes no error that is no number, and none where there was none, for a small one', () => {
    const broken = of([at(0.2, 0.2), at(0.4, null), at(0.6, 0.2)], { original });
    expect(broken.amount).toBe(0.2);
    expect(broken.text).toContain('(40% brings an error that is no number, though 60% keeps to it again)');
    const perfect = { ...sweep.original, quality: { ...numbers, loss: 0 } };
    expect(of([at(0.2, 0), at(0.4, 1e-9)], { original: perfect }).amount).toBe(0.2);
  });
});

describe('dataRemark', () => {
  it('says what is measured where that is not accuracy', () => {
    expect(dataRemark(sweep)).toBeNull();
    expect(dataRemark({ ...sweep, on: 'random inputs' })).toContain('No --test data');
    const original = (more: object): SweepReport['original'] => ({
      ...sweep.original,
      quality: { ...quality, ...more },
    });
    expect(dataRemark({ ...sweep, original: original({ accuracy: null, loss: null }) })).toContain('no labels');
    expect(dataRemark({ ...sweep, original: original({ accuracy: null }) })).toContain('mean squared error');
  });
});

describe('rowName', () => {
  it.each([
    [{ name: 'onnx::Conv_9', nodes: ['/a/Conv'], part: null }, '/a/Conv'],
    [{ name: '1234', nodes: ['/a/Conv', '/b/Conv', '/c/Conv'], part: null }, '/a/Conv +2'],
    [{ name: 'a.weight', nodes: ['/a/Conv', '/b/Conv'], part: null }, 'a.weight +1'],
    [{ name: 'onnx::MatMul_9', nodes: ['/q/MatMul'], part: 'heads' }, '/q/MatMul (heads)'],
    [{ name: 'q.weight', nodes: [], part: 'head-dim' }, 'q.weight (inside heads)'],
    [{ name: '1234', nodes: [], part: null }, '1234'],
  ] as const)('names %j by what a user knows', (row, name) => {
    expect(rowName(row)).toBe(name);
  });
});

describe('worthOf', () => {
  it('is what leaves with the largest amount that could be measured', () => {
    const [stem] = sensitivity.rows;
    if (stem === undefined) throw new Error('the sample has a row');
    expect(worthOf(sensitivity, stem)).toEqual({ parameters: 0.5, macs: 0 });
    expect(worthOf(sensitivity, { ...stem, points: [failedPoint(0.5)] })).toBeNull();
    expect(worthOf({ ...sensitivity, of: 'weights' }, { ...stem, size: 1000 })).toEqual({
      ...{ parameters: 0.001, macs: null },
    });
  });
});

describe('dropError', () => {
  it('is that of answers which differ, and not of all', () => {
    const changed = { ...quality, accuracy: 0.96, agreement: 0.97 };
    expect(dropError(sensitivity, changed)).toBeCloseTo(Math.sqrt((0.03 - 0.01 ** 2) / 1000), 12);
    expect(dropError(sensitivity, quality)).toBe(0);
    expect(dropError({ ...sensitivity, answers: null }, changed)).toBeNull();
    expect(dropError({ ...sensitivity, by: 'cosine' }, changed)).toBeNull();
  });

  it('is what drops spread by, where data are drawn again and again', () => {
    // Of 200 questions each model answers its own part wrong at random; drops of 2,000 drawings spread by as much as is told.
    const [drawings, questions] = [2000, 200];
    const fates = normals(drawings * questions, 7);
    // Quantiles of 6% and 10%.
    const lost = fates.map((fate) => (fate < -1.5548 ? 1 : fate < -1.2816 ? -1 : 0));
    const drops = Array.from({ length: drawings }, (_, index) => {
      const own = lost.subarray(index * questions, (index + 1) * questions);
      return own.reduce((sum, each) => sum + each, 0) / questions;
    });
    const mean = drops.reduce((sum, drop) => sum + drop, 0) / drops.length;
    const spread = Math.sqrt(drops.reduce((sum, drop) => sum + (drop - mean) ** 2, 0) / drops.length);
    const told = dropError({ ...sensitivity, answers: 200 }, { ...quality, accuracy: 0.95, agreement: 0.9 });
    expect(Math.abs(spread / (told ?? 0) - 1)).toBeLessThan(0.06);
  });
});

describe('sensitivityAnswer', () => {
  it('names fragile layers and what the recipe comes to', () => {
    expect(sensitivityAnswer(sensitivity)).toEqual([
      '1 of 2 groups of channels bears none of the amounts tried within 1 point of accuracy: stem.weight.',
      'The recipe takes 30.00% of parameters and 0.00% of multiplications away, from 1 of 2: accuracy 96.50% (-0.50 points), which keeps to 1 point of accuracy.',
      'With 1,000 answers, a drop of about the tolerance is known to ±0.59 points (one standard error), more than half of it: more test data tell layers apart better.',
    ]);
  });

  it('says what all bear, which bear most, and that there is nothing', () => {
    const rows = sensitivity.rows.map((row) => ({ ...row, bears: 0.75 }));
    const few = { ...sensitivity, rows, suggestion: null, answers: null };
    expect(sensitivityAnswer(few)).toEqual([
      'Each of 2 groups of channels bears at least 75% alone within 1 point of accuracy.',
    ]);
    const [stem, conv] = rows;
    if (stem === undefined || conv === undefined) throw new Error('the sample has two rows');
    expect(sensitivityAnswer({ ...few, rows: [{ ...stem, bears: 0.25 }, conv] })).toEqual([
      'Each of 2 groups of channels bears at least 25% alone within 1 point of accuracy.',
      '1 of them bears 75%, the most that was tried: layer1.conv1.weight.',
    ]);
    expect(sensitivityAnswer({ ...sensitivity, rows: [] })).toEqual([
      'There is no group of channels that could be pruned; "onnx-prune inspect" says why.',
    ]);
  });

  it('says that a recipe does not hold, or could not be measured', () => {
    const { suggestion } = sensitivity;
    if (suggestion === null) throw new Error('the sample has one');
    const lines = (more: object): string =>
      sensitivityAnswer({ ...sensitivity, suggestion: { ...suggestion, ...more } }).join();
    expect(lines({ holds: false })).toContain('which costs more than 1 point of accuracy');
    expect(lines({ point: failedPoint(0.3) })).toContain('could not be measured');
  });
});
