import type { SampleSource } from '../judge/sample-source.ts';
import type { TestData } from '../judge/test-data.ts';
import type { HostTensor, InputSpec } from '../runtime/index.ts';
import { type BatchChoice, calibrationBatches } from './batches.ts';

/** All samples of a source that are used, in memory; see `calibrationBatches`. @throws OnnxPruneError as that does */
export async function materialise(
  source: SampleSource,
  specs: readonly InputSpec[],
  choice: BatchChoice,
): Promise<TestData> {
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
