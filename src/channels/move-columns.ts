import { present } from '../errors.ts';
import { floatBytes, isFloatType } from '../numeric/float-bytes.ts';
import { type Floats, stridesOf } from '../numeric/slices.ts';
import type { RuleLookup } from './couplings.ts';
import type { Repair } from './redundant-units.ts';
import type { SumSite } from './sum-sites.ts';

/**
 * Does what has to be done where units that leave are summed over: the columns of a multiple are added to those of the
 * channel that it is a multiple of, what constants add goes into biases. Each weight is rewritten once.
 */
export function moveColumns(repairs: readonly Repair[], ruleOf: RuleLookup): void {
  const bySite = new Map<SumSite, Repair[]>();
  for (const repair of repairs) {
    const known = bySite.get(repair.site);
    if (known === undefined) bySite.set(repair.site, [repair]);
    else known.push(repair);
  }
  for (const [{ node, layer }, own] of bySite) {
    const { weight, columns, rows, gain } = present(layer, `the layer of "${node.name}"`);
    const tensor = present(weight.tensor, `the data of "${weight.name}"`);
    const merges = own.some(({ kind }) => kind === 'merge');
    const data = merges ? tensor.floats().slice() : tensor.floats();
    const matrix: Matrix = { data, dims: tensor.dims, rows, columns };
    const amounts = new Float64Array(tensor.dims[rows] ?? 0);
    for (const repair of own) {
      if (repair.kind === 'merge') addColumn(matrix, repair);
      else addSums(matrix, repair.from, repair.constant * gain, amounts);
    }
    if (merges && isFloatType(tensor.type))
      node.graph.setTensor(weight, tensor.withData(tensor.dims, floatBytes(tensor.type, data)));
    if (own.some(({ kind }) => kind === 'fold')) ruleOf(node).addBias?.(node, amounts, node.graph);
  }
}

/** A weight with the axes of its rows and columns; what lies along other axes belongs to both. */
interface Matrix {
  readonly data: Floats;
  readonly dims: readonly number[];
  readonly rows: number;
  readonly columns: number;
}

function addColumn({ data, dims, columns }: Matrix, { from, to, multiple }: Repair & { kind: 'merge' }): void {
  const { outer, size, inner } = stridesOf(dims, columns);
  for (let block = 0; block < outer; block++) {
    let source = (block * size + from) * inner;
    let target = (block * size + to) * inner;
    for (const end = source + inner; source < end; source++, target++)
      data[target] = (data[target] as number) + (data[source] as number) * multiple;
  }
}

/** Adds what a constant channel gives to each row: the sum of its column there, times the constant. */
function addSums({ data, dims, rows, columns }: Matrix, column: number, constant: number, amounts: Float64Array): void {
  const { outer, size, inner } = stridesOf(dims, columns);
  const row = stridesOf(dims, rows);
  for (let block = 0; block < outer; block++) {
    const from = (block * size + column) * inner;
    for (let at = from; at < from + inner; at++) {
      const index = Math.floor(at / row.inner) % row.size;
      amounts[index] = (amounts[index] as number) + (data[at] as number) * constant;
    }
  }
}
