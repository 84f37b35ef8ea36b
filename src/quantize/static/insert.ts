import { present } from '../../errors.ts';
import { intAttribute } from '../../ir/attributes.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Node } from '../../ir/node.ts';
import { Tensor } from '../../ir/tensor.ts';
import { dimsOf, type TensorType, type Value } from '../../ir/value.ts';
import type { QuantizedValue } from './place.ts';

/** A scale, and the integer from 0 to 255 that stands for zero. */
export interface Quantizer {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** A value and the nodes that make integers of it and numbers of those again. */
export interface QuantizerPair {
  readonly value: Value;
  readonly dequantized: Value;
  readonly scale: number;
}

/**
 * Puts QuantizeLinear and DequantizeLinear behind values, for the readers that are named. Graph outputs are left as they are:
 * see `quantizeOutputs`.
 *
 * @param quantizers by class of values that share one
 * @returns the pairs, by value
 */
export function insertQuantizers(
  graph: Graph,
  values: readonly QuantizedValue[],
  quantizers: ReadonlyMap<number, Quantizer>,
): Map<Value, QuantizerPair> {
  const parameters = new Map<number, readonly [Value, Value]>();
  const pairs = new Map<Value, QuantizerPair>();
  for (const { value, readers, sharing } of values) {
    const quantizer = present(quantizers.get(sharing), `the quantizer of "${value.name}"`);
    let inputs = parameters.get(sharing);
    if (inputs === undefined) {
      inputs = addParameters(graph, value.name, quantizer);
      parameters.set(sharing, inputs);
    }
    const before = [...value.uses];
    const dims = dimsOf(value);
    const integers = append(graph, `${value.name}_quantized`, 'QuantizeLinear', [value, ...inputs], {
      type: 'uint8',
      ...(dims && { dims }),
    });
    const dequantized = append(graph, `${value.name}_dequantized`, 'DequantizeLinear', [integers, ...inputs], {
      type: 'float32',
      ...(dims && { dims }),
    });
    graph.replaceUses(value, dequantized, readers === 'all' ? before : readers);
    pairs.set(value, { value, dequantized, scale: quantizer.scale });
  }
  return pairs;
}

/**
 * Gives out what comes back from integers where a value that is made of them is a graph output: the runtime takes a node and
 * its quantizer up into one kernel only where nobody reads what lies between. Names of outputs stay.
 */
export function quantizeOutputs(
  graph: Graph,
  values: readonly QuantizedValue[],
  pairs: ReadonlyMap<Value, QuantizerPair>,
): void {
  for (const { value, readers } of values) {
    const pair = pairs.get(value);
    const maker = value.producer;
    if (readers !== 'all' || pair === undefined || maker === undefined || !graph.isOutput(value)) continue;
    const quantize = present([...value.uses][0], `the quantizer of "${value.name}"`);
    const dequantize = present(pair.dequantized.producer, `what "${value.name}" comes back by`);
    const real = graph.addValue(graph.uniqueName(`${value.name}_real`), value.type);
    remake(graph, maker, (output) => (output === value ? real : output));
    graph.setInput(quantize, 0, real);
    graph.replaceUses(pair.dequantized, value);
    const { inputs, proto, attributes } = dequantize;
    graph.removeNode(dequantize);
    graph.insertNode(proto, inputs, [value], [...attributes.values()]);
  }
}

/** Makes a node anew with other outputs in the place of its own. */
function remake(graph: Graph, node: Node, outputOf: (value: Value | undefined) => Value | undefined): void {
  const [inputs, attributes] = [[...node.inputs], [...node.attributes.values()]];
  const outputs = graph.takeOutputs(node);
  graph.insertNode(node.proto, inputs, outputs.map(outputOf), attributes);
}

function addParameters(graph: Graph, name: string, { scale, zeroPoint }: Quantizer): readonly [Value, Value] {
  return [
    graph.addInitializer(`${name}_scale`, Tensor.ofFloats(Float32Array.of(scale), [])),
    graph.addInitializer(`${name}_zero_point`, Tensor.of('uint8', [], Uint8Array.of(zeroPoint))),
  ];
}

/**
 * Stores a constant as integers, with a node that gives the numbers back.
 * @param axis that each scale belongs to a position of; undefined where there is one scale
 * @returns the numbers
 */
export function addDequantized(
  graph: Graph,
  wish: string,
  integers: Tensor,
  scales: Float32Array,
  axis: number | undefined,
): Value {
  const stored = graph.addInitializer(`${wish}_quantized`, integers);
  const scale = graph.addInitializer(
    `${wish}_scale`,
    Tensor.ofFloats(scales, axis === undefined ? [] : [scales.length]),
  );
  // Said even where it is what it would be: what is taken for granted has changed before, and is 1.
  const attributes = axis === undefined ? [] : [intAttribute('axis', axis)];
  // Of a weight the runtime wants to see it, though it is zero anyway; of a bias it would be as long as that itself, for nothing.
  const zeros = new Uint8Array(scales.length);
  const dims = axis === undefined ? [] : [scales.length];
  const zero =
    integers.type === 'int8' ? [graph.addInitializer(`${wish}_zero_point`, Tensor.of(integers.type, dims, zeros))] : [];
  return append(
    graph,
    `${wish}_dequantized`,
    'DequantizeLinear',
    [stored, scale, ...zero],
    { type: 'float32', dims: integers.dims },
    attributes,
  );
}

function append(
  graph: Graph,
  wish: string,
  opType: string,
  inputs: readonly Value[],
  type: TensorType,
  attributes: Parameters<Graph['addNode']>[0]['attributes'] = [],
): Value {
  const name = graph.uniqueName(wish);
  const node = graph.addNode({ opType, name, inputs, attributes }, [name]);
  const value = present(node.outputs[0], `the output of "${name}"`);
  graph.setType(value, type);
  return value;
}
