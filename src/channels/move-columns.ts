import { present } from '../errors.ts';
import type { Tensor } from '../ir/tensor.ts';
import { type FloatType, floatBytes, isFloatType } from '../numeric/float-bytes.ts';
import { type Floats, stridesOf } from '../numeric/slices.ts';
import type { RuleLookup } from './couplings.ts';
import type { Repair } from './redundant-units.ts';
import type { SumSite } from './sum-sites.ts';

/**
 * Does what has to be done where units that leave are summed over: the columns of a multiple are added to those of the
 * channel that it is a multiple of, what constants add goes into biases. Each weight is rewritten once.
 * @param memory `reuse` writes into the weights themselves where they are float32 or float64: neither a clone of the graph nor the
 *   message that it came from may be read afterwards
 */
export function moveColumns(repairs: readonly Repair[], ruleOf: RuleLookup, memory: 'copy' | 'reuse' = 'copy'): void {
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
    const data = merges && memory === 'copy' ? tensor.floats().slice() : tensor.floats();
    const matrix: Matrix = { data, dims: tensor.dims, rows, columns };
    const amounts = new Float64Array(tensor.dims[rows] ?? 0);
    for (const repair of own) {
      if (repair.kind === 'merge') addColumn(matrix, repair);
      else addSums(matrix, repair.from, repair.constant * gain, amounts);
    }
    if (merges && isFloatType(tensor.type))
      node.graph.setTensor(weight, tensor.withData(tensor.dims, bytesAs(tensor.type, data)));
    if (own.some(({ kind }) => kind === 'fold')) ruleOf(node).addBias?.(node, amounts, node.graph);
  }
}

/** Numbers as elements of a type; without a copy where they are that already. */
function bytesAs(type: FloatType, data: Floats): Uint8Array {
  const isSame = data instanceof Float32Array ? type === 'float32' : type === 'float64';
  return isSame ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : floatBytes(type, data);
}

/** Largest numbers of the types that weights and biases are stored in. */
const LARGEST: Readonly<Record<string, number>> = {
  float16: 65_504,
  bfloat16: 3.38e38,
  float32: 3.4e38,
  float64: Number.MAX_VALUE,
};
/** Part of the largest number that one repair may reach, since several may go to one place. */
const SHARE = 2 ** -10;

/** Tells whether a repair has a place, and writes numbers that are far from the largest of their type. */
export function repairChecker(ruleOf: RuleLookup): (repair: Repair) => boolean {
  // Widening a tensor of 16 bits for each of its columns would take as long as all of them together.
  const known = new Map<Tensor, Floats>();
  return (repair) => {
    const { layer, node } = repair.site;
    const { tensor } = layer?.weight ?? {};
    if (layer === undefined || tensor === undefined) return false;
    const data = known.get(tensor) ?? tensor.floats();
    known.set(tensor, data);
    const { rows, columns, gain } = layer;
    const matrix: Matrix = { data, dims: tensor.dims, rows, columns };
    const most = (LARGEST[tensor.type] ?? 0) * SHARE;
    if (repair.kind === 'merge') return largestOf(matrix, repair.from) * Math.abs(repair.multiple) <= most;
    if (ruleOf(node).takesBias?.(node) !== true) return false;
    const sums = new Float64Array(tensor.dims[rows] ?? 0);
    addSums(matrix, repair.from, repair.constant * gain, sums);
    return sums.every((sum) => Math.abs(sum) <= most);
  };
}

function largestOf({ data, dims, columns }: Matrix, column: number): number {
  const { outer, size, inner } = stridesOf(dims, columns);
  let largest = 0;
  for (let block = 0; block < outer; block++) {
    const from = (block * size + column) * inner;
    for (let at = from; at < from + inner; at++) largest = Math.max(largest, Math.abs(data[at] as number));
  }
  return largest;
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
