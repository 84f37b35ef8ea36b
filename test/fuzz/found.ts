import { readFileSync } from 'node:fs';
import type { Way } from './ways.ts';

/** A model that fuzzing found a fault with. */
export interface Found {
  /** Under `fixtures/`. */
  readonly file: string;
  readonly way: Way;
  /** `done`, or the code of the refusal that is right. */
  readonly outcome: string;
  /** What was wrong, and how the model was made. */
  readonly story: string;
}

/** The bytes of a found model. */
export function foundBytes(file: string): Uint8Array {
  return readFileSync(new URL(`../../fixtures/${file}`, import.meta.url));
}

/** Every model that fuzzing found a fault with, the oldest first. */
export const FOUND: readonly Found[] = [
  {
    file: 'found/gathered-table.onnx',
    way: 'structured',
    outcome: 'done',
    story:
      'A table of int64 indices for GatherElements was ranked as if it were a weight, and refused; a generated net (27700), as it is.',
  },
  {
    file: 'found/constant-size.onnx',
    way: 'structured',
    outcome: 'bad-model',
    story:
      'A Constant node with fewer bytes than its dims need was called an internal error; toConstant and rawData on a dense net.',
  },
  {
    file: 'found/no-groups.onnx',
    way: 'structured',
    outcome: 'runtime-refused',
    story:
      'A convolution in 0 groups, which onnxruntime loads, gave axes of infinite length and a RangeError; numberAttribute on a generated net (62411).',
  },
  {
    file: 'found/endless-input.onnx',
    way: 'structured',
    outcome: 'runtime-refused',
    story:
      'An input of 2147483647 rows made the child give a bare RangeError when data were made up; setField on depthwise-separable.',
  },
  {
    file: 'found/old-branches.onnx',
    way: 'structured',
    outcome: 'done',
    story:
      'Up to IR version 3, Constant nodes of branches became initializers of a body, which has no inputs for them, and onnxruntime refused the result; intoBody on ir3.',
  },
  {
    file: 'found/false-declaration.onnx',
    way: 'structured',
    outcome: 'done',
    story:
      'A value that is declared with a shape of another rank, which onnxruntime passes over, was folded into a wrong shape; wrongInfo on a generated net (5010).',
  },
  {
    file: 'structural/tied-weights.onnx',
    way: 'static',
    outcome: 'done',
    story:
      'An embedding that one Gemm reads by rows and another by columns got one scale per row for both, and a bias of the wrong length; as it is, with calibration data.',
  },
  {
    file: 'found/false-ends.onnx',
    way: 'weights4',
    outcome: 'done',
    story:
      'The end of a branch that is declared with other lengths was mended in part, so that the runtime took it for true and made too little room; rows on if-subgraph.',
  },
  {
    file: 'found/broken-branch.onnx',
    way: 'structured',
    outcome: 'runtime-refused',
    story:
      'A branch that onnxruntime cannot run was taken with the data of the proof alone, and called a bug of ours; duplicateElement on a generated net (5247).',
  },
  {
    file: 'found/false-output.onnx',
    way: 'static',
    outcome: 'done',
    story:
      'An output that is declared with another length than it has, which onnxruntime passes over, was given a bias of that length; graft on a dense net.',
  },
  {
    file: 'found/infinite-weight.onnx',
    way: 'structured',
    outcome: 'done',
    story:
      'A mask that multiplies made NaN of an infinite number where the cut model has none, which was called a bug of ours; strangeNumber on a generated net (61911).',
  },
];
