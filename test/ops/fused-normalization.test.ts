import type { Attributes, ModelBuilder } from '../support/build.ts';
import { fused, MICROSOFT } from './attention-nets.ts';
import { type Case, found, held, testCases } from './cases.ts';
import { tokenNet } from './nets.ts';

const scaleAndShift = (b: ModelBuilder): [string, string] => [b.vector('scale', 8, { mean: 1 }), b.vector('shift', 8)];

const skip = (middle: (b: ModelBuilder, x: string) => string): Case =>
  held(tokenNet(middle, MICROSOFT), /SkipLayerNormalization mixes its channels/);

testCases('SkipLayerNormalization mixes channels', {
  plain: skip((b, x) => fused(b, 'SkipLayerNormalization', [x, b.node('Tanh', [x]), ...scaleAndShift(b)])),
  'without shift': skip((b, x) =>
    fused(b, 'SkipLayerNormalization', [x, b.node('Tanh', [x]), b.vector('scale', 8, { mean: 1 })]),
  ),
  'with a bias': skip((b, x) =>
    fused(b, 'SkipLayerNormalization', [x, b.node('Tanh', [x]), ...scaleAndShift(b), b.vector('bias', 8)]),
  ),
  'with a skip for all samples': skip((b, x) =>
    fused(b, 'SkipLayerNormalization', [x, b.weight('places', [6, 8]), ...scaleAndShift(b)]),
  ),
  'with the sum given out': skip((b, x) => {
    const inputs = [x, b.node('Tanh', [x]), ...scaleAndShift(b)];
    b.nodes('SkipLayerNormalization', inputs, 4, {}, { domain: 'com.microsoft', outputs: ['y', '', '', 'sum'] });
    return b.node('Add', ['y', 'sum']);
  }),
});

interface EmbedForm {
  readonly segments?: boolean;
  readonly mask?: boolean;
  readonly positions?: boolean;
  readonly sum?: boolean;
  readonly attributes?: Attributes;
}

/** Ids of words → EmbedLayerNormalization → "up" and "down" of 6. */
function embed({ segments = false, mask = false, positions = false, sum = false, attributes = {} }: EmbedForm): Case {
  const b = tokenNet(
    (b, x) => {
      const ids = (name: string): string => b.input(name, 'int32', [2, 6]);
      const inputs = [
        ids('words'),
        segments ? ids('segments') : '',
        b.weight('word', [9, 8]),
        b.weight('place', [6, 8]),
        segments ? b.weight('segment', [2, 8]) : '',
        ...scaleAndShift(b),
        mask ? b.constant('mask', 'int32', [2, 6], Array<number>(12).fill(1)) : '',
        positions ? ids('positions') : '',
      ];
      const outputs = ['y', 'lengths', ...(sum ? ['sum'] : [])];
      b.nodes('EmbedLayerNormalization', inputs, outputs.length, attributes, { domain: 'com.microsoft', outputs });
      const up = b.node('MatMul', [sum ? b.node('Add', ['y', 'sum']) : 'y', b.weight('up', [8, 6], { fanIn: 8 })]);
      const down = b.node('MatMul', [b.node('Relu', [up]), b.weight('down', [6, 8], { fanIn: 6 })]);
      return b.node('Add', [x, down]);
    },
    { ...MICROSOFT, batch: 2 },
  );
  return {
    ...found(b, 'first 8', 'up 6'),
    refusals: { word: /EmbedLayerNormalization mixes its channels/, place: /EmbedLayerNormalization mixes/ },
  };
}

testCases('EmbedLayerNormalization mixes channels', {
  'of words and positions': embed({}),
  'of segments as well': embed({ segments: true }),
  'with a mask': embed({ mask: true }),
  'with positions of its own': embed({ positions: true, segments: true }),
  'with the sum given out': embed({ sum: true }),
  'with an epsilon': embed({ attributes: { epsilon: { float: 0.1 } } }),
});
