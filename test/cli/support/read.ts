import { readFileSync } from 'node:fs';
import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;

/** What is found in parsed JSON at the end of a path of keys. @throws Error where there is no such path */
export function at(json: unknown, ...path: readonly (string | number)[]): unknown {
  let value = json;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
      throw new Error(`no ${path.join('.')} in it: "${key}" is missing`);
    }
    value = Reflect.get(value, key);
  }
  return value;
}

/** A number in parsed JSON. */
export function numberAt(json: unknown, ...path: readonly (string | number)[]): number {
  const value = at(json, ...path);
  if (typeof value !== 'number') throw new Error(`${path.join('.')} is no number, but ${JSON.stringify(value)}`);
  return value;
}

/** The items of an array in parsed JSON. */
export function itemsAt(json: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const value = at(json, ...path);
  if (!Array.isArray(value)) throw new Error(`${path.join('.')} is no array, but ${JSON.stringify(value)}`);
  return value;
}

/** Parsed JSON, of which nothing is known yet. */
export function parse(text: string | Buffer): unknown {
  return JSON.parse(String(text));
}

/** The dims of every initializer of a model file, by onnx-proto's decoder. */
export function weightDims(path: string): Record<string, readonly number[]> {
  const model = onnx.ModelProto.decode(readFileSync(path));
  const tensors = model.graph?.initializer ?? [];
  return Object.fromEntries(tensors.map(({ name, dims }) => [name ?? '', (dims ?? []).map(Number)]));
}

/** Whether text has ANSI escapes in it. */
export function hasEscapes(text: string): boolean {
  return text.includes('\u001b');
}
