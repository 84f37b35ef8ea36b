import { opaqueRules } from '../../src/ops/opaque.ts';

/** Operators that no generated net has, as `domain.OpType` (ONNX's own without a domain), and why. */
export const NOT_GENERATED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    opaqueRules.flatMap(({ domain, opTypes }) =>
      opTypes.map((opType) => [labelOf(domain, opType), 'it holds all that it touches, so a net of it proves nothing']),
    ),
  ),
  Swish: 'the runtime has no kernel for it',
};

/** How an operator is called in this list. */
export function labelOf(domain: string, opType: string): string {
  return domain === '' ? opType : `${domain}.${opType}`;
}
