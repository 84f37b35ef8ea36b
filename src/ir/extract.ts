import { copyMessage } from '../onnx/messages.ts';
import { GraphCopier } from './clone.ts';
import { Graph } from './graph.ts';
import type { Model } from './model.ts';
import { type Node, readsOf } from './node.ts';
import type { TensorType, Value } from './value.ts';

/** A part of a model as a model of its own, and the way from the whole's values to the part's. */
export interface Extract {
  readonly model: Model;
  /** The whole's values that are inputs of the part. */
  readonly inputs: readonly Value[];
  twinOf(value: Value): Value;
}

/** The first IR version in which initializers need not be listed as inputs. */
const LEAST_IR = 4;

/**
 * The part of a model that computes some values from others. Weights are shared; the cost is that of the part, but
 * for the names of the whole.
 *
 * @param given values that become inputs where the part reads them, so that what makes them is left out
 * @param wanted values of the model's own graph (not of bodies) that the part has to have; none of them is an output yet
 */
export function extractModel(
  { graph: whole, proto }: Model,
  given: ReadonlySet<Value>,
  wanted: readonly Value[],
): Extract {
  // Names that are new are so in the whole too, whatever of it the part reads later.
  const names = new Set(whole.scope.names);
  const part = new Graph({ name: whole.name }, { ...whole.scope, names, initializersAreInputs: false });
  const copier = new GraphCopier(names);
  const inputs = new Set<Value>();
  const read = (value: Value): void => {
    if (inputs.has(value) || !(given.has(value) || value.producer === undefined)) return;
    const twin = copier.copyValue(value, part);
    if (value.tensor !== undefined) return;
    inputs.add(value);
    part.addInput(twin);
    // What is known of lengths was seen on other data than these, perhaps.
    if (value.producer !== undefined) part.setType(twin, withOpenDims(value.type));
  };
  for (const node of sliceOf(wanted, given)) {
    for (const value of readsOf(node)) read(value);
    // What is given although its node runs for another output is made a second time, for nobody.
    const outputs = node.outputs.map(
      (value) =>
        value && (given.has(value) ? part.addValue(part.uniqueName(value.name)) : copier.copyValue(value, part)),
    );
    copier.copyNode(node, part, outputs);
  }
  for (const value of wanted) read(value);
  const irVersion = Math.max(LEAST_IR, Number(proto.irVersion ?? LEAST_IR));
  const message = Object.assign(copyMessage(proto), { graph: undefined, irVersion });
  return { model: { graph: part, proto: message }, inputs: [...inputs], twinOf: (value) => copier.twinOf(value) };
}

/**
 * A type that holds for data of other sizes, too: where lengths hang on those of the data, beyond how many samples there are, one that
 * is a number may only have been the same in all that were tried.
 */
function withOpenDims(type: TensorType | undefined): TensorType | undefined {
  const isSettled = type?.dims?.slice(1).every((length) => typeof length === 'number') ?? true;
  return type?.dims === undefined || isSettled ? type : { type: type.type, dims: type.dims.map(() => undefined) };
}

/** The nodes that values depend on as far as others are not given, in executable order. */
function sliceOf(wanted: readonly Value[], given: ReadonlySet<Value>): Node[] {
  const done = new Set<Node>();
  const order: Node[] = [];
  const stack: { readonly node: Node; readonly sources: Node[] }[] = [];
  const open = (node: Node | undefined): void => {
    if (node === undefined || done.has(node)) return;
    done.add(node);
    stack.push({
      node,
      sources: [...readsOf(node)].flatMap((value) => (given.has(value) ? [] : (value.producer ?? []))),
    });
  };
  for (const value of wanted) {
    if (given.has(value)) continue;
    open(value.producer);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      if (top.sources.length > 0) open(top.sources.pop());
      else {
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}
