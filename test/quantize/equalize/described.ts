import type { Model } from '../../../src/ir/model.ts';
import { ruleOf } from '../../../src/ops/rules.ts';
import type { ScaledConstant } from '../../../src/quantize/equalize/scaled-constant.ts';
import { equalizableSites } from '../../../src/quantize/equalize/sites.ts';

/** Constants that take factors, as "operator:input". */
const named = (constants: readonly ScaledConstant[]): string =>
  constants.map(({ node, input }) => `${node.opType}:${input}`).join(' ');

/** What makes and what reads the values of a model that can be equalised, "makers | readers" for each. */
export const described = (model: Model): string[] =>
  equalizableSites(model.graph, ruleOf).map(({ makers, readers }) => `${named(makers)} | ${named(readers)}`);
