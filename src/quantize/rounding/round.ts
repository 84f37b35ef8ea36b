import { columnSweep, roundGptq } from './gptq.ts';
import { checkRounding, type Rounded, type RoundingProblem } from './grid.ts';
import { roundNearest } from './nearest.ts';
import { fitRows } from './overflow.ts';
import { chooseScales, type ScaleChoice } from './scales.ts';

/** How weights become integers: each the nearest, or each taking over what those before it left behind. */
export type RoundingMethod = 'nearest' | 'gptq';

/** How scales are chosen, and what for. */
export interface RoundingOptions {
  /** Has no effect where the problem gives its scales. */
  readonly scales: ScaleChoice;
  /** Whether no sum may saturate on processors without VNNI, which costs rows with two large weights up to a bit. */
  readonly portable: boolean;
}

/**
 * Rounds the weights of a layer to integers with scales, see {@link roundNearest}, {@link roundGptq} and {@link fitRows}.
 * @throws RangeError where arrays do not have the sizes that are said, or the grid is not one of 8 bits
 */
export function roundWeights(problem: RoundingProblem, method: RoundingMethod, options: RoundingOptions): Rounded {
  checkRounding(problem);
  const { moment, columns } = problem;
  // Made once, although rows that do not fit are rounded again: it costs more than they do.
  const sweep = method === 'gptq' && moment !== undefined ? columnSweep(moment, columns) : undefined;
  const round = (some: RoundingProblem): Rounded => {
    const scaled = { ...some, scales: some.scales ?? chooseScales(some, options.scales) };
    return method === 'gptq' ? roundGptq(scaled, sweep) : roundNearest(scaled);
  };
  return options.portable ? fitRows(problem, round) : round(problem);
}
