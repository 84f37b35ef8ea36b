import { type Dims, ModelBuilder, type ModelOptions } from '../support/build.ts';

/** A product with a constant, as models have it. */
export interface ProductForm {
  readonly opType: 'MatMul' | 'Gemm';
  readonly data?: readonly number[];
  readonly columns?: number;
  readonly rows?: number;
  readonly transB?: boolean;
  readonly alpha?: number;
  readonly beta?: number;
  /** Dims of what is added: by Gemm itself, or by an Add behind. */
  readonly bias?: readonly number[];
  readonly biasIs?: 'constant' | 'computed';
  readonly model?: ModelOptions;
}

export const COLUMNS = 24;
export const ROWS = 10;

/** x → the product "product" with "w" → y. */
export function product(form: ProductForm): ModelBuilder {
  const { opType, columns = COLUMNS, rows = ROWS, transB = false, data = [5, columns], model } = form;
  const b = new ModelBuilder({ opset: 17, ...model });
  const x = b.input('x', 'float32', data);
  const w = b.weight('w', transB ? [rows, columns] : [columns, rows], { fanIn: columns });
  const bias = form.bias && addend(b, form.bias, form.biasIs);
  const out = (isLast: boolean): { name: string; outputs?: string[] } => ({
    name: 'product',
    ...(isLast && { outputs: ['y'] }),
  });
  if (opType === 'Gemm') {
    const { alpha = 1, beta = 1 } = form;
    const attributes = { transB: transB ? 1 : 0, alpha: { float: alpha }, beta: { float: beta } };
    b.node('Gemm', bias === undefined ? [x, w] : [x, w, bias], attributes, out(true));
  } else {
    const y = b.node('MatMul', [x, w], {}, out(bias === undefined));
    if (bias !== undefined) b.node('Add', [bias, y], {}, { outputs: ['y'] });
  }
  const dims: Dims = [...data.slice(0, -1), rows];
  b.output('y', 'float32', dims);
  return b;
}

function addend(b: ModelBuilder, dims: readonly number[], is: 'constant' | 'computed' = 'constant'): string {
  if (is === 'constant') return b.weight('bias', dims, { std: 1 });
  return b.valueInfo(b.node('Neg', [b.input('c', 'float32', dims)]), 'float32', dims);
}

/** The forms that all kinds of rounding take. */
export const FORMS: Readonly<Record<string, ProductForm>> = {
  MatMul: { opType: 'MatMul' },
  'MatMul of more axes': { opType: 'MatMul', data: [2, 3, COLUMNS] },
  'MatMul of a vector': { opType: 'MatMul', data: [COLUMNS] },
  'MatMul to one number': { opType: 'MatMul', rows: 1 },
  'MatMul and Add': { opType: 'MatMul', bias: [ROWS] },
  Gemm: { opType: 'Gemm' },
  'Gemm with a bias': { opType: 'Gemm', bias: [ROWS] },
  'Gemm, transposed': { opType: 'Gemm', bias: [ROWS], transB: true },
  'Gemm times alpha and beta': { opType: 'Gemm', bias: [ROWS], transB: true, alpha: -1.5, beta: 0.5 },
  'Gemm with a row': { opType: 'Gemm', bias: [1, ROWS] },
  'Gemm with one number': { opType: 'Gemm', bias: [1], beta: 2 },
  'Gemm with a number without axes': { opType: 'Gemm', bias: [] },
};

/** The forms whose addend no kernel takes in. */
export const APART: Readonly<Record<string, ProductForm>> = {
  'Gemm with a column': { opType: 'Gemm', bias: [5, 1] },
  'Gemm with a matrix': { opType: 'Gemm', bias: [5, ROWS], beta: 2 },
  'Gemm with a computed bias': { opType: 'Gemm', bias: [ROWS], biasIs: 'computed', beta: 3 },
};
