import { OnnxPruneError } from '../errors.ts';
import type { SampleSource } from '../judge/sample-source.ts';
import type { TestData } from '../judge/test-data.ts';
import type { InputSpec } from '../runtime/index.ts';
import { HOOK_KEYS, rejectUnknownKeys } from './parse.ts';
import type { PruneHooks } from './prune-options.ts';
import { valueText } from './value-text.ts';

/**
 * Checks what a caller hooks in: a hook that is misspelt would be silent, and one that is no function would fail in the midst of the work.
 * @returns hooks whose data are checked, too, when they come
 * @throws OnnxPruneError `bad-option` naming the hook; `bad-data`, later, for data that are none
 */
export function checkHooks(hooks: PruneHooks): PruneHooks {
  rejectUnknownKeys(hooks, HOOK_KEYS, 'hook');
  const { signal, onProgress, testData, calibration } = hooks;
  checkFunction('onProgress', onProgress, '({ step, done, total }) => …');
  checkFunction('testData', testData, 'async (inputs) => ({ count, feeds, labels })');
  checkFunction('calibration', calibration, 'async (inputs) => ({ count, feeds, labels })');
  checkSignal(signal);
  return {
    signal,
    onProgress,
    testData: testData && (async (inputs) => checkTestData('testData', await testData(inputs), inputs)),
    calibration: calibration && (async (inputs, room) => checkSource(await calibration(inputs, room), inputs)),
  };
}

/** @throws OnnxPruneError `bad-option` for what is no AbortSignal; one of another realm, or of another library, will do */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (isRecord(signal) && typeof signal['aborted'] === 'boolean' && typeof signal['addEventListener'] === 'function')
    return;
  refuseHook('signal', signal, 'an AbortSignal, such as that of an AbortController');
}

/** @throws OnnxPruneError `bad-option` for anything but a function */
export function checkFunction(hook: string, found: unknown, example: string): void {
  if (found !== undefined && typeof found !== 'function') refuseHook(hook, found, `a function such as ${example}`);
}

function refuseHook(hook: string, found: unknown, expected: string): never {
  throw new OnnxPruneError('bad-option', hook, `The hook ${hook} must be ${expected}, but is ${valueText(found)}.`);
}

function checkSource(found: SampleSource | TestData, inputs: readonly InputSpec[]): SampleSource | TestData {
  if (!isRecord(found) || 'feeds' in found || !('batch' in found)) return checkTestData('calibration', found, inputs);
  checkCount('calibration', found.count);
  for (const name of ['batch', 'close'] as const) {
    if (typeof found[name] !== 'function')
      refuseData('calibration', `a source with the functions batch and close`, `${name} is ${valueText(found[name])}`);
  }
  return found;
}

function checkTestData<T extends SampleSource | TestData>(hook: string, found: T, inputs: readonly InputSpec[]): T {
  if (!isRecord(found)) refuseData(hook, 'an object { count, feeds, labels }', unlike(found));
  const { count, feeds, labels } = found;
  checkCount(hook, count);
  if (!(feeds instanceof Map)) refuseData(hook, 'feeds, a Map from the names of inputs to tensors', unlike(feeds));
  for (const [name, tensor] of feeds) checkTensor(hook, `feeds "${name}"`, tensor, count);
  for (const { name, type, dims } of inputs) {
    const tensor = feeds.get(name);
    const wanted = `feeds "${name}" of ${type}[${dims.map((dim) => dim ?? '?').join(', ')}], as the model takes it`;
    if (tensor === undefined) refuseData(hook, wanted, `there is only ${valueText([...feeds.keys()])}`);
    // Along the first axis are all the samples, whatever the model takes at a time.
    const fits =
      dims.length === 0 ||
      (dims.length === tensor.dims.length &&
        dims.every((dim, axis) => axis === 0 || typeof dim !== 'number' || dim === tensor.dims[axis]));
    if (type !== tensor.type || !fits) refuseData(hook, wanted, `it is ${tensor.type}[${tensor.dims.join(', ')}]`);
  }
  if (labels !== undefined) checkTensor(hook, 'labels', labels, count);
  return found;
}

function checkCount(hook: string, count: unknown): void {
  if (!Number.isSafeInteger(count) || Number(count) < 1)
    refuseData(hook, 'count, a whole number of at least 1 samples', unlike(count));
}

function checkTensor(hook: string, what: string, tensor: unknown, count: number): void {
  if (
    !isRecord(tensor) ||
    typeof tensor['type'] !== 'string' ||
    !Array.isArray(tensor['dims']) ||
    !hasLength(tensor['data'])
  )
    refuseData(hook, `${what}, a tensor { type, dims, data }`, unlike(tensor));
  const dims: readonly unknown[] = tensor['dims'];
  if (dims[0] !== count)
    refuseData(
      hook,
      `${what} with the ${count} samples that count says along its first axis`,
      `its dims are [${dims.join(', ')}]`,
    );
}

function hasLength(data: unknown): boolean {
  return Array.isArray(data) || (ArrayBuffer.isView(data) && !(data instanceof DataView));
}

function isRecord(found: unknown): found is Readonly<Record<string, unknown>> {
  return typeof found === 'object' && found !== null;
}

/** What was given instead; of data, which may be large, no more than their kind. */
function unlike(found: unknown): string {
  if (Array.isArray(found) || ArrayBuffer.isView(found))
    return `that is ${found.constructor.name}(${'length' in found ? found.length : ''})`;
  if (isRecord(found)) return `that is an object with ${Object.keys(found).slice(0, 8).join(', ') || 'nothing in it'}`;
  return `that is ${valueText(found)}`;
}

function refuseData(hook: string, expected: string, found: string): never {
  throw new OnnxPruneError('bad-data', hook, `The hook ${hook} must give ${expected}, but ${found}.`);
}
