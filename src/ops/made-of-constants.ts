import type { Value } from '../ir/value.ts';

/** The initializer that a value is, or that operators of one input (Cast, Transpose) make it of; undefined for what is computed. */
export function sourceOfConstant(value: Value): Value | undefined {
  let source: Value | undefined = value;
  while (source !== undefined && source.tensor === undefined) {
    const { producer }: Value = source;
    source = producer?.inputs.length === 1 ? producer.inputs[0] : undefined;
  }
  return source;
}
