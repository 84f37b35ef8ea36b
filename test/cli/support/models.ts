import { endless } from '../../runtime/models.ts';
import { ModelBuilder, type ModelOptions } from '../../support/build.ts';

/** Two convolutions with 16 channels between them: the smallest net that can be pruned. Input `x`, output `y`. */
export function smallNet(
  options: ModelOptions & { readonly channels?: number; readonly batch?: number | string } = {},
): ModelBuilder {
  const { channels = 3, batch = 'N', ...rest } = options;
  const b = new ModelBuilder(rest);
  const x = b.input('x', 'float32', [batch, channels, 8, 8]);
  b.output(addLayers(b, x, 'y'), 'float32', [batch, 4, 8, 8]);
  return b;
}

/** The layers of `smallNet`, made for 3 channels. */
function addLayers(b: ModelBuilder, x: string, output: string): string {
  const same = { pads: [1, 1, 1, 1] };
  const first = b.node('Conv', [x, b.weight('stem.weight', [16, 3, 3, 3]), b.vector('stem.bias', 16)], same, {
    name: 'stem',
  });
  const hidden = b.node('Relu', [first]);
  const last = [hidden, b.weight('head.weight', [4, 16, 3, 3]), b.vector('head.bias', 4)];
  return b.node('Conv', last, same, { name: 'head', outputs: [output] });
}

/** A small net whose output is passed through one more operator. */
export function smallNetThen(opType: string, domain = ''): Uint8Array {
  const b = new ModelBuilder(domain === '' ? {} : { domains: { [domain]: 1 } });
  const inner = addLayers(b, b.input('x', 'float32', ['N', 3, 8, 8]), 'inner');
  b.output(b.node(opType, [inner], {}, { domain, outputs: ['y'] }), 'float32', ['N', 4, 8, 8]);
  return b.bytes();
}

/** A net with random noise between two parts that can be pruned: no two runs of it agree behind the noise. */
export function noisyNet(): Uint8Array {
  const b = new ModelBuilder();
  const inner = addLayers(b, b.input('x', 'float32', ['N', 3, 8, 8]), 'inner');
  const noise = b.node('RandomNormalLike', [inner], {}, { name: 'noise' });
  const noisy = b.node('Add', [inner, noise]);
  const hidden = b.node('Relu', [b.node('Conv', [noisy, b.weight('neck.weight', [16, 4, 1, 1])])]);
  b.output(b.node('Conv', [hidden, b.weight('tail.weight', [4, 16, 1, 1])], {}, { outputs: ['y'] }), 'float32');
  return b.bytes();
}

/** A model that never ends running. */
export const endlessNet: () => Uint8Array = endless;

/** Two nodes that need each other. */
export function cyclic(): Uint8Array {
  const b = new ModelBuilder();
  b.node('Add', [b.input('x', 'float32', ['N', 4]), 'q'], {}, { name: 'first', outputs: ['p'] });
  b.node('Relu', ['p'], {}, { name: 'second', outputs: ['q'] });
  b.output('q', 'float32', ['N', 4]);
  return b.bytes();
}

/** A node that reads a value which nothing makes. */
export function missingValue(name = 'nowhere'): Uint8Array {
  const b = new ModelBuilder();
  b.node('Add', [b.input('x', 'float32', ['N', 4]), name], {}, { name: 'first', outputs: ['y'] });
  b.output('y', 'float32', ['N', 4]);
  return b.bytes();
}

/** Two nodes that make the same value. */
export function definedTwice(): Uint8Array {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N', 4]);
  b.node('Neg', [x], {}, { name: 'first', outputs: ['y'] });
  b.node('Relu', [x], {}, { name: 'second', outputs: ['y'] });
  b.output('y', 'float32', ['N', 4]);
  return b.bytes();
}

/** A model without outputs. */
export function withoutOutputs(): Uint8Array {
  const b = new ModelBuilder();
  b.node('Neg', [b.input('x', 'float32', ['N', 4])]);
  return b.bytes();
}
