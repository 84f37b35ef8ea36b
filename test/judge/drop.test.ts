import { describe, expect, it } from 'vitest';
import { dropOf } from '../../src/judge/drop.ts';
import type { OutputComparison } from '../../src/runtime/index.ts';

const output: OutputComparison = {
  name: 'scores',
  type: 'float32',
  dims: [10, 5],
  count: 500,
  problem: undefined,
  identical: false,
  mismatches: 500,
  constant: false,
  cosine: 0.9,
  relativeL2: 0.3,
  maxAbsError: 2,
  maxAbsReference: 9,
  argmaxAgreement: 0.99,
  nonFinite: { a: 0, b: 0, agree: true },
};
const accuracy = {
  output: 'scores',
  total: 300,
  hitsA: 200,
  hitsB: 197,
  top5A: null,
  top5B: null,
  lossA: 0.1,
  lossB: 0.1,
};

describe('a drop', () => {
  it('is of right answers where there are labels', () => {
    const drop = dropOf({ outputs: [output], accuracy }, true);
    expect(drop).toEqual({ by: 'accuracy', output: 'scores', value: 0.01, total: 300 });
    expect(dropOf({ outputs: [], accuracy: { ...accuracy, hitsB: 203 } }, true).value).toBe(-0.01);
  });

  it('is of answers like the original without labels, to the last digit, on the first output with classes', () => {
    const lone = { ...output, name: 'boxes', argmaxAgreement: undefined };
    const drop = dropOf({ outputs: [lone, output, { ...output, argmaxAgreement: 0 }], accuracy: null }, false);
    expect(drop).toEqual({ by: 'agreement', output: 'scores', value: 0.01, total: 100 });
  });

  it.each([
    [null, 'these fit no output: class scores have the shape of the labels and a further, last axis of the classes'],
    [{ ...accuracy, total: 0 }, 'all of these are negative, which labels nothing'],
  ])('is refused for labels that say nothing: %j', (found, why) => {
    expect(() => dropOf({ outputs: [output], accuracy: found }, true)).toThrow(
      `--max-drop goes by labels where the data have any, and ${why}; mend the labels, or leave them out.`,
    );
  });

  it('is refused for labels that are no classes', () => {
    const regression = { output: 'price', total: 3, mseA: 1, mseB: 2 };
    expect(() => dropOf({ outputs: [output], accuracy: null, regression }, true)).toThrow(
      '--max-drop counts right answers, and the labels are numbers that output "price" should have, of which none is right or wrong; hold the result to --max-error or --min-cosine instead.',
    );
  });

  it('is refused where no output has classes', () => {
    const outputs = [{ ...output, argmaxAgreement: undefined }];
    expect(() => dropOf({ outputs, accuracy: null }, false)).toThrow(
      /no output has numbers of more than one class there/,
    );
  });
});
