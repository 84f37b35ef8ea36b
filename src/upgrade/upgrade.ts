import { OnnxPruneError } from '../errors.ts';
import { checkGraph } from '../ir/check.ts';
import { cloneWithOpset, type Model } from '../ir/model.ts';
import { labelOf, type Node, nodesIn } from '../ir/node.ts';
import { changeOf } from './changes.ts';
import { soleFloatType } from './float-type.ts';
import { NEWEST, VERSIONS } from './versions.ts';

/** The oldest operator set to upgrade to: what nodes become on the way is made for this one at least. */
export const LEAST_TARGET = 13;

/**
 * Operators that onnxruntime has under ONNX's own domain from the first operator set on; ONNX took LayerNormalization over as it
 * was with 17. What optimizes models for onnxruntime writes them.
 */
const RUNTIME_OWN: ReadonlySet<string> = new Set(['LayerNormalization', 'SimplifiedLayerNormalization']);

/** A node that is written otherwise now. */
export interface UpgradedNode {
  /** Its name, or its operator and first output. */
  readonly node: string;
  /** What it was before. */
  readonly operator: string;
  /** What it does now: the rest of a sentence that the node begins. */
  readonly what: string;
}

/** What upgrading did. */
export interface UpgradeReport {
  /** The version of ONNX's own operator set that the model had. */
  readonly from: number;
  /** The one that it has now; `from` where that was no less than what was asked for. */
  readonly to: number;
  /** A node stands once for every change it needed, in the order of the operator sets that brought them. */
  readonly changed: readonly UpgradedNode[];
}

/** A model of a newer operator set. */
export interface Upgraded {
  /** A copy, or the model itself where it needed nothing; weights are shared. */
  readonly model: Model;
  readonly report: UpgradeReport;
}

/**
 * Brings a model to a newer version of ONNX's own operator set, bodies of If, Loop and Scan included. Outputs stay exactly
 * what they were. The given model stays as it is; names of nodes and values stay in the copy, and further ones may come.
 * The file's IR version becomes what goes with the operator set, at least, and initializers that are graph inputs only
 * because IR versions up to 3 asked for it are inputs no longer.
 *
 * Only changes that are understood are made; the table in changes.ts says which. Other domains stay at their versions.
 * Functions of the model's own are to be put in the place of their calls before.
 * Source: ONNX, docs/Changelog.md and docs/Versioning.md.
 *
 * @param target from 13 to 21
 * @throws OnnxPruneError `unsupported` naming the first node that cannot be brought over and why
 */
export function upgradeOpset(model: Model, target: number): Upgraded {
  const from = model.graph.scope.opsets.get('') ?? 1;
  if (from >= target) return { model, report: { from, to: from, changed: [] } };
  if (!(target >= LEAST_TARGET && target <= NEWEST)) {
    throw new OnnxPruneError(
      'unsupported',
      `operator set ${target}`,
      `A model of operator set ${from} cannot be brought to operator set ${target}: only ${LEAST_TARGET} to ${NEWEST} are known as targets; choose one of these.`,
    );
  }
  const copy = cloneWithOpset(model, target, irVersionOf(target)).model;
  const { graph } = copy;
  const called = new Set(
    (model.proto.functions ?? []).map(
      ({ domain, name }) => `${domain === 'ai.onnx' ? '' : (domain ?? '')}:${name ?? ''}`,
    ),
  );
  for (const node of nodesIn(graph)) {
    const why = whyUnknown(node, from, called);
    if (why !== undefined) throw refused(node, from, target, why);
  }
  const around = { floatType: soleFloatType(graph) };
  const changed: UpgradedNode[] = [];
  for (let version = from + 1; version <= target; version++) {
    for (const node of nodesIn(graph)) {
      const { opType: operator } = node;
      // What an operator was when it came changes nothing of a node that was there before; see RUNTIME_OWN.
      if (node.domain !== '' || !VERSIONS.get(operator)?.includes(version, 1)) continue;
      const label = labelOf(node);
      const change = changeOf(operator, version);
      if (change === undefined) {
        throw refused(node, from, target, `what operator set ${version} changed of it is not known here`);
      }
      const outcome = change(node, around);
      if (typeof outcome === 'object') throw refused(node, from, target, outcome.why);
      if (outcome !== undefined) changed.push({ node: label, operator, what: outcome });
    }
  }
  checkGraph(graph, `upgrading to operator set ${target}`);
  return { model: copy, report: { from, to: target, changed } };
}

/** Why nothing is known of a node as it stands; undefined where it is a known operator, or one of another domain. */
function whyUnknown(node: Node, from: number, called: ReadonlySet<string>): string | undefined {
  if (called.has(`${node.domain}:${node.opType}`))
    return 'it calls a function of the model with operator sets of its own';
  if (node.domain !== '' || RUNTIME_OWN.has(node.opType)) return undefined;
  const first = VERSIONS.get(node.opType)?.[0];
  if (first === undefined) return 'that operator is not known here';
  return first > from ? `that operator came with operator set ${first} only` : undefined;
}

function refused(node: Node, from: number, target: number, why: string): OnnxPruneError {
  const label = labelOf(node);
  return new OnnxPruneError(
    'unsupported',
    label,
    `Node "${label}" (${node.opType}) cannot be brought from operator set ${from} to ${target}, since ${why}; export the model again with operator set ${target} or newer.`,
  );
}

/** The IR version that goes with an operator set. Source: ONNX, docs/Versioning.md, table of released versions. */
function irVersionOf(opset: number): number {
  if (opset <= 14) return 7;
  if (opset <= 18) return 8;
  return opset <= 20 ? 9 : 10;
}
