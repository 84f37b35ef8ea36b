import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckFailed, OnnxPruneError, type Progress, prune, type TestData } from '../../src/index.ts';
import { noisyNet, smallNet } from '../cli/support/models.ts';
import { endless } from '../runtime/models.ts';
import { digits } from '../support/digits.ts';
import { fixture, freshFolder } from './folder.ts';

const patient = { timeout: 60_000 };

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail('it should have failed'),
    (error: unknown) => error,
  );
}

describe('prune as a function', patient, () => {
  it('gives the report of what it wrote', async () => {
    const folder = freshFolder();
    const output = folder.path('small.onnx');
    const report = await prune(folder.write('m.onnx', smallNet().bytes()), { structured: 0.5, output, bench: false });
    expect(report.output).toEqual({ path: output });
    expect(report.pruning.removedChannels).toBe(8);
    expect(report.proof?.passed).toBe(true);
    expect(report.fidelity?.on).toBe('random inputs');
    expect(report.latency).toBeNull();
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({ schemaVersion: 1, output: { path: output } });
  });

  it('takes options as a program has them and as the command line does', async () => {
    const folder = freshFolder();
    const input = folder.write('m.onnx', smallNet().bytes());
    const quick = { bench: false, verify: false, dryRun: true };
    const [first, second] = [
      await prune(input, { structured: 0.5, align: 4, seed: 3, maxRatio: 0.25, ...quick }),
      await prune(input, { structured: '50%', align: '4', seed: '3', maxRatio: '25%', ...quick }),
    ];
    expect(second.options).toEqual(first.options);
    expect(second.pruning).toEqual(first.pruning);
  });

  it('refuses an option that it does not know, and guesses which was meant', async () => {
    const misspelt = { structured: 0.5, critereon: 'l1' };
    const error = await failureOf(prune('m.onnx', misspelt));
    expect(error).toBeInstanceOf(OnnxPruneError);
    expect(error).toMatchObject({
      code: 'bad-option',
      subject: 'critereon',
      message: 'There is no option "critereon"; did you mean "criterion"?',
    });
  });

  it('tells its steps', async () => {
    const folder = freshFolder();
    const steps: string[] = [];
    const input = folder.write('m.onnx', smallNet().bytes());
    await prune(input, { structured: 0.5 }, { onProgress: ({ step }) => steps.push(step) });
    const wanted = ['read', 'prune', 'find inputs', 'prove', 'compare', 'benchmark', 'write'];
    // Steps that know how far they are tell it several times.
    const begun = steps.filter((step, index) => step !== steps[index - 1]);
    expect(begun.filter((step) => wanted.includes(step))).toEqual(wanted);
  });

  it('stops when its signal aborts, with the reason that was given', async () => {
    const folder = freshFolder();
    const abort = new AbortController();
    const reason = new Error('changed my mind');
    const error = await failureOf(
      prune(
        folder.write('endless.onnx', endless()),
        { structured: 0.5 },
        {
          signal: abort.signal,
          onProgress: ({ step }) => {
            if (step === 'find inputs') setTimeout(() => abort.abort(reason), 100);
          },
        },
      ),
    );
    expect(error).toBe(reason);
    expect(existsSync(folder.path('endless.pruned.onnx'))).toBe(false);
  });

  it('hears its signal between the groups that it ranks, each of which may take seconds', async () => {
    const abort = new AbortController();
    const told: Progress[] = [];
    const onProgress = (progress: Progress): void => {
      told.push(progress);
      if (progress.step === 'rank channels' && progress.done === 1) setImmediate(() => abort.abort('enough'));
    };
    const calibration = async (): Promise<TestData> => digits(0, 100, 32);
    const options = { structured: 0.5, dryRun: true };
    await expect(
      prune(fixture('mnist-cnn.onnx'), options, { signal: abort.signal, onProgress, calibration }),
    ).rejects.toBe('enough');
    const ranked = told.filter(({ step }) => step === 'rank channels').map(({ done }) => done);
    expect(ranked).toEqual([undefined, 1]);
    expect(told.at(-1)?.total).toBe(3);
  });

  it('does not begin when its signal has aborted before', async () => {
    const folder = freshFolder();
    const error = await failureOf(
      prune(folder.write('m.onnx', smallNet().bytes()), { structured: 0.5 }, { signal: AbortSignal.abort('no') }),
    );
    expect(error).toBe('no');
  });

  it('gives the report of a failed check along with the error', async () => {
    const folder = freshFolder();
    const error = await failureOf(prune(folder.write('n.onnx', noisyNet()), { structured: 0.5, bench: false }));
    expect(error).toBeInstanceOf(CheckFailed);
    if (!(error instanceof CheckFailed)) return;
    expect(error.code).toBe('check-failed');
    expect(error.report.proof?.passed).toBe(false);
    expect(error.report.output).toBeNull();
    expect(existsSync(folder.path('n.pruned.onnx'))).toBe(false);
  });

  it('fails under requireChange where nothing can leave, and carries the report', async () => {
    const input = fixture('structural/nothing-to-prune.onnx');
    const error = await failureOf(prune(input, { structured: 0.5, dryRun: true, bench: false, requireChange: true }));
    expect(error).toBeInstanceOf(CheckFailed);
  });
});

describe('the input', patient, () => {
  const temporaries: string[] = [];
  beforeAll(() => temporaries.push(...readdirSync(fixture('structural'))));
  afterAll(() => expect(readdirSync(fixture('structural'))).toEqual(temporaries));

  it('has nothing written beside it on a dry run', async () => {
    const report = await prune(fixture('structural/residual.onnx'), { structured: 0.5, dryRun: true, bench: false });
    expect(report.output).toBeNull();
    expect(report.proof?.passed).toBe(true);
  });
});
