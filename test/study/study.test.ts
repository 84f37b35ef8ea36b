import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type PruneHooks,
  type SensitivityReport,
  type StudyPoint,
  type SweepReport,
  sensitivity,
  sweep,
} from '../../src/index.ts';
import { digits as digitsOf } from '../support/digits.ts';
import { prune } from '../support/shared-runtime.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const SAMPLES = 200;
/** For what does not hang on their number: starting a process takes longer than most points. */
const ALONE = { workers: 1 } as const;

/** A folder with the bundled MLP in it. */
function desk(model = 'mnist-mlp.onnx'): { readonly path: (name: string) => string; readonly model: string } {
  const folder = mkdtempSync(join(tmpdir(), 'study-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  copyFileSync(join(FIXTURES, model), join(folder, model));
  return { path: (name) => join(folder, name), model: join(folder, model) };
}

const digits: PruneHooks = { testData: async () => digitsOf(0, 50, SAMPLES) };

/** All that is the same whenever a study is run. */
function withoutTimes(points: readonly StudyPoint[]): unknown {
  return points.map(({ figures, ...rest }) => ({ ...rest, figures: figures && { ...figures, latency: null } }));
}

function pointsOf(report: SweepReport): readonly StudyPoint[] {
  return report.series.flatMap(({ points }) => points);
}

describe('A sweep', { timeout: 120_000 }, () => {
  const amounts = { structured: '0,50', unstructured: '50,90' } as const;

  it('measures what prune does, whatever the number of processes', async () => {
    const { model, path } = desk();
    const report = await sweep(model, { ...amounts, bench: false, journal: false, workers: 2 }, digits);
    const alone = await sweep(model, { ...amounts, bench: false, journal: false, workers: 1 }, digits);
    expect(withoutTimes(pointsOf(alone))).toEqual(withoutTimes(pointsOf(report)));
    expect(report.series.map(({ name, of, choices }) => ({ name, of, choices }))).toEqual([
      { name: 'channels', of: 'channels', choices: {} },
      { name: 'weights', of: 'weights', choices: {} },
    ]);
    const single = await prune(model, { structured: 0.5, bench: false, output: path('half.onnx') }, digits);
    const accuracy = single.fidelity?.accuracy;
    const half = report.series[0]?.points[1];
    expect(half?.figures?.size).toEqual(single.size.after);
    expect(half?.figures?.quality.accuracy).toBe((accuracy?.hitsB ?? Number.NaN) / SAMPLES);
    expect(half?.figures?.quality.loss).toBe(accuracy?.lossB);
    expect(half?.reached).toBe(0.5);
    expect(report.original.quality).toMatchObject({
      accuracy: (accuracy?.hitsA ?? Number.NaN) / SAMPLES,
      agreement: 1,
      cosine: 1,
    });
    expect(report.original.size).toEqual(single.size.before);
    expect(report.series[0]?.points[0]?.figures?.quality).toEqual(report.original.quality);
    expect(report.series[1]?.points.map(({ reached }) => reached)).toEqual([0.5, 0.9]);
    expect(report.distributions.length).toBe(3);
    expect(report.threads).toBeNull();
    expect(existsSync(`${model}.sweep.jsonl`)).toBe(false);
  });

  it('has a line for each way, and times each point in turn with the original', async () => {
    const { model } = desk();
    const report = await sweep(
      model,
      { ...ALONE, structured: '50', criterion: 'l2,random', journal: false, seed: 3 },
      digits,
    );
    expect(report.series.map(({ name, choices }) => [name, choices])).toEqual([
      ['channels, l2', { criterion: 'l2' }],
      ['channels, random', { criterion: 'random' }],
    ]);
    for (const point of pointsOf(report)) {
      const latency = point.figures?.latency;
      expect(latency?.median).toBeGreaterThan(0);
      expect(latency?.original).toBeGreaterThan(0);
      expect(latency?.p25).toBeLessThanOrEqual(latency?.speedUp ?? 0);
      expect(latency?.significant).toBe((latency?.p25 ?? 0) > 1 || (latency?.p75 ?? 2) < 1);
    }
  });

  it('takes finished points from its journal, and measures only the others', async () => {
    const { model } = desk();
    const first = await sweep(model, { ...ALONE, structured: '50', bench: false }, digits);
    expect(first.resumed).toBe(0);
    const lines = (): number => readFileSync(`${model}.sweep.jsonl`, 'utf8').trimEnd().split('\n').length;
    expect(lines()).toBe(2);
    // Whoever gives what took too long more time gets the rest from the journal.
    const wanted = { ...ALONE, structured: '25,50', unstructured: '90', bench: false, timeout: 300 } as const;
    const second = await sweep(model, wanted, digits);
    expect(second.resumed).toBe(1);
    expect(lines()).toBe(4);
    expect(second.series[0]?.points[1]).toEqual(first.series[0]?.points[0]);
    // Points of other data do not do.
    const random = await sweep(model, { ...ALONE, structured: '50', bench: false });
    expect(random.resumed).toBe(0);
    expect(random.notes.join()).toContain('was put aside as');
    expect(existsSync(`${model}.sweep.jsonl.old`)).toBe(true);
    expect(random.on).toBe('random inputs');
    expect(random.original.quality.accuracy).toBeNull();
  });

  it('goes on where an amount fails by itself, and says why', async () => {
    const { model } = desk();
    // The logarithm of zero is no number that can be ranked.
    const report = await sweep(
      model,
      { ...ALONE, structured: '50', criterion: 'l2,log(w - w)', bench: false, journal: false },
      digits,
    );
    const [good, bad] = report.series;
    expect(good?.points[0]?.figures).not.toBeNull();
    expect(bad?.points[0]).toMatchObject({ figures: null, reached: 0 });
    expect(bad?.points[0]?.problem).toMatch(/\S/);
  });

  it('fails where every amount does, by what the first failed of', async () => {
    const { model } = desk();
    const wanted = { ...ALONE, structured: '30,50', only: ['nowhere*'], bench: false, journal: false } as const;
    await expect(sweep(model, wanted)).rejects.toMatchObject({
      code: 'bad-option',
      message: expect.stringMatching(/^Every run failed: --only "nowhere\*" matches no node/),
    });
  });

  it('refuses before any work what no amount could do', async () => {
    const { model } = desk();
    for (const [options, words] of [
      [{ structured: '100' }, '--structured must be amounts'],
      [{ structured: '50', criterion: 'l9' }, '--criterion'],
      [{ structured: '50', weightScope: 'lamp' }, '--weight-scope is about weights'],
      [{ structured: '50', recover: 'least-squares' }, '--recover'],
      [{ structured: '50', workers: 0 }, '--workers'],
      [{ structured: '50', criterion: ' , ' }, '--criterion must be a name, or several'],
      [{ unstructured: '50', weightScope: '' }, '--weight-scope must be a name, or several'],
    ] as const) {
      await expect(sweep(model, options, digits)).rejects.toThrow(words);
    }
    await expect(sweep(`${model}x`, { structured: '50' }, digits)).rejects.toMatchObject({ code: 'bad-file' });
    expect(readdirSync(join(model, '..'))).toEqual(['mnist-mlp.onnx']);
  });

  it('stops at once when it is aborted, keeps its journal, and leaves nothing else', async () => {
    const { model, path } = desk();
    const folder = path('temporary');
    mkdirSync(folder);
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    const stop = new AbortController();
    const reason = new Error('enough');
    const hooks: PruneHooks = {
      ...digits,
      signal: stop.signal,
      onProgress: ({ step, done }) => {
        if (step === 'sweep' && done === 1) stop.abort(reason);
      },
    };
    const wanted = { structured: '20:80:20', bench: false, workers: 2 } as const;
    await expect(sweep(model, wanted, hooks)).rejects.toBe(reason);
    expect(readdirSync(folder).filter((name) => name.startsWith('onnx-prune-'))).toEqual([]);
    const report = await sweep(model, wanted, digits);
    expect(report.resumed).toBeGreaterThanOrEqual(1);
    expect(report.resumed).toBeLessThan(4);
    expect(pointsOf(report).every(({ problem }) => problem === null)).toBe(true);
  });
});

describe('A study of sensitivity', { timeout: 120_000 }, () => {
  /** What a row of a report says of an amount. */
  const rowOf = ({ rows }: SensitivityReport, name: string) => rows.find((row) => row.name === name);

  it('prunes one group a row and no other', async () => {
    const { model, path } = desk('mnist-cnn.onnx');
    const report = await sensitivity(model, { ...ALONE, structured: '50', journal: false }, digits);
    expect(report.rows.map(({ name }) => name).sort()).toEqual(['0.weight', '4.weight', '9.weight']);
    for (const { name, points, size } of report.rows) {
      const single = await prune(
        model,
        { layers: [{ match: name, amount: 0.5 }], lossless: false, bench: false, output: path('x.onnx'), force: true },
        digits,
      );
      const changed = single.pruning.groups.filter(({ before, after }) => after < before);
      expect(changed.map((group) => group.name)).toEqual([name]);
      expect(changed[0]?.before).toBe(size);
      expect(points[0]?.reached).toBe(0.5);
      expect(points[0]?.figures?.size).toEqual(single.size.after);
      expect(points[0]?.figures?.quality.accuracy).toBe((single.fidelity?.accuracy?.hitsB ?? 0) / SAMPLES);
    }
    expect(report).toMatchObject({ of: 'channels', by: 'accuracy', amounts: [0.5], tolerance: 0.01, suggestion: null });
  });

  it('puts fragile ones first, and counts as borne what all smaller amounts keep to as well', async () => {
    const { model } = desk();
    const report = await sensitivity(
      model,
      { ...ALONE, structured: '25,50,75', tolerance: '2%', journal: false },
      digits,
    );
    const original = report.original.quality.accuracy ?? 0;
    for (const { bears, points } of report.rows) {
      const drops = points.map(({ figures }) => original - (figures?.quality.accuracy ?? 0));
      const broken = drops.findIndex((drop) => drop > 0.02 + 1e-9);
      const expected = broken === -1 ? 0.75 : broken === 0 ? 0 : report.amounts[broken - 1];
      expect(bears).toBe(expected);
    }
    const order = report.rows.map(({ bears }) => bears);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('studies weights one by one, and suggests a recipe that keeps to the tolerance', async () => {
    const { model, path } = desk();
    const wanted = { ...ALONE, unstructured: '50,80', suggest: true, journal: false } as const;
    const report = await sensitivity(model, wanted, digits);
    expect(report.rows.map(({ name }) => name).sort()).toEqual(['1.weight', '3.weight', '5.weight']);
    for (const { points } of report.rows) expect(points.map(({ reached }) => reached)).toEqual([0.5, 0.8]);
    const { suggestion } = report;
    expect(suggestion?.holds).toBe(true);
    const again = await prune(model, { ...suggestion?.recipe, bench: false, output: path('y.onnx') }, digits);
    expect((again.fidelity?.accuracy?.hitsB ?? 0) / SAMPLES).toBe(suggestion?.point.figures?.quality.accuracy);
    expect(rowOf(report, '1.weight')?.nodes.length).toBe(1);
  });

  it('is about layers that were not left out', async () => {
    const { model } = desk();
    const report = await sensitivity(model, { ...ALONE, structured: '50', exclude: ['1.*'], journal: false }, digits);
    expect(report.rows.map(({ name }) => name)).toEqual(['3.weight']);
    await expect(sensitivity(model, { structured: '0' }, digits)).rejects.toThrow('names no amount above 0%');
    await expect(sensitivity(model, { structured: '5', unstructured: '5' }, digits)).rejects.toThrow('run it twice');
  });
});
