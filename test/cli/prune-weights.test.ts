import { describe, expect, it } from 'vitest';
import { FORMULA_FUNCTIONS, FORMULA_VARIABLES } from '../../src/formula-help.ts';
import {
  allZeros,
  countWeights,
  countZeros,
  expectedZeros,
  groupsAlong,
  layerWeights,
} from '../pipeline/slow-sparsity.ts';
import { MIXED, mixedNet } from '../support/weight-nets.ts';
import { floatArray, npz } from './support/arrays.ts';
import { Desk } from './support/desk.ts';
import { at, itemsAt, numberAt } from './support/read.ts';
import { reportOf } from './support/reports.ts';

const QUICK = ['--no-bench', '--no-verify', '--no-lossless', '--json', '-o', 'small.onnx'];

function deskWithModel(): Desk {
  const desk = new Desk();
  desk.write('m.onnx', mixedNet({ grid: 0.5 }).bytes());
  desk.write('data.npz', npz({ x: floatArray(5, 4, 6, 6) }));
  return desk;
}

/** The names of the tensors in which weights became zero. */
const zeroedIn = (report: unknown): string[] =>
  itemsAt(report, 'weights', 'layers')
    .filter((layer) => numberAt(layer, 'zerosAfter') > numberAt(layer, 'zerosBefore'))
    .map((layer) => String(at(layer, 'initializer')));

describe('--unstructured', { timeout: 60_000 }, () => {
  it.each([
    ['uniform', false],
    ['global', true],
  ])('makes the smallest weights zero, --scope %s', async (scope, together) => {
    const desk = deskWithModel();
    const report = await reportOf(desk, 'm.onnx', '--unstructured', '60%', '--scope', scope, ...QUICK);
    const [before, after] = [layerWeights(desk.path('m.onnx')), layerWeights(desk.path('small.onnx'))];
    expect(allZeros(after)).toEqual(expectedZeros(before, 0.6, together));
    expect(at(report, 'weights')).toMatchObject({ weights: countWeights(after), zeros: countZeros(after) });
    expect(at(report, 'options')).toMatchObject({ unstructured: 0.6, scope, weightCriterion: 'magnitude' });
  });

  it('shares the amount out by layer-adaptive magnitude under --scope lamp', async () => {
    const desk = deskWithModel();
    const report = await reportOf(desk, 'm.onnx', '--unstructured', '60%', '--scope', 'lamp', ...QUICK);
    const after = layerWeights(desk.path('small.onnx'));
    expect(countZeros(after)).toBe(Math.round(0.6 * countWeights(after)));
    expect(new Set(itemsAt(report, 'weights', 'layers').map((layer) => at(layer, 'sparsity'))).size).toBe(4);
  });

  it('comes in the steps of a schedule to the same end', async () => {
    const desk = deskWithModel();
    const schedule = ['--schedule', 'polynomial', '--steps', '5', '--initial', '20%'];
    const report = await reportOf(desk, 'm.onnx', '--unstructured', '80%', ...schedule, ...QUICK);
    const gradual = desk.read('small.onnx');
    expect(itemsAt(report, 'weights', 'steps').map((step) => Number(step).toFixed(4))).toEqual([
      '0.4928',
      '0.6704',
      '0.7616',
      '0.7952',
      '0.8000',
    ]);
    expect(at(report, 'options')).toMatchObject({ schedule: 'polynomial', steps: 5, initial: 0.2 });
    await reportOf(desk, 'm.onnx', '--unstructured', '80%', ...QUICK, '--force');
    expect(desk.read('small.onnx').equals(gradual)).toBe(true);
  });

  it('shows its table, and how sparse each tensor is', async () => {
    const desk = deskWithModel();
    const { code, stdout } = await desk.run('m.onnx', '--unstructured', '90%', '--no-bench', '--no-lossless');
    expect(code).toBe(0);
    expect(stdout).toMatch(/made [\d,]+ of 640 weights zero \(90\.00% are\) in 4 tensors/);
    expect(stdout).toMatch(/conv\.weight +8×4×3×3 +288 +\d+\.\d+% +89\.93%\n/);
    expect(stdout).toContain('576 of 640 weights are zero: 90.00%');
    expect(stdout).toMatch(/non-zero +/);
    expect(stdout).toMatch(/it is a bias \(--include takes it\): conv\.bias, gemm\.bias, plain\.bias/);
  });
});

describe('--threshold', { timeout: 60_000 }, () => {
  it('makes all smaller weights zero, and none that is as large', async () => {
    const desk = deskWithModel();
    await reportOf(desk, 'm.onnx', '--threshold', '1', ...QUICK);
    const below = [...layerWeights(desk.path('m.onnx'))].map(([name, { floats }]) => [
      name,
      Array.from(floats, (value) => Math.abs(value) < 1),
    ]);
    expect(allZeros(layerWeights(desk.path('small.onnx')))).toEqual(Object.fromEntries(below));
  });
});

describe('--pattern', { timeout: 60_000 }, () => {
  it('leaves no more than 2 of every 4 weights along the axis that Conv, Gemm and MatMul sum over', async () => {
    const desk = deskWithModel();
    await reportOf(desk, 'm.onnx', '--pattern', '2:4', ...QUICK);
    const after = layerWeights(desk.path('small.onnx'));
    expect([...after.keys()]).toEqual(Object.keys(MIXED));
    for (const [name, weight] of after) {
      const groups = groupsAlong(weight, MIXED[name]?.summed ?? -1, 4);
      const filled = groups.map((group) => group.filter((i) => weight.floats[i] !== 0).length);
      expect({ name, most: Math.max(...filled) }).toEqual({ name, most: 2 });
    }
  });
});

describe('the tensors that take part', { timeout: 60_000 }, () => {
  it.each([
    [
      ['--exclude', 'gemm'],
      ['conv.weight', 'plain.weight', 'matmul.weight'],
    ],
    [
      ['--only', 'matmul', '--only', '*conv*'],
      ['conv.weight', 'matmul.weight'],
    ],
    [
      ['--only', 'gemm.*', '--include', 'gemm.bias'],
      ['gemm.weight', 'gemm.bias'],
    ],
  ])('are chosen by %j', async (args, expected) => {
    const report = await reportOf(deskWithModel(), 'm.onnx', '--unstructured', '70%', ...args, ...QUICK);
    expect(zeroedIn(report)).toEqual(expected);
  });
});

describe('--criterion', { timeout: 60_000 }, () => {
  const zerosBy = async (desk: Desk, ...args: readonly string[]): Promise<Record<string, boolean[]>> => {
    await reportOf(desk, 'm.onnx', '--unstructured', '60%', ...args, ...QUICK, '--force');
    return allZeros(layerWeights(desk.path('small.onnx')));
  };

  it('random draws anew for another --seed, and the same again for the same', async () => {
    const desk = deskWithModel();
    const draw = (seed: string): ReturnType<typeof zerosBy> => zerosBy(desk, '--criterion', 'random', '--seed', seed);
    const first = await draw('1');
    expect(await draw('1')).toEqual(first);
    expect(await draw('2')).not.toEqual(first);
  });

  it('takes a formula, of which abs(w) is the magnitude', async () => {
    const desk = deskWithModel();
    const magnitude = await zerosBy(desk);
    expect(await zerosBy(desk, '--criterion', 'abs(w)')).toEqual(magnitude);
    expect(await zerosBy(desk, '--criterion', 'w^2 + 0')).toEqual(magnitude);
    expect(await zerosBy(desk, '--criterion', 'abs(w) * row_norm')).not.toEqual(magnitude);
  });

  it('takes a formula that reads statistics of --calibration', async () => {
    const desk = deskWithModel();
    const formula = 'abs(w) * sqrt(mean_square_in)';
    const report = await reportOf(
      desk,
      'm.onnx',
      '--unstructured',
      '60%',
      '--criterion',
      formula,
      '--calibration',
      'data.npz',
      ...QUICK,
    );
    expect(at(report, 'weights', 'criterion')).toBe(formula);
    expect(Object.keys(Object(at(report, 'seconds')))).toContain('calibrate');
    expect(allZeros(layerWeights(desk.path('small.onnx')))).not.toEqual(await zerosBy(desk));
  });

  it('takes calibration data with labels, which it leaves alone', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-mlp.onnx', 'mnist-test.npz');
    const formula = ['--criterion', 'abs(w) * mean_square_in', '--calibration', 'mnist-test.npz'];
    const report = await reportOf(desk, model, '--unstructured', '60%', ...formula, ...QUICK);
    expect(numberAt(report, 'weights', 'sparsity')).toBeCloseTo(0.6, 4);
  });
});

describe('--structured with --unstructured', { timeout: 60_000 }, () => {
  it('removes channels first, and the amount of weights is of what stays', async () => {
    const desk = deskWithModel();
    const args = ['--structured', '25%', '--unstructured', '50%', '--align', 'none'];
    const report = await reportOf(desk, 'm.onnx', ...args, ...QUICK);
    const after = layerWeights(desk.path('small.onnx'));
    expect(Object.fromEntries([...after].map(([name, { dims }]) => [name, dims]))).toEqual({
      'conv.weight': [6, 4, 3, 3],
      'gemm.weight': [9, 6],
      'plain.weight': [9, 12],
      'matmul.weight': [12, 4],
    });
    expect(at(report, 'weights')).toMatchObject({ weights: 426, zeros: countZeros(after), sparsity: 0.5 });
    const { stdout } = await desk.run('m.onnx', ...args, '--no-bench');
    expect(stdout.indexOf('Channels')).toBeGreaterThan(0);
    expect(stdout.indexOf('Weights')).toBeGreaterThan(stdout.indexOf('Channels'));
  });
});

describe('help', { timeout: 30_000 }, () => {
  it('names every option about weights, and what formulas may read and call, in 80 columns', async () => {
    const { stdout } = await new Desk().run('prune', '--help');
    const [options = ''] = stdout.split('Examples:');
    const words =
      '--unstructured --threshold --pattern --include --schedule --steps --initial --lossless --no-lossless --sparse-format --no-sparse-format --fp16-storage --gzip --calibration --samples --batch lamp magnitude';
    for (const word of [...words.split(' '), ...Object.keys(FORMULA_VARIABLES), ...FORMULA_FUNCTIONS])
      expect(options).toMatch(new RegExp(`(^|[\\s,])${word}([\\s,.:;)]|$)`, 'm'));
    for (const line of options.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});
