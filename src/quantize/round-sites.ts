import type { RuleLookup } from '../channels/couplings.ts';
import type { Model } from '../ir/model.ts';
import { labelOf, type Node } from '../ir/node.ts';
import type { Value } from '../ir/value.ts';
import type { RoundedMatrix, WeightMatrix } from '../ops/rounded-form.ts';
import { type RoundingTools, roundLayers } from './round-layers.ts';
import { type RoundingOptions, roundRows } from './round-rows.ts';
import {
  byWeight,
  type LayerPlan,
  noteOf,
  type Planned,
  type RoundedLayer,
  type RoundingNote,
  roundUnseen,
} from './round-unseen.ts';
import type { Grid } from './rounding/grid.ts';
import { applySites, type RoundedSite, weightReader } from './sites.ts';

/** The integers that weights become; a row shares one scale where no number of columns is said to. */
export type SiteGrid = Omit<Grid, 'block'> & { readonly block?: number };

/**
 * Writes sites with their weights rounded, in place: those of layers on calibration data where there are any, those inside an
 * operator to the nearest integer. Without data integers are made when a site needs them and given up after the last that does,
 * so that memory holds those of few.
 */
export async function roundSites(
  model: Model,
  sites: readonly RoundedSite[],
  grid: SiteGrid,
  ruleOf: RuleLookup,
  options: RoundingOptions,
  tools: RoundingTools | undefined,
): Promise<RoundingNote[]> {
  const plans = new Map<Node, LayerPlan>();
  for (const { node } of sites) {
    const layer = ruleOf(node).layer?.(node);
    if (layer !== undefined) plans.set(node, { layer, grid });
  }
  const onData = tools && (await roundLayers(model, plans, ruleOf, options, tools));
  const rounding = new SiteRounding(sites, grid, options, byWeight(plans), onData);
  applySites(
    model.graph,
    sites,
    (matrix) => rounding.of(matrix),
    (site) => rounding.done(site),
  );
  return rounding.notes;
}

/** What the weights of sites are rounded to, as long as somebody needs it. */
class SiteRounding {
  readonly notes: RoundingNote[] = [];
  readonly #grid: SiteGrid;
  readonly #options: RoundingOptions;
  readonly #plans: ReadonlyMap<Value, Planned>;
  readonly #layers = new Map<Value, RoundedLayer | undefined>();
  readonly #others = new Map<WeightMatrix, RoundedMatrix>();
  readonly #nodes = new Map<Value, Node>();
  /** Sites that still need a weight. */
  readonly #waiting = new Map<Value, number>();

  /** @param onData what layers were rounded to already, all of them */
  constructor(
    sites: readonly RoundedSite[],
    grid: SiteGrid,
    options: RoundingOptions,
    plans: ReadonlyMap<Value, Planned>,
    onData: ReadonlyMap<Value, RoundedLayer> | undefined,
  ) {
    this.#grid = grid;
    this.#options = options;
    this.#plans = onData === undefined ? plans : new Map();
    for (const [weight, layer] of onData ?? []) {
      this.#layers.set(weight, layer);
      this.notes.push(noteOf(layer));
    }
    for (const { node, weights } of sites) {
      for (const { weight } of weights) {
        if (!this.#nodes.has(weight)) this.#nodes.set(weight, node);
        this.#waiting.set(weight, (this.#waiting.get(weight) ?? 0) + 1);
      }
    }
  }

  /** The integers of a weight. */
  of(matrix: WeightMatrix): RoundedMatrix {
    const layer = this.#layerOf(matrix.weight);
    // Nodes may read a weight by its rows and by its columns.
    if (layer?.matrix.rows === matrix.rows && layer.matrix.rowStep === matrix.rowStep) return layer;
    const known = this.#others.get(matrix);
    if (known !== undefined) return known;
    const { rows, columns, weight } = matrix;
    const block = this.#grid.block ?? columns;
    const rounded = roundRows({ rows, columns, read: weightReader(matrix) }, { ...this.#grid, block }, this.#options);
    this.#others.set(matrix, rounded);
    const node = this.#nodes.get(weight);
    const place = { node: node === undefined ? '' : labelOf(node), weight, rows, columns };
    this.notes.push(noteOf({ ...place, ...rounded, after: null, energy: null, method: 'nearest' }));
    return rounded;
  }

  /** A site is written. */
  done({ weights }: RoundedSite): void {
    for (const matrix of weights) {
      const waiting = (this.#waiting.get(matrix.weight) ?? 0) - 1;
      this.#waiting.set(matrix.weight, waiting);
      if (waiting > 0) continue;
      this.#layers.delete(matrix.weight);
      this.#others.delete(matrix);
    }
  }

  #layerOf(weight: Value): RoundedLayer | undefined {
    const planned = this.#plans.get(weight);
    if (planned === undefined || this.#layers.has(weight)) return this.#layers.get(weight);
    const layer = roundUnseen(planned, this.#options);
    this.#layers.set(weight, layer);
    if (layer !== undefined) this.notes.push(noteOf(layer));
    return layer;
  }
}
