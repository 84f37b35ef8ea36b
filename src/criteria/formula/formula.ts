import { evaluateSteps } from './evaluate.ts';
import { translate } from './translate.ts';
import type { Variable } from './variables.ts';

/** A criterion that the user wrote: what each weight is worth, from documented variables. */
export interface Formula {
  readonly text: string;
  /** Names of the variables it reads, in order of appearance. */
  readonly variables: readonly string[];
  /**
   * Scores of all elements, rounded to float32; NaN and Infinity as they come.
   * @param variables at least those that it reads, over a tensor of `size` elements
   */
  evaluate(variables: ReadonlyMap<string, Variable>, size: number): Float32Array;
}

/**
 * Reads a formula such as `abs(w) * sqrt(mean_square_in)`: mathjs parses it, and nothing but arithmetic on
 * `FORMULA_VARIABLES` by `FORMULA_FUNCTIONS` gets through. Comparisons are exact and give 1 or 0.
 * @throws OnnxPruneError `bad-option` naming what does not belong into a formula
 */
export async function parseFormula(text: string): Promise<Formula> {
  const program = await translate(text);
  return {
    text,
    variables: program.variables,
    evaluate: (variables, size) => evaluateSteps(program.steps, variables, size),
  };
}

/**
 * Whether a criterion is a formula rather than a name, which is one word: a misspelt name is no formula, and a variable alone is
 * one only in parentheses.
 */
export function looksLikeFormula(text: string): boolean {
  return !/^[\w-]+$/.test(text);
}
