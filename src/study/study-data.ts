import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { OnnxPruneError } from '../errors.ts';
import { fileFault } from '../onnx/file-fault.ts';
import { wayOutOf } from '../onnx/staged-file.ts';
import type { RunData } from '../read-data.ts';
import type { HostTensor } from '../runtime/index.ts';

/** More does not fit into one file of this kind. */
const MOST_BYTES = 2 ** 31 - 2 ** 20;

/** Bytes of numbers; words have none of a length that is known. */
function bytesOf(data: HostTensor['data']): Uint8Array {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(0);
}

function tensorsOf({ test, calibration }: RunData): (readonly [string, HostTensor])[] {
  return [test, calibration].flatMap((data, index) =>
    data === undefined
      ? []
      : [...data.feeds, ...(data.labels === undefined ? [] : [['labels', data.labels] as const])].map(
          ([name, tensor]) => [`${index} ${name}`, tensor] as const,
        ),
  );
}

/** What tells data apart: a digest of all their numbers. */
export function digestOf(data: RunData): string {
  const hash = createHash('sha256');
  for (const [name, { type, dims, data: elements }] of tensorsOf(data)) {
    hash.update(JSON.stringify([name, type, dims]));
    hash.update(ArrayBuffer.isView(elements) ? bytesOf(elements) : JSON.stringify(elements));
  }
  return hash.digest('hex');
}

/**
 * Writes data to a file for processes of the same program.
 * @throws OnnxPruneError `unsupported` where they are too large, `bad-file` where they cannot be written
 */
export function writeStudyData(path: string, data: RunData): void {
  const bytes = tensorsOf(data).reduce((sum, [, tensor]) => sum + bytesOf(tensor.data).byteLength, 0);
  if (bytes > MOST_BYTES)
    throw new OnnxPruneError(
      'unsupported',
      'data',
      `The data are ${(bytes / 1e9).toFixed(1)} GB in memory, more than the 2.1 GB that processes can hand on; give fewer test samples, or use fewer for calibration with --samples.`,
    );
  try {
    writeFileSync(path, serialize(data));
  } catch (error) {
    throw fileFault('write', path, error, wayOutOf({ temporary: true }));
  }
}

/** Reads what `writeStudyData` wrote. */
export function readWrittenData(path: string): RunData {
  const found: unknown = deserialize(readFileSync(path));
  if (!isStudyData(found)) throw new TypeError(`${path} holds no data of a study`);
  return found;
}

/** Both ends are this program, so the shape of the outermost object is proof enough. */
function isStudyData(found: unknown): found is RunData {
  return typeof found === 'object' && found !== null && 'test' in found && 'calibration' in found;
}
