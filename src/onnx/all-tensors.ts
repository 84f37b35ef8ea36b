import type { GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto } from './messages.ts';

/**
 * Every tensor message of a model: initializers, those in attributes, the two halves of sparse ones, those of bodies
 * and of functions. Training graphs are left out, as everywhere.
 */
export function* tensorsOf(model: ModelProto): Generator<TensorProto, void, undefined> {
  if (model.graph) yield* tensorsOfGraph(model.graph);
  for (const each of model.functions ?? []) yield* tensorsOfNodes(each.node ?? []);
}

/** Every sparse tensor message of a model. */
export function* sparseTensorsOf(model: ModelProto): Generator<SparseTensorProto, void, undefined> {
  if (model.graph) yield* sparseTensorsOfGraph(model.graph);
  for (const each of model.functions ?? []) yield* sparseTensorsOfNodes(each.node ?? []);
}

function* tensorsOfGraph(graph: GraphProto): Generator<TensorProto, void, undefined> {
  yield* graph.initializer ?? [];
  for (const sparse of graph.sparseInitializer ?? []) yield* halvesOf(sparse);
  yield* tensorsOfNodes(graph.node ?? []);
}

function* tensorsOfNodes(nodes: readonly NodeProto[]): Generator<TensorProto, void, undefined> {
  for (const { attribute = [] } of nodes) {
    for (const { t, tensors = [], sparseTensor, sparseTensors = [], g, graphs = [] } of attribute) {
      if (t) yield t;
      yield* tensors;
      if (sparseTensor) yield* halvesOf(sparseTensor);
      for (const sparse of sparseTensors) yield* halvesOf(sparse);
      if (g) yield* tensorsOfGraph(g);
      for (const graph of graphs) yield* tensorsOfGraph(graph);
    }
  }
}

function* halvesOf({ values, indices }: SparseTensorProto): Generator<TensorProto, void, undefined> {
  if (values) yield values;
  if (indices) yield indices;
}

function* sparseTensorsOfGraph(graph: GraphProto): Generator<SparseTensorProto, void, undefined> {
  yield* graph.sparseInitializer ?? [];
  yield* sparseTensorsOfNodes(graph.node ?? []);
}

function* sparseTensorsOfNodes(nodes: readonly NodeProto[]): Generator<SparseTensorProto, void, undefined> {
  for (const { attribute = [] } of nodes) {
    for (const { sparseTensor, sparseTensors = [], g, graphs = [] } of attribute) {
      if (sparseTensor) yield sparseTensor;
      yield* sparseTensors;
      if (g) yield* sparseTensorsOfGraph(g);
      for (const graph of graphs) yield* sparseTensorsOfGraph(graph);
    }
  }
}
