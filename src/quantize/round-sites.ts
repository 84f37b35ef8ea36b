import type { RuleLookup } from '../channels/couplings.ts';
import type { Model } from '../ir/model.ts';
import { labelOf, type Node } from '../ir/node.ts';
import type { Value } from '../ir/value.ts';
import type { RoundedMatrix, WeightMatrix } from '../ops/rounded-form.ts';
import { type LayerPlan, type RoundedWeight, type RoundingTools, roundLayers } from './round-layers.ts';
import { type RoundingOptions, roundRows } from './round-rows.ts';
import type { Grid } from './rounding/grid.ts';
import { applySites, type RoundedSite, weightElements } from './sites.ts';

/** The integers that weights become; a row shares one scale where no number of columns is said to. */
export type SiteGrid = Omit<Grid, 'block'> & { readonly block?: number };

/**
 * Writes sites with their weights rounded, in place: those of layers on calibration data where there are any, those inside an
 * operator to the nearest integer.
 */
export async function roundSites(
  model: Model,
  sites: readonly RoundedSite[],
  grid: SiteGrid,
  ruleOf: RuleLookup,
  options: RoundingOptions,
  tools: RoundingTools | undefined,
): Promise<RoundedWeight[]> {
  const plans = new Map<Node, LayerPlan>();
  for (const { node } of sites) {
    const layer = ruleOf(node).layer?.(node);
    if (layer !== undefined) plans.set(node, { layer, grid });
  }
  const layers = await roundLayers(model, plans, ruleOf, options, tools);
  const others = new Map<WeightMatrix, RoundedMatrix>();
  const made: RoundedWeight[] = [...layers.values()];
  const nodes = new Map<Value, Node>();
  for (const { node, weights } of sites)
    for (const { weight } of weights) if (!nodes.has(weight)) nodes.set(weight, node);
  const roundedOf = (matrix: WeightMatrix): RoundedMatrix => {
    const layer = layers.get(matrix.weight);
    // Nodes may read a weight by its rows and by its columns.
    if (layer?.matrix.rows === matrix.rows && layer.matrix.rowStep === matrix.rowStep) return layer;
    const known = others.get(matrix);
    if (known !== undefined) return known;
    const { rows, columns, weight } = matrix;
    const block = grid.block ?? columns;
    const read = (from: number, to: number): Float64Array => weightElements(matrix, from, to);
    const rounded = roundRows({ rows, columns, read }, { ...grid, block }, options);
    others.set(matrix, rounded);
    const node = nodes.get(weight);
    made.push({
      node: node === undefined ? '' : labelOf(node),
      weight,
      codes: rounded.codes,
      scales: rounded.scales,
      rows,
      columns,
      after: null,
      energy: null,
      method: 'nearest',
    });
    return rounded;
  };
  applySites(model.graph, sites, roundedOf);
  return made;
}
