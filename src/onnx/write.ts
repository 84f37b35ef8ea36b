import { basename, dirname, join } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { tensorsOf } from './all-tensors.ts';
import { encodeModelParts, partsLength } from './codec.ts';
import { externalizableBytes, externalize } from './externalize.ts';
import { type ByteProgress, gzipParts } from './gzip.ts';
import { DataLocation, type ModelProto } from './messages.ts';
import { replaceFiles } from './replace-files.ts';
import { replacePair } from './replace-pair.ts';
import { type Bytes, piecesOf } from './stored-bytes.ts';
import { maxMessageBytes } from './wire.ts';

/** Kept free for nodes and names: models with more raw data than the rest cannot be sure to fit into one message. */
const reservedBytes = 2 ** 27;

/** How a model is written. */
export interface WriteOptions {
  /**
   * Put initializers above 1 KiB into `<file name>.data` beside the model. Default false; models too big for one
   * protobuf message (2 GiB) are written so in any case.
   */
  readonly externalData?: boolean | undefined;
  /** Compress the file with gzip, level 6. Default false; not together with external data. */
  readonly gzip?: boolean | undefined;
  /** Hears how much has been compressed, where `gzip` is set. */
  readonly onProgress?: ByteProgress | undefined;
  /** The file is a copy for this run alone, in the folder for temporary files, and need not outlive a power cut. Default false. */
  readonly temporary?: boolean | undefined;
  /** Aborting stops the writing, as long as nothing is in place. */
  readonly signal?: AbortSignal | undefined;
}

/** The content of the files of a model, before compression. */
export interface ModelParts {
  /** The model file, one part after the other. */
  readonly model: readonly Bytes[];
  /** The data file beside it; absent where all data is in the model file. */
  readonly data?: readonly Bytes[];
  /** Size of both together. */
  readonly bytes: number;
}

/**
 * What {@link writeModelFile} would write, without writing it. The parts share the memory of the model's raw data, and what is in files
 * stays there.
 *
 * @param fileName name of the model file without its folder; the data file is named after it
 * @throws OnnxPruneError as `encodeModelParts` and `externalize` do; `unsupported` where the model is to be compressed
 *   but its weights are, or have to be, in another file
 */
export function modelParts(model: ModelProto, fileName: string, options: WriteOptions = {}): ModelParts {
  if (options.gzip === true) checkCompressible(model, fileName, options);
  if (options.externalData !== true && externalizableBytes(model) <= maxMessageBytes - reservedBytes) {
    const parts = encodeModelParts(model);
    return { model: parts, bytes: partsLength(parts) };
  }
  const { model: shell, data } = externalize(model, dataFileName(fileName));
  const parts = encodeModelParts(shell);
  // Without tensors above the limit there is nothing to put into a second file.
  return data.length === 0
    ? { model: parts, bytes: partsLength(parts) }
    : { model: parts, data, bytes: partsLength(parts) + partsLength(data) };
}

/**
 * Writes an ONNX file, replacing what is there. It is written beside its place and renamed, so that `path` never holds
 * half a model, and never one with the data of another: see `replacePair`. The given model is not changed. A
 * compressed file is written while it is compressed, in another thread; the same model gives the same bytes anywhere.
 *
 * @returns `bytes` written, external data included, and `modelBytes` before compression
 * @throws OnnxPruneError `bad-file` where the folder is missing or not writable, the path is a directory or the device
 *   is full, and nothing is left behind then; `unsupported` as `encodeModelParts` does; the signal's reason where aborted
 */
export async function writeModelFile(
  path: string,
  model: ModelProto,
  options: WriteOptions = {},
): Promise<{ bytes: number; modelBytes: number }> {
  const fileName = basename(path);
  const parts = modelParts(model, fileName, options);
  const { temporary, signal } = options;
  const how = { temporary, signal, wayOut: 'free some space there, or name an output on another disk with -o' };
  if (options.gzip === true) {
    let bytes = 0;
    const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const part of gzipParts(parts.model, options.onProgress)) {
        bytes += part.length;
        yield part;
      }
    };
    await replaceFiles([{ path, parts: counted() }], how);
    return { bytes, modelBytes: parts.bytes };
  }
  if (parts.data === undefined) {
    await replaceFiles([{ path, parts: piecesOf(parts.model), bytes: parts.bytes }], how);
  } else {
    const modelNaming = (location: string): Iterable<Uint8Array> =>
      piecesOf(encodeModelParts(externalize(model, location).model));
    const modelFile = { path, parts: piecesOf(parts.model), bytes: partsLength(parts.model) };
    const dataFile = { path: dataPathOf(path), parts: piecesOf(parts.data), bytes: partsLength(parts.data) };
    await replacePair({ model: modelFile, data: dataFile, modelNaming }, how);
  }
  return { bytes: parts.bytes, modelBytes: parts.bytes };
}

/** Where the data of a model file goes that keeps its initializers outside. */
export function dataPathOf(path: string): string {
  return join(dirname(path), dataFileName(basename(path)));
}

function dataFileName(fileName: string): string {
  return `${fileName}.data`;
}

function checkCompressible(model: ModelProto, fileName: string, { externalData }: WriteOptions): void {
  const refuse = (what: string): OnnxPruneError =>
    new OnnxPruneError('unsupported', fileName, `${fileName} cannot be compressed: ${what}; write it without gzip.`);
  if (externalData === true)
    throw refuse('its weights go into a data file of their own, which would stay as large as it is');
  for (const tensor of tensorsOf(model)) {
    if (tensor.dataLocation === DataLocation.EXTERNAL)
      throw refuse(`tensor "${tensor.name ?? ''}" has its data in another file, which no copy elsewhere would find`);
  }
  if (externalizableBytes(model) > maxMessageBytes - reservedBytes)
    throw refuse('with more than 2 GiB of weights it needs a data file beside it');
}
