import { blocksOf, codeOf, type Rounded, type RoundingProblem, rounded } from './grid.ts';
import { chooseScales } from './scales.ts';

/**
 * Each weight becomes the nearest number of its scale; of two as near, the even one. Where no scales are given, those that
 * clip nothing.
 * Source: ONNX operator QuantizeLinear with zero point 0; the quotient is of float64 here. Cost: a pass.
 */
export function roundNearest(problem: RoundingProblem): Rounded {
  const { weights, rows, columns, grid } = problem;
  const scales = problem.scales ?? chooseScales(problem, 'absmax');
  const { least, most, block } = grid;
  const blocks = blocksOf(problem);
  const codes = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let each = 0; each < blocks; each++) {
      const scale = scales[row * blocks + each] as number;
      const from = row * columns + each * Math.min(block, columns);
      const to = Math.min(from + block, (row + 1) * columns);
      for (let i = from; i < to; i++) codes[i] = codeOf((weights[i] as number) / scale, least, most);
    }
  }
  return rounded(problem, codes, scales);
}
