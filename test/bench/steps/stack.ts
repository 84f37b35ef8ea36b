import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { encodeModel } from '../../../src/onnx/codec.ts';
import {
  DataLocation,
  DataType,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../../../src/onnx/messages.ts';

// Writes a net of residual blocks, each of two products of 134 MB, with its weights in one data file: the file, and how many blocks.
// They are written as they are made, so that memory holds one.
const [path = '', count = '1'] = process.argv.slice(2);
const [narrow, wide] = [4096, 8192];
/** Data that a runtime can map begin at a page. */
const page = 4096;

const file = openSync(`${path}.data`, 'w');
const initializer: TensorProto[] = [];
const node: NodeProto[] = [];
let size = 0;
let state = 1;

function weight(name: string, dims: readonly number[], span: number): string {
  const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
  for (let i = 0; i < data.length; i++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    data[i] = (state / 2 ** 31) * span;
  }
  const bytes = new Uint8Array(data.buffer);
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, size + done);
  const entries = { location: `${basename(path)}.data`, offset: size, length: bytes.length };
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value: String(value) }));
  initializer.push({
    name,
    dims: [...dims],
    dataType: DataType.FLOAT,
    dataLocation: DataLocation.EXTERNAL,
    externalData,
  });
  size += Math.ceil(bytes.length / page) * page;
  return name;
}

function add(opType: string, input: readonly string[], output: string): string {
  node.push({ opType, name: `${output}_node`, input: [...input], output: [output] });
  return output;
}

let x = 'x';
for (let i = 0; i < Number(count); i++) {
  const up = add('MatMul', [x, weight(`up${i}`, [narrow, wide], Math.sqrt(3 / narrow))], `product${i}`);
  const bent = add('Relu', [add('Add', [up, weight(`bias${i}`, [wide], 0.1)], `sum${i}`)], `bent${i}`);
  const down = add('MatMul', [bent, weight(`down${i}`, [wide, narrow], Math.sqrt(3 / wide))], `back${i}`);
  x = add('Add', [x, down], `x${i}`);
}
closeSync(file);
const info = (name: string): ValueInfoProto => ({
  name,
  type: { tensorType: { elemType: DataType.FLOAT, shape: { dim: [{ dimParam: 'N' }, { dimValue: narrow }] } } },
});
const graph = { name: 'main', node, initializer, input: [info('x')], output: [info(x)] };
writeFileSync(
  path,
  encodeModel({
    irVersion: 8,
    producerName: 'onnx-prune benchmark',
    opsetImport: [{ domain: '', version: 17 }],
    graph,
  }),
);
console.log(JSON.stringify({ bytes: size }));
