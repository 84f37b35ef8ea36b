import type { OperatorSetIdProto } from '../onnx/messages.ts';
import type { Graph } from './graph.ts';
import type { Model } from './model.ts';
import { graphsIn } from './node.ts';

/** The name of a domain as nodes bear it: ONNX's own is the empty string. */
export function domainName(domain: string | null | undefined): string {
  return domain === 'ai.onnx' ? '' : (domain ?? '');
}

/** Imports an operator set into a graph and the graphs inside it, unless they have one of that domain already. */
export function importOperatorSet(graph: Graph, domain: string, version: number): void {
  for (const { scope } of graphsIn(graph)) {
    // Clones share the map, so it is not changed.
    if (!scope.opsets.has(domain)) scope.opsets = new Map([...scope.opsets, [domain, version]]);
  }
}

/** The operator sets that a model imports now: those of its file, and those that its graph got since. */
export function operatorSetsOf({ graph, proto }: Model): OperatorSetIdProto[] {
  const imports = proto.opsetImport ?? [];
  const known = new Set(imports.map(({ domain }) => domainName(domain)));
  const added = [...graph.scope.opsets].filter(([domain]) => !known.has(domain));
  return [...imports, ...added.map(([domain, version]) => ({ domain, version }))];
}
