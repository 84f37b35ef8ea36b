import { basename } from 'node:path';
import { initializersIn } from './ir/node.ts';
import type { GzipMeasure } from './judge/gzip-size.ts';
import { measureSize } from './judge/size.ts';
import type { LoadedModel } from './load.ts';
import { encodeModelParts, partsLength } from './onnx/codec.ts';
import type { ModelProto } from './onnx/messages.ts';
import type { Bytes } from './onnx/stored-bytes.ts';
import { modelParts } from './onnx/write.ts';
import type { ModelSize } from './report/report.ts';

/** The size of the model that was read, with its external data, before any compression. */
export function measureOriginal({ model, modelBytes }: LoadedModel, gzip: GzipMeasure): Promise<ModelSize> {
  const external = initializersIn(model.graph).flatMap(({ tensor }) => (tensor?.isExternal ? [tensor.data()] : []));
  const parts = [...encodeModelParts(model.proto), ...external];
  return measureSize(model.graph, parts, modelBytes + partsLength(external), gzip);
}

/** The bytes of the files that a result is written to, before any compression. */
export function resultParts(result: ModelProto, output: string, externalData: boolean): Bytes[] {
  const { model: parts, data = [] } = modelParts(result, basename(output), { externalData });
  return [...parts, ...data];
}
