import { type Attributes, ModelBuilder, type ModelOptions } from '../support/build.ts';

/** What a small net around the operators under test looks like. */
export interface NetOptions extends ModelOptions {
  /** Channels that the first layer makes; default 8. */
  readonly channels?: number;
  /** Channels that the last layer reads; default as many as the first makes. */
  readonly read?: number;
  /** Side of the image, or length of the sequence; default 6. */
  readonly size?: number;
  /** Length of the batch axis; default the symbol N. */
  readonly batch?: number | string;
}

/** Part of a net: adds nodes that read a value and gives the value they end in. */
export type Middle = (b: ModelBuilder, x: string) => string;

/**
 * image [N, 3, size, size] → Conv "first" → the operators under test → 1×1 Conv "last" → y. The channels that "first"
 * makes can leave unless something in between holds them.
 */
export function imageNet(middle: Middle, options: NetOptions = {}): ModelBuilder {
  const { channels = 8, read = channels, size = 6, batch = 'N' } = options;
  const b = new ModelBuilder(options);
  const x = b.input('image', 'float32', [batch, 3, size, size]);
  const made = b.node('Conv', [x, b.weight('first', [channels, 3, 3, 3]), b.vector('first_bias', channels)], {
    pads: [1, 1, 1, 1],
  });
  const y = middle(b, made);
  b.output(b.node('Conv', [y, b.weight('last', [4, read, 1, 1]), b.vector('last_bias', 4)]), 'float32');
  return b;
}

/**
 * rows [N, 5] → Gemm "first" → the operators under test → MatMul "last" over the last axis → y. `read` features reach
 * "last".
 */
export function featureNet(middle: Middle, options: NetOptions = {}): ModelBuilder {
  const { channels = 8, read = channels } = options;
  const b = new ModelBuilder(options);
  const x = b.input('rows', 'float32', ['N', 5]);
  const made = b.node('Gemm', [x, b.weight('first', [channels, 5]), b.vector('first_bias', channels)], { transB: 1 });
  b.output(b.node('MatMul', [middle(b, made), b.weight('last', [read, 4], { fanIn: read })]), 'float32');
  return b;
}

/** tokens [N, size, 5] → MatMul "first" → the operators under test → MatMul "last" over the last axis → y. */
export function tokenNet(middle: Middle, options: NetOptions = {}): ModelBuilder {
  const { channels = 8, read = channels, size = 6 } = options;
  const b = new ModelBuilder(options);
  const x = b.input('tokens', 'float32', ['N', size, 5]);
  const made = b.node('MatMul', [x, b.weight('first', [5, channels], { fanIn: 5 })]);
  b.output(b.node('MatMul', [middle(b, made), b.weight('last', [read, 4], { fanIn: read })]), 'float32');
  return b;
}

/** One operator with attributes and further inputs. */
export function op(
  opType: string,
  attributes: Attributes = {},
  others: (b: ModelBuilder) => readonly string[] = () => [],
): Middle {
  return (b, x) => b.node(opType, [x, ...others(b)], attributes);
}

/** One part after another. */
export function chain(...parts: readonly Middle[]): Middle {
  return (b, x) => parts.reduce((value, part) => part(b, value), x);
}

let made = 0;

/** A constant list of int64, under a name of its own. */
export function integers(
  b: ModelBuilder,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): string {
  made += 1;
  return b.constant(`integers_${made}`, 'int64', dims, values);
}
