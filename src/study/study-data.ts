import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { calibrationBatches } from '../calibrate/batches.ts';
import { OnnxPruneError } from '../errors.ts';
import { type SampleSource, sampleSourceOf } from '../judge/sample-source.ts';
import type { TestData } from '../judge/test-data.ts';
import type { PruneHooks } from '../options/prune-options.ts';
import type { HostTensor, InputSpec } from '../runtime/index.ts';

/** The data of a study in memory, as its processes hand them on. */
export interface StudyData {
  readonly test: TestData | undefined;
  readonly calibration: TestData | undefined;
}

/** More does not fit into one file of this kind. */
const MOST_BYTES = 2 ** 31 - 2 ** 20;

/** Which samples of calibration data are used: see `calibrationBatches`. */
interface Choice {
  readonly samples: number | undefined;
  readonly seed: number;
}

/**
 * Reads all data that a caller offers, calibration data no further than they are used.
 * @throws OnnxPruneError as the caller's hooks and `calibrationBatches` do
 */
export async function readStudyData(
  hooks: PruneHooks,
  specs: readonly InputSpec[],
  place: (name: string) => string,
  choice: Choice,
): Promise<StudyData> {
  const test = await hooks.testData?.(specs);
  const opened = await hooks.calibration?.(specs, { place, onProgress: () => hooks.signal?.throwIfAborted() });
  if (opened === undefined) return { test, calibration: undefined };
  const source = sampleSourceOf(opened);
  try {
    return { test, calibration: await materialise(source, specs, choice) };
  } finally {
    await source.close();
  }
}

async function materialise(source: SampleSource, specs: readonly InputSpec[], choice: Choice): Promise<TestData> {
  const batches = calibrationBatches(source, specs, choice);
  const parts: HostTensor[][] = specs.map(() => []);
  for await (const { feeds } of batches.read()) {
    for (const [index, { name }] of specs.entries()) {
      const tensor = feeds[name];
      if (tensor !== undefined) parts[index]?.push(tensor);
    }
  }
  const feeds = new Map<string, HostTensor>();
  for (const [index, { name }] of specs.entries()) feeds.set(name, joined(parts[index] ?? []));
  return { count: batches.samples, feeds, labels: undefined };
}

/** Tensors one after the other along the first axis. */
function joined(parts: readonly HostTensor[]): HostTensor {
  const [first] = parts;
  if (first === undefined) throw new RangeError('no samples');
  const count = parts.reduce((sum, { dims }) => sum + (dims[0] ?? 0), 0);
  const dims = [count, ...first.dims.slice(1)];
  if (!ArrayBuffer.isView(first.data))
    return { type: first.type, dims, data: parts.flatMap(({ data }) => (ArrayBuffer.isView(data) ? [] : [...data])) };
  const bytes = new Uint8Array(parts.reduce((sum, { data }) => sum + bytesOf(data).byteLength, 0));
  let at = 0;
  for (const { data } of parts) {
    bytes.set(bytesOf(data), at);
    at += bytesOf(data).byteLength;
  }
  return { type: first.type, dims, data: viewLike(first.data, bytes.buffer) };
}

/** An array of the same kind over other memory. */
function viewLike(like: Exclude<HostTensor['data'], readonly string[]>, buffer: ArrayBuffer): HostTensor['data'] {
  if (like instanceof Float32Array) return new Float32Array(buffer);
  if (like instanceof Float64Array) return new Float64Array(buffer);
  if (like instanceof Uint16Array) return new Uint16Array(buffer);
  if (like instanceof Int16Array) return new Int16Array(buffer);
  if (like instanceof Int8Array) return new Int8Array(buffer);
  if (like instanceof Int32Array) return new Int32Array(buffer);
  if (like instanceof Uint32Array) return new Uint32Array(buffer);
  if (like instanceof BigInt64Array) return new BigInt64Array(buffer);
  if (like instanceof BigUint64Array) return new BigUint64Array(buffer);
  return new Uint8Array(buffer);
}

/** Bytes of numbers; words have none of a length that is known. */
function bytesOf(data: HostTensor['data']): Uint8Array {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(0);
}

function tensorsOf({ test, calibration }: StudyData): (readonly [string, HostTensor])[] {
  return [test, calibration].flatMap((data, index) =>
    data === undefined
      ? []
      : [...data.feeds, ...(data.labels === undefined ? [] : [['labels', data.labels] as const])].map(
          ([name, tensor]) => [`${index} ${name}`, tensor] as const,
        ),
  );
}

/** What tells data apart: a digest of all their numbers. */
export function digestOf(data: StudyData): string {
  const hash = createHash('sha256');
  for (const [name, { type, dims, data: elements }] of tensorsOf(data)) {
    hash.update(JSON.stringify([name, type, dims]));
    hash.update(ArrayBuffer.isView(elements) ? bytesOf(elements) : JSON.stringify(elements));
  }
  return hash.digest('hex');
}

/** Writes data to a file for processes of the same program. @throws OnnxPruneError `unsupported` where they are too large */
export function writeStudyData(path: string, data: StudyData): void {
  const bytes = tensorsOf(data).reduce((sum, [, tensor]) => sum + bytesOf(tensor.data).byteLength, 0);
  if (bytes > MOST_BYTES)
    throw new OnnxPruneError(
      'unsupported',
      'data',
      `The data are ${(bytes / 1e9).toFixed(1)} GB in memory, more than the 2.1 GB that processes can hand on; give fewer test samples, or use fewer for calibration with --samples.`,
    );
  writeFileSync(path, serialize(data));
}

/** Reads what `writeStudyData` wrote. */
export function readWrittenData(path: string): StudyData {
  const found: unknown = deserialize(readFileSync(path));
  if (!isStudyData(found)) throw new TypeError(`${path} holds no data of a study`);
  return found;
}

/** Both ends are this program, so the shape of the outermost object is proof enough. */
function isStudyData(found: unknown): found is StudyData {
  return typeof found === 'object' && found !== null && 'test' in found && 'calibration' in found;
}
