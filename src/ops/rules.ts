import type { Node } from '../ir/node.ts';
import { alongAxisRules } from './along-axis.ts';
import { controlFlowRules } from './control-flow.ts';
import { convRules } from './conv.ts';
import { convVariantRules } from './conv-variants.ts';
import { pinAll } from './coupling.ts';
import { distanceRules } from './distance.ts';
import { einsumRules } from './einsum.ts';
import { elementwiseRules } from './elementwise.ts';
import { fusedAttentionRules } from './fused-attention.ts';
import { fusedMatMulRules } from './fused-matmul.ts';
import { fusedNormalizationRules } from './fused-normalization.ts';
import { gatherRules } from './gather.ts';
import { groupedAttentionRules } from './grouped-attention.ts';
import { joinRules } from './join.ts';
import { legacyRules } from './legacy.ts';
import { matMulRules } from './matmul.ts';
import { matMulNBitsRules } from './matmul-nbits.ts';
import { matrixRules } from './matrices.ts';
import { normalizationRules } from './normalization.ts';
import { onnxAttentionRules } from './onnx-attention.ts';
import { opaqueRules } from './opaque.ts';
import { poolRules } from './pool.ts';
import { quantizeRules } from './quantize.ts';
import { quantizedActivationRules } from './quantized-activations.ts';
import { quantizedAttentionRules } from './quantized-attention.ts';
import { quantizedConvRules } from './quantized-conv.ts';
import { quantizedMatMulRules } from './quantized-matmul.ts';
import { quantizedRecurrentRules } from './quantized-recurrent.ts';
import { recurrentRules } from './recurrent.ts';
import { reduceRules } from './reduce.ts';
import { reshapeRules } from './reshape.ts';
import { resizeRules } from './resize.ts';
import { rootMeanSquareRules } from './root-mean-square.ts';
import { rotaryRules } from './rotary.ts';
import type { OpRule } from './rule.ts';
import { sampleRules } from './sample.ts';
import { scatterRules } from './scatter.ts';
import { shapeRules } from './shape.ts';
import { sliceRules } from './slice.ts';

/** Every rule the project has, one file per operator family. */
export const rules: readonly OpRule[] = [
  ...controlFlowRules,
  ...alongAxisRules,
  ...convRules,
  ...convVariantRules,
  ...distanceRules,
  ...einsumRules,
  ...elementwiseRules,
  ...fusedAttentionRules,
  ...fusedMatMulRules,
  ...fusedNormalizationRules,
  ...groupedAttentionRules,
  ...gatherRules,
  ...joinRules,
  ...legacyRules,
  ...matMulRules,
  ...matMulNBitsRules,
  ...normalizationRules,
  ...onnxAttentionRules,
  ...matrixRules,
  ...opaqueRules,
  ...poolRules,
  ...quantizeRules,
  ...quantizedActivationRules,
  ...quantizedAttentionRules,
  ...quantizedConvRules,
  ...quantizedMatMulRules,
  ...quantizedRecurrentRules,
  ...recurrentRules,
  ...reduceRules,
  ...reshapeRules,
  ...resizeRules,
  ...rootMeanSquareRules,
  ...rotaryRules,
  ...sampleRules,
  ...scatterRules,
  ...shapeRules,
  ...sliceRules,
];

const BY_OPERATOR = new Map<string, OpRule>();
for (const rule of rules) for (const opType of rule.opTypes) BY_OPERATOR.set(`${rule.domain}:${opType}`, rule);

/** Why the tensors of an operator without a rule stay. */
function reasonOf({ domain, opType }: Node): string {
  if (domain === 'ai.onnx.ml') return `${opType} keeps its parameters in attributes, which are not cut`;
  return `there is no rule for operator ${domain === '' ? '' : `${domain}.`}${opType}`;
}

/** Nothing is known of the operator, so nothing about its tensors may change. */
const unknown: OpRule = { domain: '', opTypes: [], couple: (node) => pinAll(node, reasonOf(node)) };

/** The rule of a node's operator; for an operator without one, the rule that pins everything with that reason. */
export function ruleOf(node: Node): OpRule {
  return BY_OPERATOR.get(`${node.domain}:${node.opType}`) ?? unknown;
}

/** Whether the operator of a node has a rule. */
export function hasRule(node: Node): boolean {
  return BY_OPERATOR.has(`${node.domain}:${node.opType}`);
}
