import { OnnxPruneError, present } from '../../errors.ts';
import type { Strides } from '../../numeric/slices.ts';
import type { Kernel } from './kernels.ts';
import type { Step } from './program.ts';
import type { Variable } from './variables.ts';

/** Elements computed at a time: the arrays of a formula's steps stay in the inner caches. */
const BLOCK = 4096;

/** A step over a tensor: known without its elements, or computed block by block. */
type Operand = Variable | { readonly kind: 'computed'; readonly kernel: Kernel; readonly args: readonly number[] };

/** Does one step for the `n` elements from `from` on. */
type Task = (from: number, n: number) => void;

const NONE = new Float64Array(0);

/**
 * Runs the steps of a formula over all elements of a tensor and gives the last one's numbers, rounded to float32.
 * What depends on numbers alone is computed once, what depends on one axis once per position, the rest in float64
 * blocks.
 * @throws OnnxPruneError `internal` for a variable that is missing or has another number of elements
 */
export function evaluateSteps(
  steps: readonly Step[],
  variables: ReadonlyMap<string, Variable>,
  size: number,
): Float32Array {
  const operands: Operand[] = [];
  for (const step of steps) operands.push(operandOf(step, operands, variables, size));
  const needed = neededBy(operands);
  const length = Math.min(BLOCK, size);
  const buffers = operands.map((_, place) => (needed.has(place) ? new Float64Array(length) : NONE));
  const tasks = operands.flatMap((operand, place) => (needed.has(place) ? taskOf(operand, place, buffers) : []));
  const scores = new Float32Array(size);
  const last = buffers[buffers.length - 1] ?? NONE;
  for (let from = 0; from < size; from += BLOCK) {
    const n = Math.min(BLOCK, size - from);
    for (const task of tasks) task(from, n);
    for (let i = 0; i < n; i++) scores[from + i] = last[i] as number;
  }
  return scores;
}

function operandOf(
  step: Step,
  operands: readonly Operand[],
  variables: ReadonlyMap<string, Variable>,
  size: number,
): Operand {
  if (step.kind === 'number') return step;
  if (step.kind === 'variable') return checked(step.name, variables.get(step.name), size);
  const { kernel, args } = step;
  const inputs = args.map((place) => present(operands[place], 'an operand of a formula'));
  if (inputs.some(({ kind }) => kind === 'elements' || kind === 'computed')) return { kind: 'computed', kernel, args };
  const [strides, ...others] = inputs.flatMap((input) => (input.kind === 'axis' ? [input.strides] : []));
  if (strides === undefined) return { kind: 'number', value: valuesOver(1, kernel, inputs)[0] as number };
  if (!others.every((other) => isSameAxis(other, strides))) return { kind: 'computed', kernel, args };
  return { kind: 'axis', values: valuesOver(strides.size, kernel, inputs), strides };
}

function checked(name: string, variable: Variable | undefined, size: number): Variable {
  if (variable?.kind === 'number') return variable;
  const count = variable?.kind === 'axis' ? countOf(variable.strides) : variable?.values.length;
  const isWhole = variable?.kind !== 'axis' || variable.values.length === variable.strides.size;
  if (variable !== undefined && count === size && isWhole) return variable;
  throw new OnnxPruneError(
    'internal',
    name,
    `Internal error: variable "${name}" of a formula has ${count ?? 'no'} values for ${size} elements. Please report this with the model.`,
  );
}

function countOf({ outer, size, inner }: Strides): number {
  return outer * size * inner;
}

function isSameAxis(a: Strides, b: Strides): boolean {
  return a.outer === b.outer && a.size === b.size && a.inner === b.inner;
}

/** A kernel's results over the positions of an axis, or for numbers alone. */
function valuesOver(length: number, kernel: Kernel, inputs: readonly Operand[]): Float64Array {
  const out = new Float64Array(length);
  const [a = NONE, b = NONE, c = NONE] = inputs.map((input) => {
    if (input.kind === 'axis') return input.values;
    return new Float64Array(length).fill(input.kind === 'number' ? input.value : Number.NaN);
  });
  kernel(length, out, a, b, c);
  return out;
}

/** The places of the steps that the last one takes blocks from, its own included. */
function neededBy(operands: readonly Operand[]): Set<number> {
  const needed = new Set([operands.length - 1]);
  for (let place = operands.length - 1; place >= 0; place--) {
    const operand = operands[place];
    if (operand?.kind === 'computed' && needed.has(place)) for (const arg of operand.args) needed.add(arg);
  }
  return needed;
}

/** What fills a step's buffer for a block; nothing where it holds the same number in all of them. */
function taskOf(operand: Operand, place: number, buffers: readonly Float64Array[]): Task[] {
  const out = buffers[place] ?? NONE;
  switch (operand.kind) {
    case 'number':
      out.fill(operand.value);
      return [];
    case 'elements': {
      const { values } = operand;
      return [(from, n) => copy(values, from, n, out)];
    }
    case 'axis': {
      const { values, strides } = operand;
      return [(from, n) => expand(values, strides, from, n, out)];
    }
    case 'computed': {
      const [a = NONE, b = NONE, c = NONE] = operand.args.map((arg) => buffers[arg] ?? NONE);
      const { kernel } = operand;
      return [(_, n) => kernel(n, out, a, b, c)];
    }
  }
}

function copy(values: Float32Array | Float64Array, from: number, n: number, out: Float64Array): void {
  for (let i = 0; i < n; i++) out[i] = values[from + i] as number;
}

/** The values at the positions along an axis of the `n` elements from `from` on. */
function expand(values: Float64Array, { size, inner }: Strides, from: number, n: number, out: Float64Array): void {
  let position = Math.floor(from / inner) % size;
  // The last axis, by itself: a loop of one round per element costs more than the element.
  if (inner === 1) {
    for (let i = 0; i < n; ) {
      const end = Math.min(n, i + size - position);
      while (i < end) out[i++] = values[position++] as number;
      position = 0;
    }
    return;
  }
  let end = inner - (from % inner);
  for (let i = 0; i < n; end += inner) {
    const value = values[position] as number;
    for (const stop = Math.min(n, end); i < stop; i++) out[i] = value;
    position = position + 1 === size ? 0 : position + 1;
  }
}
