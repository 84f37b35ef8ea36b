import { OnnxPruneError } from '../errors.ts';
import { importBody } from '../ir/import.ts';
import type { Model } from '../ir/model.ts';
import { type Attribute, type Node, nodesIn } from '../ir/node.ts';
import type { Value } from '../ir/value.ts';
import {
  type AttributeProto,
  copyMessage,
  type FunctionProto,
  type GraphProto,
  type NodeProto,
} from '../onnx/messages.ts';
import { unfoldedSize } from './unfolded-size.ts';

/** Nodes that a model may have once its calls are unfolded; large models have some ten thousands. */
const MOST_NODES = 2 ** 20;

/** Calls that unfold in turns before it is taken for a recursion, which ONNX forbids. */
const DEEPEST = 64;

/**
 * Puts the bodies of the model's own functions in the place of their calls, as exporters that keep modules make them, so
 * that rules see plain operators. A call stays where its function imports another version of an operator set than the
 * model does.
 * Source: onnx.proto, message FunctionProto; attributes of a body that name one of the function's stand for its value.
 *
 * @throws OnnxPruneError `unsupported` where the calls unfold to more nodes than can be handled
 */
export function inlineFunctions(model: Model): boolean {
  const { graph, proto } = model;
  const functions = new Map(
    (proto.functions ?? []).map((each) => [keyOf(each.domain, each.name, each.overload), each]),
  );
  if (functions.size === 0) return false;
  const nodes = unfoldedSize(
    proto.graph?.node ?? [],
    functions.values(),
    ({ domain, opType, overload }) => functions.get(keyOf(domain, opType, overload)),
    DEEPEST,
  );
  if (nodes > MOST_NODES) {
    throw new OnnxPruneError(
      'unsupported',
      'functions',
      `The functions of the model unfold to ${nodes} nodes, more than the ${MOST_NODES} that can be handled; export the model without functions.`,
    );
  }
  let changed = false;
  for (let depth = 0; depth < DEEPEST; depth++) {
    const calls = nodesIn(graph).flatMap((node) => {
      const called = functions.get(keyOf(node.domain, node.opType, node.proto.overload));
      return called !== undefined && canInline(called, node) ? [{ node, called }] : [];
    });
    if (calls.length === 0) return changed;
    for (const { node, called } of calls) inline(node, called);
    changed = true;
  }
  return changed;
}

function keyOf(domain: string | undefined, name: string | undefined, overload: string | undefined): string {
  return `${domain === 'ai.onnx' ? '' : (domain ?? '')}:${name ?? ''}:${overload ?? ''}`;
}

function canInline(called: FunctionProto, { graph }: Node): boolean {
  const sameSets = (called.opsetImport ?? []).every(({ domain, version }) => {
    const own = graph.scope.opsets.get(domain === 'ai.onnx' ? '' : (domain ?? ''));
    return own === undefined || own === Number(version ?? 1);
  });
  // The names of sparse initializers stand in the body's message alone.
  return sameSets && !(called.node ?? []).some(holdsSparse);
}

function holdsSparse(node: NodeProto): boolean {
  return bodiesOf(node).some(
    (body) => (body.sparseInitializer ?? []).length > 0 || (body.node ?? []).some(holdsSparse),
  );
}

function bodiesOf({ attribute = [] }: NodeProto): GraphProto[] {
  return attribute.flatMap(({ g, graphs }) => [...(g ? [g] : []), ...(graphs ?? [])]);
}

function inline(call: Node, called: FunctionProto): void {
  const { graph } = call;
  const given = new Map<string, AttributeProto>();
  for (const attribute of called.attributeProto ?? []) given.set(attribute.name ?? '', attribute);
  for (const [name, { proto }] of call.attributes) given.set(name, proto);
  const values = new Map<string, Value | undefined>();
  (called.input ?? []).forEach((name, i) => {
    values.set(name, call.inputs[i]);
  });
  const outputs = graph.takeOutputs(call);
  const made = new Set((called.node ?? []).flatMap((node) => node.output ?? []));
  (called.output ?? []).forEach((name, i) => {
    const output = outputs[i];
    if (output === undefined) return;
    if (made.has(name)) values.set(name, output);
    // An input that is handed through has no node of its own that could make the call's value.
    else graph.insertNode({ opType: 'Identity', name: `${output.name}_given` }, [values.get(name)], [output], []);
  });
  const prefix = call.name === '' ? call.opType : call.name;
  const valueNamed = (name: string): Value | undefined => {
    if (name === '') return undefined;
    if (!values.has(name)) values.set(name, graph.addValue(graph.uniqueName(`${prefix}/${name}`)));
    return values.get(name);
  };
  for (const node of called.node ?? []) {
    const name = graph.uniqueName(`${prefix}/${node.name || node.opType}`);
    const proto = Object.assign(copyMessage(node), { name });
    const inputs = (node.input ?? []).map(valueNamed);
    const rename = (name: string): string => graph.uniqueName(`${prefix}/${name}`);
    const attributes = boundAttributes(node, given).map((attribute): Attribute => {
      const bodies = bodiesOf({ attribute: [attribute] });
      return {
        proto: attribute,
        graphs: bodies.map((body) => importBody(body, graph.scope, valueNamed, once(rename))),
      };
    });
    graph.insertNode(proto, inputs, (node.output ?? []).map(valueNamed), attributes);
  }
}

/** Gives the same answer to the same question. */
function once(rename: (name: string) => string): (name: string) => string {
  const known = new Map<string, string>();
  return (name) => {
    const renamed = known.get(name) ?? rename(name);
    known.set(name, renamed);
    return renamed;
  };
}

/** The attributes of a body's node, with those that stand for the function's replaced by what the call gives. */
function boundAttributes(node: NodeProto, given: ReadonlyMap<string, AttributeProto>): AttributeProto[] {
  return (node.attribute ?? []).flatMap((attribute) => {
    if (attribute.refAttrName) {
      const value = given.get(attribute.refAttrName);
      return value === undefined ? [] : [Object.assign(copyMessage(value), { name: attribute.name })];
    }
    if (bodiesOf({ attribute: [attribute] }).length === 0) return [attribute];
    const bound = (body: GraphProto): GraphProto =>
      Object.assign(copyMessage(body), {
        node: (body.node ?? []).map((each) =>
          Object.assign(copyMessage(each), { attribute: boundAttributes(each, given) }),
        ),
      });
    const { g, graphs } = attribute;
    return [Object.assign(copyMessage(attribute), g ? { g: bound(g) } : { graphs: (graphs ?? []).map(bound) })];
  });
}
