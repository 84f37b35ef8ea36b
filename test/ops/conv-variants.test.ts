import type { Attributes, ModelBuilder } from '../support/build.ts';
import { type Case, found, testCases } from './cases.ts';
import { imageNet, type Middle } from './nets.ts';

interface Deform {
  readonly group?: number;
  readonly offsets?: number;
  readonly made?: number;
  readonly masked?: boolean;
  readonly biased?: boolean;
}

/** A deformable convolution of what "first" makes, at places that a layer makes of it, of which a part may be masked. */
const deform =
  ({ group = 1, offsets = 1, made = 6, masked = true, biased = true }: Deform): Middle =>
  (b, x) => {
    const pads = [1, 1, 1, 1];
    const places = b.node('Conv', [x, b.weight('places', [offsets * 18, 8, 3, 3], { std: 0.02 })], { pads });
    const mask = b.node('Conv', [x, b.weight('mask', [offsets * 9, 8, 3, 3])], { pads });
    const inputs = [x, b.weight('deformed', [made, 8 / group, 3, 3]), places];
    if (biased || masked) inputs.push(biased ? b.vector('bias', made) : '');
    if (masked) inputs.push(b.node('Sigmoid', [mask]));
    return b.node('DeformConv', inputs, { group, offset_group: offsets, pads, kernel_shape: [3, 3] });
  };

const deformed = (options: Deform, ...groups: readonly string[]): Case =>
  found(imageNet(deform(options), { opset: 19, irVersion: 9, read: options.made ?? 6 }), ...groups);

testCases('DeformConv', {
  plain: deformed({}, 'first 8', 'deformed 6'),
  'without mask': deformed({ masked: false }, 'first 8', 'deformed 6'),
  'without bias': deformed({ biased: false }, 'first 8', 'deformed 6'),
  'without either': deformed({ masked: false, biased: false }, 'first 8', 'deformed 6'),
  'in groups': deformed({ group: 2 }, 'first 4', 'deformed 3'),
  depthwise: deformed({ group: 8, made: 8 }, 'first 8'),
  'with places for each half of the channels': deformed({ offsets: 2 }, 'first 4', 'deformed 6'),
  'in groups with places of their own': deformed({ group: 2, offsets: 2 }, 'first 4', 'deformed 3'),
  'in opset 22': found(imageNet(deform({}), { opset: 22, irVersion: 10, read: 6 }), 'first 8', 'deformed 6'),
});

const contrib = { domains: { 'com.microsoft': 1 } };

const fused =
  (attributes: Attributes, others: (b: ModelBuilder, x: string) => readonly string[] = () => [], group = 1): Middle =>
  (b, x) =>
    b.node(
      'FusedConv',
      [x, b.weight('second', [8, 8 / group, 1, 1]), b.vector('bias', 8), ...others(b, x)],
      { activation: 'Relu', group, ...attributes },
      { domain: 'com.microsoft' },
    );

testCases('FusedConv', {
  'with an activation': found(imageNet(fused({}), contrib), 'first 8', 'second 8'),
  'that adds what it reads': found(
    imageNet(
      fused({}, (_, x) => [x]),
      contrib,
    ),
    'first 8',
  ),
  'that adds what another layer makes': found(
    imageNet(
      fused({}, (b, x) => [b.node('Conv', [x, b.weight('third', [8, 8, 1, 1])])]),
      contrib,
    ),
    'first 8',
    'third 8',
  ),
  'in groups, with parameters of the activation': found(
    imageNet(
      fused({ activation: 'LeakyRelu', activation_params: { floats: [0.2] } }, () => [], 2),
      contrib,
    ),
    'first 4',
    'second 4',
  ),
});
