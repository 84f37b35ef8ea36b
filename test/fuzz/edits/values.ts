import { DataLocation, DataType, type GraphProto, type TensorProto } from '../../../src/onnx/messages.ts';
import { atHand } from '../../../src/onnx/stored-bytes.ts';
import type { Dice } from '../dice.ts';
import { type Edit, edgesOf, freshName, graphOf, graphsOf, redirect, type Subject, someGraph } from '../subject.ts';
import { append, int, nodeOf, tensor } from './parts.ts';

/** Names that are also words of the language, of the terminal, or of nothing. */
export const HOSTILE_NAMES: readonly [string, ...string[]] = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '../../x',
  'a\nb',
  '\u001b[31mred',
  'ключ 鍵',
  ' ',
  'x'.repeat(300),
  '0',
  '*',
];

/** Gives a value another name, wherever it is read. */
function rename(subject: Subject, before: string, after: string): void {
  const swap = (list: string[] | undefined): void => {
    list?.forEach((name, index) => {
      if (name === before) list[index] = after;
    });
  };
  for (const graph of graphsOf(graphOf(subject))) {
    for (const { input, output } of graph.node ?? []) for (const list of [input, output]) swap(list);
    const named = [graph.initializer, graph.input, graph.output, graph.valueInfo].flatMap((list) => list ?? []);
    for (const each of named) if (each.name === before) each.name = after;
  }
}

function someInitializer(graph: GraphProto, dice: Dice): TensorProto | undefined {
  return dice.pick(graph.initializer ?? []);
}

/** The float32 numbers of a tensor, as a copy that is written back by `put`. */
function floatsOf(each: TensorProto): Float32Array | undefined {
  if (each.dataType !== DataType.FLOAT) return undefined;
  if (each.rawData !== undefined && each.rawData.byteLength % 4 === 0)
    return new Float32Array(atHand(each.rawData).slice().buffer);
  return each.floatData === undefined ? undefined : Float32Array.from(each.floatData);
}

function put(each: TensorProto, numbers: Float32Array): void {
  if (each.rawData === undefined) each.floatData = [...numbers];
  else each.rawData = new Uint8Array(numbers.buffer);
}

/** An edit of the numbers of a float32 initializer, seen as rows along its first axis. */
function numbersEdit(change: (row: Float32Array, first: Float32Array, dice: Dice) => void): Edit {
  return (subject, dice) => {
    const each = someInitializer(someGraph(subject, dice), dice);
    const numbers = each && floatsOf(each);
    const rows = Number(each?.dims?.[0] ?? 1);
    if (each === undefined || numbers === undefined || rows < 1 || numbers.length % rows !== 0) return false;
    const width = numbers.length / rows;
    for (let turn = 1 + dice.below(3); turn > 0; turn--) {
      const at = dice.below(rows) * width;
      change(numbers.subarray(at, at + width), numbers.subarray(0, width), dice);
    }
    put(each, numbers);
    return true;
  };
}

/** Edits of values, initializers and what is declared of them. */
export const VALUE_EDITS: Readonly<Record<string, Edit>> = {
  rename: (subject, dice) => {
    const edge = dice.pick(edgesOf(someGraph(subject, dice)));
    if (edge !== undefined) rename(subject, edge.name, dice.one(...HOSTILE_NAMES));
    return edge !== undefined;
  },
  zeroRows: numbersEdit((row) => row.fill(0)),
  equalRows: numbersEdit((row, first) => row.set(first)),
  oppositeRows: numbersEdit((row, first) => row.set(first.map((x) => -x))),
  strangeNumber: numbersEdit((row, _, dice) => {
    row[dice.below(row.length)] = dice.one(Number.NaN, Number.POSITIVE_INFINITY, 1e-42, 3e38, -0, 0);
  }),
  constantRow: numbersEdit((row, _, dice) => row.fill(dice.one(1, -1, 0.25))),
  shareInitializer: (subject, dice) => {
    const graph = someGraph(subject, dice);
    const [a, b] = [someInitializer(graph, dice), someInitializer(graph, dice)];
    const alike = a?.dataType === b?.dataType && String(a?.dims) === String(b?.dims);
    if (a === undefined || b === undefined || a === b || !alike) return false;
    for (const edge of edgesOf(graph)) if (edge.name === b.name) redirect(edge, a.name ?? '');
    return true;
  },
  toConstant: (subject, dice) => {
    const graph = someGraph(subject, dice);
    const each = someInitializer(graph, dice);
    if (each === undefined) return false;
    graph.initializer = (graph.initializer ?? []).filter((other) => other !== each);
    graph.node = [nodeOf('Constant', [], [each.name ?? ''], [tensor('value', each)]), ...(graph.node ?? [])];
    return true;
  },
  fromConstant: (subject, dice) => {
    const graph = someGraph(subject, dice);
    const node = dice.pick((graph.node ?? []).filter(({ opType }) => opType === 'Constant'));
    const value = node?.attribute?.find(({ name }) => name === 'value')?.t;
    if (node === undefined || value === undefined) return false;
    graph.node = (graph.node ?? []).filter((other) => other !== node);
    graph.initializer = append(graph.initializer, Object.assign(value, { name: node.output?.[0] ?? '' }));
    return true;
  },
  asInput: (subject, dice) => {
    const graph = graphOf(subject);
    const each = someInitializer(graph, dice);
    if (each === undefined) return false;
    const shape = dice.chance(0.8) ? { shape: { dim: (each.dims ?? []).map((dimValue) => ({ dimValue })) } } : {};
    graph.input = append(graph.input, {
      name: each.name ?? '',
      type: { tensorType: { elemType: each.dataType ?? 1, ...shape } },
    });
    return true;
  },
  toInput: (subject, dice) => {
    const graph = graphOf(subject);
    const each = someInitializer(graph, dice);
    if (each === undefined) return false;
    graph.initializer = (graph.initializer ?? []).filter((other) => other !== each);
    const shape = { dim: (each.dims ?? []).map((dimValue) => ({ dimValue })) };
    graph.input = append(graph.input, {
      name: each.name ?? '',
      type: { tensorType: { elemType: each.dataType ?? 1, shape } },
    });
    return true;
  },
  dropInfo: (subject, dice) => {
    const { valueInfo = [] } = someGraph(subject, dice);
    return valueInfo.splice(dice.below(valueInfo.length), dice.one(1, 1000)).length > 0;
  },
  wrongInfo: (subject, dice) => {
    const graph = someGraph(subject, dice);
    const edge = dice.pick(edgesOf(graph));
    if (edge === undefined) return false;
    const dim = dice.one([{ dimValue: 3 }], [], [{ dimParam: 'N' }, {}], [{}, {}, {}, {}]);
    graph.valueInfo = append(graph.valueInfo, {
      name: edge.name,
      type: { tensorType: { elemType: 1, shape: { dim } } },
    });
    return true;
  },
  output: (subject, dice) => {
    const graph = graphOf(subject);
    const edge = dice.pick(edgesOf(graph));
    if (edge === undefined) return false;
    graph.output = append(
      graph.output,
      dice.chance(0.5) ? { name: edge.name } : { name: edge.name, type: { tensorType: { elemType: 1 } } },
    );
    return true;
  },
  untypedOutput: (subject, dice) => {
    const output = dice.pick(graphOf(subject).output ?? []);
    if (output?.type?.tensorType?.shape === undefined) return false;
    delete output.type.tensorType.shape;
    return true;
  },
  external: (subject, dice) => {
    const each = someInitializer(someGraph(subject, dice), dice);
    if (each?.rawData === undefined) return false;
    const location = dice.one('weights.bin', 'weights.bin', 'model.onnx.data', 'b');
    const before = subject.files.get(location) ?? new Uint8Array();
    const entries = { location, offset: String(before.length), length: String(each.rawData.byteLength) };
    subject.files.set(location, Buffer.concat([before, atHand(each.rawData)]));
    each.externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
    each.dataLocation = DataLocation.EXTERNAL;
    delete each.rawData;
    return true;
  },
  typedData: (subject, dice) => {
    const each = someInitializer(someGraph(subject, dice), dice);
    const numbers = each && floatsOf(each);
    if (each?.rawData === undefined || numbers === undefined) return false;
    each.floatData = [...numbers];
    delete each.rawData;
    return true;
  },
  sparse: (subject, dice) => {
    const graph = someGraph(subject, dice);
    const each = someInitializer(graph, dice);
    const numbers = each && floatsOf(each);
    if (each === undefined || numbers === undefined || (each.dims ?? []).length === 0) return false;
    const places = [...numbers.keys()].filter((at) => numbers[at] !== 0 && dice.chance(0.5));
    graph.initializer = (graph.initializer ?? []).filter((other) => other !== each);
    const count = [places.length];
    graph.sparseInitializer = append(graph.sparseInitializer, {
      values: { name: each.name ?? '', dataType: 1, dims: count, floatData: places.map((at) => numbers[at] ?? 0) },
      indices: { dataType: DataType.INT64, dims: count, int64Data: places },
      dims: [...(each.dims ?? [])],
    });
    return true;
  },
  stored16: (subject, dice) => {
    const graph = graphOf(subject);
    const each = someInitializer(graph, dice);
    const numbers = each && floatsOf(each);
    if (each === undefined || numbers === undefined) return false;
    const name = freshName(subject, 'half');
    const made = nodeOf('Cast', [name], [each.name ?? ''], [int('to', DataType.FLOAT)]);
    delete each.rawData;
    delete each.floatData;
    // Powers of two of either sign: every one is a number in 16 bits.
    Object.assign(each, {
      name,
      dataType: DataType.FLOAT16,
      int32Data: Array.from(numbers, (x) => (x < 0 ? 0xb000 : 0x3000)),
    });
    graph.node = [made, ...(graph.node ?? [])];
    return true;
  },
  transposedStorage: (subject, dice) => {
    const graph = someGraph(subject, dice);
    const each = someInitializer(graph, dice);
    const numbers = each && floatsOf(each);
    const [rows = 0, columns = 0, ...more] = (each?.dims ?? []).map(Number);
    if (each === undefined || numbers?.length !== rows * columns || more.length > 0) return false;
    const name = freshName(subject, 'turned');
    put(
      each,
      numbers.map((_, at) => numbers[(at % rows) * columns + Math.floor(at / rows)] ?? 0),
    );
    graph.node = [nodeOf('Transpose', [name], [each.name ?? '']), ...(graph.node ?? [])];
    Object.assign(each, { name, dims: [columns, rows] });
    return true;
  },
};
