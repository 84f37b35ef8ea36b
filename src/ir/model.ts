import { copyMessage, type ModelProto, type OperatorSetIdProto } from '../onnx/messages.ts';
import { withSparseVersion } from '../onnx/sparse.ts';
import { checkTensors } from './check-tensors.ts';
import { cloneGraph, type GraphClone } from './clone.ts';
import { declarationOf, type ExternalData, exportGraph, exportTensor, type Storage } from './export.ts';
import type { Graph } from './graph.ts';
import { importGraph } from './import.ts';
import { domainName, operatorSetsOf } from './operator-sets.ts';
import type { TensorStore } from './tensor-store.ts';
import type { Value } from './value.ts';

/** A model in memory: its graph, and all else that its file says. */
export interface Model {
  readonly graph: Graph;
  /** The file's message; its `graph` is the one that was read, not the present one. */
  readonly proto: ModelProto;
}

/** A copy of a model, and the way from the original's values and nodes to the copy's. Weights are shared. */
export interface ModelClone extends GraphClone {
  readonly model: Model;
}

/**
 * Turns a decoded message into a graph of nodes and values.
 * @param directory folder that external data are read from
 * @param store where large tensors that are made later go; they stay in memory without one
 * @throws OnnxPruneError `bad-model` for names that are missing or defined twice, and for tensors that are not what they
 *   say
 */
export function importModel(proto: ModelProto, directory?: string, store?: TensorStore): Model {
  checkTensors(proto);
  const opsets = new Map(
    (proto.opsetImport ?? []).map(({ domain, version }) => [domainName(domain), Number(version ?? 1)]),
  );
  return {
    proto,
    graph: importGraph(proto.graph ?? {}, {
      names: new Set(),
      opsets,
      initializersAreInputs: Number(proto.irVersion ?? 0) < 4,
      store,
      directory,
    }),
  };
}

/**
 * The message of a model: everything the file said, around the graph as it is now.
 * @param external `embed` to write it to another folder than the one its external data are in
 * @param storage with sparse initializers, IR versions 4 and 5 become 6, which brought them and changed nothing else
 */
export function exportModel(model: Model, external: ExternalData = 'refer', storage: Storage = {}): ModelProto {
  const graph = exportGraph(model.graph, external, storage);
  const proto = Object.assign(copyMessage(model.proto), { opsetImport: operatorSetsOf(model), graph });
  return storage.sparse === true ? withSparseVersion(proto) : proto;
}

/**
 * A body as a model of its own: what it reads from outside are inputs, or initializers where they are constant.
 * @param captures outer values that it may read
 */
export function exportBody(model: Model, body: Graph, captures: readonly Value[]): ModelProto {
  const graph = exportGraph(body);
  const constants = captures.filter((value) => value.tensor !== undefined);
  const open = captures.filter((value) => value.tensor === undefined);
  graph.initializer = [...(graph.initializer ?? []), ...constants.map((value) => exportTensor(value, 'refer'))];
  graph.input = [...body.inputs, ...open].map(declarationOf);
  graph.output = (graph.output ?? []).map(({ name }) => ({ name: name ?? '' }));
  const irVersion = Math.max(4, Number(model.proto.irVersion ?? 8));
  return Object.assign(copyMessage(model.proto), { opsetImport: operatorSetsOf(model), graph, irVersion });
}

/** A copy to change while the original stays. */
export function cloneModel(model: Model): ModelClone {
  const clone = cloneGraph(model.graph);
  return { ...clone, model: { proto: model.proto, graph: clone.graph } };
}

/**
 * A copy of a model that imports ONNX's own operators at another version, with every node as it was.
 * @param irVersion the least version of the file format; from 4 on, initializers are no graph inputs
 */
export function cloneWithOpset(model: Model, opset: number, irVersion: number): ModelClone {
  const { proto } = model;
  const version = Math.max(irVersion, Number(proto.irVersion ?? 0));
  const opsets = new Map(model.graph.scope.opsets).set('', opset);
  const { initializersAreInputs } = model.graph.scope;
  const clone = cloneGraph(model.graph, { opsets, initializersAreInputs: initializersAreInputs && version < 4 });
  const imports = proto.opsetImport ?? [];
  const isOwn = ({ domain }: OperatorSetIdProto): boolean => (domain ?? '') === '' || domain === 'ai.onnx';
  const opsetImport = imports.some(isOwn)
    ? imports.map((entry) => (isOwn(entry) ? Object.assign(copyMessage(entry), { version: opset }) : entry))
    : [...imports, { domain: '', version: opset }];
  return {
    ...clone,
    model: { proto: Object.assign(copyMessage(proto), { opsetImport, irVersion: version }), graph: clone.graph },
  };
}

/** A copy of a model that gives further values out, for looking inside. */
export function withOutputs(model: Model, names: readonly string[]): Model {
  const copy = cloneModel(model).model;
  const wanted = new Set(names);
  for (const value of copy.graph.values) {
    if (wanted.has(value.name) && !copy.graph.isOutput(value)) copy.graph.addOutput(value);
  }
  return copy;
}
