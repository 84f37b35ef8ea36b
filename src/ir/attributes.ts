import type { AttributeProto } from '../onnx/messages.ts';
import type { Node } from './node.ts';
import { Tensor } from './tensor.ts';

const TYPE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;
const UTF8 = new TextDecoder();
const TO_UTF8 = new TextEncoder();

/** An integer attribute, or the fallback where the node leaves it out. */
export function int<T extends number | undefined>(node: Node, name: string, fallback: T): number | T {
  const value = node.attributes.get(name)?.proto.i;
  return value === undefined || value === null ? fallback : Number(value);
}

/** A list of integers, or undefined where the node leaves it out. */
export function ints(node: Node, name: string): number[] | undefined {
  return node.attributes.get(name)?.proto.ints?.map(Number);
}

/** A float attribute, or the fallback where the node leaves it out. */
export function float<T extends number | undefined>(node: Node, name: string, fallback: T): number | T {
  return node.attributes.get(name)?.proto.f ?? fallback;
}

/** A string attribute, or the fallback where the node leaves it out. */
export function string<T extends string | undefined>(node: Node, name: string, fallback: T): string | T {
  const bytes = node.attributes.get(name)?.proto.s;
  return bytes ? UTF8.decode(bytes) : fallback;
}

/** A tensor attribute, or undefined where the node leaves it out. */
export function tensor(node: Node, name: string): Tensor | undefined {
  const proto = node.attributes.get(name)?.proto.t;
  return proto ? new Tensor(proto, node.graph.scope.directory) : undefined;
}

/** A new integer attribute. */
export function intAttribute(name: string, value: number): AttributeProto {
  return { name, type: TYPE.int, i: value };
}

/** A new float attribute. */
export function floatAttribute(name: string, value: number): AttributeProto {
  return { name, type: TYPE.float, f: value };
}

/** A new string attribute. */
export function stringAttribute(name: string, value: string): AttributeProto {
  return { name, type: TYPE.string, s: TO_UTF8.encode(value) };
}

/** A new attribute of floats. */
export function floatsAttribute(name: string, values: readonly number[]): AttributeProto {
  return { name, type: TYPE.floats, floats: [...values] };
}

/** A new attribute of integers. */
export function intsAttribute(name: string, values: readonly number[]): AttributeProto {
  return { name, type: TYPE.ints, ints: [...values] };
}
