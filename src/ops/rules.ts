import type { Node } from '../ir/node.ts';
import { controlFlowRules } from './control-flow.ts';
import { convRules } from './conv.ts';
import { pinAll } from './coupling.ts';
import { einsumRules } from './einsum.ts';
import { elementwiseRules } from './elementwise.ts';
import { fusedAttentionRules } from './fused-attention.ts';
import { fusedMatMulRules } from './fused-matmul.ts';
import { fusedNormalizationRules } from './fused-normalization.ts';
import { groupedAttentionRules } from './grouped-attention.ts';
import { joinRules } from './join.ts';
import { matMulRules } from './matmul.ts';
import { matMulNBitsRules } from './matmul-nbits.ts';
import { normalizationRules } from './normalization.ts';
import { onnxAttentionRules } from './onnx-attention.ts';
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
import { shapeRules } from './shape.ts';
import { sliceRules } from './slice.ts';

/** Every rule the project has, one file per operator family. */
export const rules: readonly OpRule[] = [
  ...controlFlowRules,
  ...convRules,
  ...einsumRules,
  ...elementwiseRules,
  ...fusedAttentionRules,
  ...fusedMatMulRules,
  ...fusedNormalizationRules,
  ...groupedAttentionRules,
  ...joinRules,
  ...matMulRules,
  ...matMulNBitsRules,
  ...normalizationRules,
  ...onnxAttentionRules,
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
  ...shapeRules,
  ...sliceRules,
];

const BY_OPERATOR = new Map<string, OpRule>();
for (const rule of rules) for (const opType of rule.opTypes) BY_OPERATOR.set(`${rule.domain}:${opType}`, rule);

/** Nothing is known of the operator, so nothing about its tensors may change. */
const unknown: OpRule = {
  domain: '',
  opTypes: [],
  couple: (node) =>
    pinAll(node, `there is no rule for operator ${node.domain === '' ? '' : `${node.domain}.`}${node.opType}`),
};

/** The rule of a node's operator; for an operator without one, the rule that pins everything with that reason. */
export function ruleOf(node: Node): OpRule {
  return BY_OPERATOR.get(`${node.domain}:${node.opType}`) ?? unknown;
}

/** Whether the operator of a node has a rule. */
export function hasRule(node: Node): boolean {
  return BY_OPERATOR.has(`${node.domain}:${node.opType}`);
}
