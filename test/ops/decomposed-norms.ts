import type { Attributes, GraphBuilder } from '../support/build.ts';

/** How the parts of a norm are written; every part has several spellings among exporters. */
export interface NormForm {
  /** Where the mean is taken; default the last axis. */
  readonly axes?: readonly number[];
  /** `Pow` with an exponent of this type, or `Mul` of a value by itself; default a float exponent. */
  readonly square?: 'float' | 'int64' | 'int32' | 'list' | 'Mul';
  /** Division by the root, or multiplication by its inverse, by Reciprocal or by Div; default Div. */
  readonly divide?: 'Div' | 'Reciprocal' | 'inverse';
  /** Axes as an input instead of an attribute. */
  readonly input?: boolean;
  readonly keepdims?: 0 | 1;
  readonly epsilon?: number;
}

let made = 0;

function number(b: GraphBuilder, value: number): string {
  made += 1;
  return b.constant(`number_${made}`, b.elementType, [], [value]);
}

function meanOf(b: GraphBuilder, x: string, { axes = [-1], input = false, keepdims = 1 }: NormForm): string {
  made += 1;
  const attributes: Attributes = { keepdims };
  if (!input) return b.node('ReduceMean', [x], { ...attributes, axes });
  return b.node('ReduceMean', [x, b.constant(`axes_${made}`, 'int64', [axes.length], axes)], attributes);
}

function squareOf(b: GraphBuilder, x: string, { square = 'float' }: NormForm): string {
  made += 1;
  if (square === 'Mul') return b.node('Mul', [x, x]);
  const type = square === 'float' || square === 'list' ? b.elementType : square;
  return b.node('Pow', [x, b.constant(`two_${made}`, type, square === 'list' ? [1] : [], [2])]);
}

function divided(b: GraphBuilder, x: string, variance: string, { divide = 'Div', epsilon = 1e-5 }: NormForm): string {
  const root = b.node('Sqrt', [b.node('Add', [variance, number(b, epsilon)])]);
  if (divide === 'Div') return b.node('Div', [x, root]);
  const inverse = divide === 'Reciprocal' ? b.node('Reciprocal', [root]) : b.node('Div', [number(b, 1), root]);
  return b.node('Mul', [x, inverse]);
}

/** x / √(mean(x²) + ε) in single steps. */
export function rmsNorm(b: GraphBuilder, x: string, form: NormForm = {}): string {
  return divided(b, x, meanOf(b, squareOf(b, x, form), form), form);
}

/** (x − mean(x)) / √(mean((x − mean(x))²) + ε) in single steps. */
export function layerNorm(b: GraphBuilder, x: string, form: NormForm = {}): string {
  const centred = b.node('Sub', [x, meanOf(b, x, form)]);
  return divided(b, centred, meanOf(b, squareOf(b, centred, form), form), form);
}
