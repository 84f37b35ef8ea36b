import { describe, expect, it } from 'vitest';
import type { HostTensor, InputSpec, PruneHooks } from '../../src/index.ts';
import { checkHooks } from '../../src/options/check-hooks.ts';
import { refusalBy } from './refusal.ts';

/** Hooks as a program without types may give them. */
function hooksOf(text: Readonly<Record<string, unknown>> | null): PruneHooks {
  return JSON.parse(JSON.stringify(text));
}

const INPUTS: readonly InputSpec[] = [{ name: 'x', type: 'float32', dims: ['N', 3] }];

function tensor(dims: readonly number[], type: HostTensor['type'] = 'float32'): HostTensor {
  return { type, dims, data: new Float32Array(dims.reduce((size, dim) => size * dim, 1)) };
}

describe('hooks', () => {
  it.each([
    [{ onprogress: 1 }, 'There is no hook "onprogress"; did you mean "onProgress"?'],
    [{ onProgress: 3 }, 'The hook onProgress must be a function such as ({ step, done, total }) => …, but is 3.'],
    [{ signal: 'x' }, 'The hook signal must be an AbortSignal, such as that of an AbortController, but is "x".'],
    [{ testData: 'test.npz' }, /testData must be a function .* but is "test\.npz"/],
    [{ calibration: {} }, /calibration must be a function .* but is \{\}/],
    [null, /must be an object, but is null/],
  ])('of %j are refused', (hooks, message) => {
    expect(refusalBy(() => checkHooks(hooksOf(hooks))).message).toMatch(message);
  });

  it('that are right come back as they are', async () => {
    const signal = AbortSignal.timeout(1000);
    const data = { count: 2, feeds: new Map([['x', tensor([2, 3])]]), labels: tensor([2]) };
    const hooks = checkHooks({ signal, testData: async () => data });
    expect(hooks.signal).toBe(signal);
    expect(await hooks.testData?.(INPUTS)).toBe(data);
    expect(hooks.calibration).toBeUndefined();
  });

  const feeds = new Map([['x', tensor([2, 3])]]);

  it.each([
    ['no count', { feeds }, 'count, a whole number of at least 1 samples, but that is undefined'],
    [
      'a plain object',
      { count: 2, feeds: { x: 1 } },
      'a Map from the names of inputs to tensors, but that is an object with x',
    ],
    [
      'another length',
      { count: 7, feeds },
      'the 7 samples that count says along its first axis, but its dims are [2, 3]',
    ],
    [
      'another name',
      { count: 2, feeds: new Map([['y', tensor([2, 3])]]) },
      'feeds "x" of float32[N, 3], as the model takes it, but there is only ["y"]',
    ],
    ['another shape', { count: 2, feeds: new Map([['x', tensor([2, 4])]]) }, 'but it is float32[2, 4]'],
    ['another type', { count: 2, feeds: new Map([['x', tensor([2, 3], 'int32')]]) }, 'but it is int32[2, 3]'],
    [
      'plain labels',
      { count: 2, feeds, labels: [0, 1] },
      'labels, a tensor { type, dims, data }, but that is Array(2)',
    ],
    ['nothing', undefined, 'an object { count, feeds, labels }, but that is undefined'],
  ])('that give %s are refused when they are asked', async (_what, data, message) => {
    const give = Reflect.get({ give: async () => data }, 'give');
    for (const hook of ['testData', 'calibration'] as const) {
      const asked = checkHooks({ [hook]: give })[hook]?.(INPUTS, { place: String, onProgress: () => undefined });
      await expect(asked).rejects.toMatchObject({ code: 'bad-data', subject: hook });
      await expect(asked).rejects.toThrow(message);
    }
  });
});
