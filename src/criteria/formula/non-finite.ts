import { OnnxPruneError } from '../../errors.ts';
import type { Formula } from './formula.ts';
import { type Variable, valueAt } from './variables.ts';

/** The index of the first score that is NaN or infinite. */
export function firstNonFinite(scores: Float32Array): number | undefined {
  for (let i = 0; i < scores.length; i++) {
    // NaN differs from itself, and the difference of an infinity to itself is NaN.
    const score = scores[i] as number;
    if (score - score !== 0) return i;
  }
  return undefined;
}

/**
 * Says why a score of a formula cannot be ranked: the tensor, the element, the result, what the variables are there,
 * and the way out.
 * @param index of the element, as `firstNonFinite` gives it
 * @param where the tensor's name
 */
export function explainNonFinite(
  formula: Formula,
  variables: ReadonlyMap<string, Variable>,
  index: number,
  where: string,
): OnnxPruneError {
  const there = new Map<string, number>();
  for (const name of formula.variables) {
    const variable = variables.get(name);
    if (variable !== undefined) there.set(name, valueAt(variable, index));
  }
  const numbers = new Map([...there].map(([name, value]): [string, Variable] => [name, { kind: 'number', value }]));
  const score = formula.evaluate(numbers, 1)[0] as number;
  const values = [...there].map(([name, value]) => `${name} = ${value}`).join(', ');
  const at = values === '' ? '' : `, where ${values}`;
  return new OnnxPruneError(
    'bad-option',
    where,
    `Formula "${formula.text}" gives ${score} for element ${index} of "${where}"${at}; ${wayOut(formula.text, there, score, where)}.`,
  );
}

function wayOut(text: string, there: ReadonlyMap<string, number>, score: number, where: string): string {
  const broken = [...there].find(([, value]) => !Number.isFinite(value));
  if (broken !== undefined) {
    const [name] = broken;
    return `${name} itself is not finite there, so repair the model or the data, or leave "${where}" out with --exclude`;
  }
  if (/\blog(2|10)?\s*\(/.test(text)) return 'use log1p(abs(w)), or add a little, such as in log(abs(w) + 1e-12)';
  if (text.includes('/')) return 'add a little to what it divides by, such as 1e-12';
  if (Number.isNaN(score)) return 'take abs(…) of what may be negative under a root, a logarithm or a power';
  return 'scale it down: scores are float32 numbers, at most 3.4e38';
}
