import { pinAll } from './coupling.ts';
import type { OpRule } from './rule.ts';

/** Operators through which no position can be followed, and what a person is told of them. */
function opaque(opTypes: readonly string[], reasonOf: (opType: string) => string, domain = ''): OpRule {
  return { domain, opTypes, couple: (node) => pinAll(node, reasonOf(node.opType)) };
}

const places = (opType: string): string => `${opType} gives out places in it`;
const compares = (opType: string): string => `${opType} compares all of it with one another`;
const made = (opType: string): string => `${opType} makes it out of a length`;
const random = (opType: string): string => `${opType} draws random numbers, which fall otherwise for another length`;
const listed = (opType: string): string => `${opType} keeps it in a list of tensors, which is not followed`;
const optional = (opType: string): string => `${opType} keeps it as an optional value, which is not followed`;
const text = (opType: string): string => `${opType} works on text`;
const loss = (opType: string): string => `${opType} measures it against classes`;

export const opaqueRules: readonly OpRule[] = [
  opaque(['NonZero'], places),
  opaque(['NonMaxSuppression', 'Unique'], compares),
  opaque(['Unique', 'NGramRepeatBlock', 'DynamicTimeWarping'], compares, 'com.microsoft'),
  opaque(['MaxUnpool'], () => 'MaxUnpool puts elements in places that count across channels'),
  opaque(['AffineGrid'], () => 'AffineGrid makes places in an image out of it'),
  opaque(['STFT'], () => 'STFT cuts a signal into frames along it'),
  opaque(
    [
      'Range',
      'EyeLike',
      'BlackmanWindow',
      'HammingWindow',
      'HannWindow',
      'MelWeightMatrix',
      'RandomNormal',
      'RandomUniform',
    ],
    made,
  ),
  opaque(['Range'], made, 'com.microsoft'),
  opaque(['RandomNormalLike', 'RandomUniformLike', 'Bernoulli', 'Multinomial'], random),
  opaque(
    [
      'SequenceConstruct',
      'SequenceEmpty',
      'SequenceInsert',
      'SequenceErase',
      'SequenceAt',
      'SequenceLength',
      'SequenceMap',
      'SplitToSequence',
      'ConcatFromSequence',
    ],
    listed,
  ),
  opaque(['Optional', 'OptionalHasElement'], optional),
  opaque(['StringConcat', 'StringNormalizer', 'StringSplit', 'RegexFullMatch', 'TfIdfVectorizer'], text),
  opaque(['ImageDecoder'], () => 'ImageDecoder reads it out of a file'),
  opaque(['NegativeLogLikelihoodLoss', 'SoftmaxCrossEntropyLoss'], loss),
];
