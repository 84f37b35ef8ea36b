import { describe, expect, test } from 'vitest';
import { messageOf } from '../../src/errors.ts';
import { rules } from '../../src/ops/rules.ts';
import { useCutEqualsMasked } from '../support/cut-equals-masked.ts';
import { labelOf, NOT_GENERATED } from './generated-exceptions.ts';
import { buildNet, netOf, OPSETS, type Problem } from './generated-net.ts';

const cutEqualsMasked = useCutEqualsMasked();

const registered = rules.flatMap(({ domain, opTypes }) => opTypes.map((opType) => labelOf(domain, opType)));

/** A net of little else than one layer, so that a failure names it. */
function problemOf(opset: number, kind: string, choice: number): Problem {
  const [a, b] = [choice >> 3, choice & 7];
  const layers = ['conv', kind].map((each) => ({ kind: each, from: 0, with: 0, a: each === kind ? a : b, b }));
  const head = opset > 9 && choice % 2 === 1 ? 'flatten' : 'conv';
  return { seed: choice, batch: 2, opset, layers, head, aside: false };
}

function operatorsOf(problem: Problem): string[] {
  return (netOf(problem).graph().node ?? []).map(({ domain, opType }) => labelOf(domain ?? '', opType ?? ''));
}

/** Choices of a layer in a row that bring no new operator, before it is taken to have no more. */
const PATIENCE = 8;

const missing = new Set(registered.filter((operator) => NOT_GENERATED[operator] === undefined));
const seen = new Set<string>();
/** Nets that have all of them: the first of each operator. */
const nets = OPSETS.flatMap(({ opset, kinds }) => kinds.flatMap((kind) => firstOfEach(opset, kind)));

function firstOfEach(opset: number, kind: string): Problem[] {
  const found: Problem[] = [];
  for (let choice = 0, fruitless = 0; choice < 64 && fruitless < PATIENCE; choice++) {
    const problem = problemOf(opset, kind, choice);
    const operators = operatorsOf(problem);
    for (const operator of operators) seen.add(operator);
    const isNew = operators.filter((operator) => missing.delete(operator)).length > 0;
    if (isNew) found.push(problem);
    fruitless = isNew ? 0 : fruitless + 1;
  }
  return found;
}

describe('nets made of the rules', () => {
  test('have every operator that has a rule, but for those that NOT_GENERATED excuses', () => {
    expect([...missing]).toEqual([]);
  });

  test('lack what NOT_GENERATED excuses, and all of that has a rule', () => {
    const known = new Set(registered);
    expect(Object.keys(NOT_GENERATED).filter((operator) => seen.has(operator) || !known.has(operator))).toEqual([]);
  });

  test('no operator has two rules', () => {
    expect(registered.filter((operator, i) => registered.indexOf(operator) !== i)).toEqual([]);
  });

  test('cut equals masked in a net of each operator', { timeout: 120_000 }, async () => {
    let pruned = 0;
    for (const [i, problem] of nets.entries()) {
      try {
        const { removed } = await cutEqualsMasked(buildNet(problem), {
          seed: i,
          declared: i % 2 === 0,
          mayBeConstant: true,
        });
        if (removed > 0) pruned++;
      } catch (error) {
        throw new Error(`${messageOf(error)}\ndeclared: ${i % 2 === 0}, net: buildNet(${JSON.stringify(problem)})`, {
          cause: error,
        });
      }
    }
    expect(pruned).toBeGreaterThan(nets.length * 0.7);
  });
});
