import type { Model } from '../ir/model.ts';
import { type Attribute, type Node, nodesIn } from '../ir/node.ts';
import type { Value } from '../ir/value.ts';
import { type AttributeProto, copyMessage, type FunctionProto, type NodeProto } from '../onnx/messages.ts';

/** Calls that unfold in turns before it is taken for a recursion, which ONNX forbids. */
const DEEPEST = 64;

/**
 * Puts the bodies of the model's own functions in the place of their calls, as exporters that keep modules make them, so
 * that rules see plain operators. A call stays where its function has bodies of If or Loop, imports another version of an
 * operator set than the model does, or hands an input through.
 * Source: onnx.proto, message FunctionProto; attributes of a body that name one of the function's stand for its value.
 */
export function inlineFunctions(model: Model): boolean {
  const { graph, proto } = model;
  const functions = new Map(
    (proto.functions ?? []).map((each) => [keyOf(each.domain, each.name, each.overload), each]),
  );
  if (functions.size === 0) return false;
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
  const attributes = (called.node ?? []).flatMap((node) => node.attribute ?? []);
  const made = new Set((called.node ?? []).flatMap((node) => node.output ?? []));
  // An output that is an input handed through has no node that could make the call's value.
  if (!(called.output ?? []).every((name) => made.has(name))) return false;
  return sameSets && attributes.every(({ g, graphs }) => !g && (graphs ?? []).length === 0);
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
  (called.output ?? []).forEach((name, i) => {
    if (outputs[i] !== undefined) values.set(name, outputs[i]);
  });
  const prefix = call.name === '' ? call.opType : call.name;
  const valueNamed = (name: string): Value | undefined => {
    if (name === '') return undefined;
    if (!values.has(name)) values.set(name, graph.addValue(graph.uniqueName(`${prefix}/${name}`)));
    return values.get(name);
  };
  for (const node of called.node ?? []) {
    const proto = Object.assign(copyMessage(node), { name: `${prefix}/${node.name || node.opType}` });
    const inputs = (node.input ?? []).map(valueNamed);
    graph.insertNode(proto, inputs, (node.output ?? []).map(valueNamed), attributesOf(node, given));
  }
}

/** The attributes of a body's node, with those that stand for the function's replaced by what the call gives. */
function attributesOf(node: NodeProto, given: ReadonlyMap<string, AttributeProto>): Attribute[] {
  return (node.attribute ?? []).flatMap((attribute) => {
    if (!attribute.refAttrName) return [{ proto: attribute, graphs: [] }];
    const value = given.get(attribute.refAttrName);
    return value === undefined
      ? []
      : [{ proto: Object.assign(copyMessage(value), { name: attribute.name }), graphs: [] }];
  });
}
