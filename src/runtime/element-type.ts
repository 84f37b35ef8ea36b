import { DataType } from '../onnx/enums.ts';

const RENAMED: Readonly<Record<string, string>> = { FLOAT: 'float32', DOUBLE: 'float64' };

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(DataType).map(([name, code]) => [code, RENAMED[name] ?? name.toLowerCase()]),
);

/**
 * An ONNX element type (a number of `DataType`) as onnxruntime calls it, or in lower case where its JavaScript has no
 * name for it.
 */
export function typeName(dataType: number | undefined): string {
  return NAMES.get(dataType ?? DataType.UNDEFINED) ?? `type ${dataType}`;
}
