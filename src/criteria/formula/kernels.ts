/**
 * Fills the first `n` places of `out` from those of the operands, which are other arrays. Each kernel has a loop of its
 * own: a loop that calls what it is given pays for a call per weight.
 */
export type Kernel = (n: number, out: Float64Array, a: Float64Array, b: Float64Array, c: Float64Array) => void;

type Kernels = Readonly<Record<string, Kernel>>;

/** Functions of one number. */
const FUNCTIONS_OF_ONE: Kernels = {
  abs: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.abs(a[i] as number);
  },
  sqrt: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.sqrt(a[i] as number);
  },
  cbrt: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.cbrt(a[i] as number);
  },
  square: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) * (a[i] as number);
  },
  cube: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) * (a[i] as number) * (a[i] as number);
  },
  exp: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.exp(a[i] as number);
  },
  expm1: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.expm1(a[i] as number);
  },
  log: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.log(a[i] as number);
  },
  log2: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.log2(a[i] as number);
  },
  log10: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.log10(a[i] as number);
  },
  log1p: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.log1p(a[i] as number);
  },
  sign: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.sign(a[i] as number);
  },
  floor: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.floor(a[i] as number);
  },
  ceil: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.ceil(a[i] as number);
  },
  round: (n, out, a) => {
    // Halves away from zero, as mathjs rounds them.
    for (let i = 0; i < n; i++) out[i] = Math.sign(a[i] as number) * Math.round(Math.abs(a[i] as number));
  },
  sin: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.sin(a[i] as number);
  },
  cos: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.cos(a[i] as number);
  },
  tan: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.tan(a[i] as number);
  },
  atan: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.atan(a[i] as number);
  },
  tanh: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = Math.tanh(a[i] as number);
  },
};

/** Functions of two numbers. */
const FUNCTIONS_OF_TWO: Kernels = {
  min: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = Math.min(a[i] as number, b[i] as number);
  },
  max: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = Math.max(a[i] as number, b[i] as number);
  },
  pow: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) ** (b[i] as number);
  },
};

/** Operators before one number, by mathjs's names. Zero and NaN count as false. */
const OPERATORS_OF_ONE: Kernels = {
  unaryMinus: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = -(a[i] as number);
  },
  not: (n, out, a) => {
    for (let i = 0; i < n; i++) out[i] = a[i] ? 0 : 1;
  },
};

/** Operators between two numbers, by mathjs's names. Comparisons are exact; what they say is 1 or 0. */
const OPERATORS_OF_TWO: Kernels = {
  add: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) + (b[i] as number);
  },
  subtract: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) - (b[i] as number);
  },
  multiply: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) * (b[i] as number);
  },
  divide: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) / (b[i] as number);
  },
  smaller: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) < (b[i] as number) ? 1 : 0;
  },
  smallerEq: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) <= (b[i] as number) ? 1 : 0;
  },
  larger: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) > (b[i] as number) ? 1 : 0;
  },
  largerEq: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) >= (b[i] as number) ? 1 : 0;
  },
  equal: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) === (b[i] as number) ? 1 : 0;
  },
  unequal: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = (a[i] as number) !== (b[i] as number) ? 1 : 0;
  },
  and: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = a[i] && b[i] ? 1 : 0;
  },
  or: (n, out, a, b) => {
    for (let i = 0; i < n; i++) out[i] = a[i] || b[i] ? 1 : 0;
  },
};

/** `a ? b : c`; both sides are computed, and one of them is taken. */
const select: Kernel = (n, out, a, b, c) => {
  for (let i = 0; i < n; i++) out[i] = a[i] ? (b[i] as number) : (c[i] as number);
};

/** How many numbers a kernel takes, and the kernel. */
export interface Operation {
  readonly arity: number;
  readonly kernel: Kernel;
}

function operations(arity: number, kernels: Kernels): [string, Operation][] {
  return Object.entries(kernels).map(([name, kernel]) => [name, { arity, kernel }]);
}

/** What a formula may call, by name. */
export const FUNCTIONS: ReadonlyMap<string, Operation> = new Map([
  ...operations(1, FUNCTIONS_OF_ONE),
  ...operations(2, FUNCTIONS_OF_TWO),
]);

/** All that there is to compute, by mathjs's names. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ...FUNCTIONS,
  ...operations(1, OPERATORS_OF_ONE),
  ...operations(2, OPERATORS_OF_TWO),
  ['select', { arity: 3, kernel: select }],
]);
