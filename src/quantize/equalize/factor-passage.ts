import type { RuleLookup } from '../../channels/couplings.ts';
import { forEachPair } from '../../channels/index-map.ts';
import { isSamePlace, lengthAlong, otherEnd } from '../../channels/number-step.ts';
import type { Node } from '../../ir/node.ts';
import { type Axis, elementTypeOf, lengthOf, type Value } from '../../ir/value.ts';
import { type AxisLink, isAxis, type OpRule, type Place } from '../../ops/rule.ts';
import { isAllZero } from './scaled-constant.ts';

/** How a node hands positive factors on, channel by channel: the axes that have them or have none of them, and how they correspond. */
export interface FactorPassage {
  /** Axes of inputs and outputs, constants included. */
  readonly axes: readonly Axis[];
  readonly links: readonly AxisLink[];
  /** Whether constants among the inputs are added to what is computed; where not, they multiply it or stand beside it. */
  readonly adds: boolean;
  /** Whether another input could have been the one with the factors. */
  readonly isChoice: boolean;
}

/**
 * What has to have the same factors as an axis of a node's input or output so that the node, a function of positive degree one
 * there, hands them on; undefined where it does not.
 */
export function factorPassage(node: Node, place: Axis, ruleOf: RuleLookup): FactorPassage | undefined {
  const rule = ruleOf(node);
  const carriers = carriersOf(node, place, rule, ruleOf);
  if (carriers === undefined) return undefined;
  const outputs = node.outputs.filter((value) => value !== undefined).filter(isReal);
  const links = linksOf(node, place, rule)?.filter(({ a, b }) =>
    [a, b].every((end) => !isAxis(end) || carriers.values.includes(end.value) || outputs.includes(end.value)),
  );
  if (links === undefined) return undefined;
  const closure = closureOf(place, links);
  const axes = closure.places.filter(isAxis);
  const values = axes.map(({ value }) => value);
  // A value has factors along one axis; along two it would have them twice.
  if (new Set(values).size < values.length) return undefined;
  const isWhole =
    carriers.values.every((value) => values.includes(value) || carriers.mayLack(value)) &&
    outputs.every((value) => values.includes(value) || !isRead(value)) &&
    axes.every((each) => !outputs.includes(each.value) || isCovered(each, closure.links));
  if (!isWhole || !axes.some(({ value }) => outputs.includes(value))) return undefined;
  return { axes, links: closure.links, adds: carriers.adds, isChoice: carriers.isChoice };
}

/** Inputs that have the factors. */
interface Carriers {
  readonly values: readonly Value[];
  /** Whether one of them may do without. */
  mayLack(value: Value): boolean;
  readonly adds: boolean;
  readonly isChoice: boolean;
}

function carriersOf(node: Node, place: Axis, rule: OpRule, ruleOf: RuleLookup): Carriers | undefined {
  const passage = rule.passage?.(node) ?? (rule.passage === undefined && rule.passesElements ? MOVED : undefined);
  const inputs = node.inputs.filter((value) => value !== undefined).filter(isReal);
  if (passage === undefined || passage.kind === 'affine' || passage.multiples === 'none') return undefined;
  // The same constant twice would have to be two.
  if (inputs.some((value) => value.tensor !== undefined && timesRead(node, value) > 1)) return undefined;
  if (passage.kind === 'moves') {
    // Ratios and scales come behind the data.
    const mayLack = (value: Value): boolean => value.tensor !== undefined && node.inputs[0] !== value;
    return { values: inputs, mayLack, adds: false, isChoice: false };
  }
  // Zero is any multiple of itself, whatever its shape.
  if (passage.multiples === 'joint') return { values: inputs, mayLack: isZero, adds: true, isChoice: false };
  const carrier = passage.multiples === 'first' ? node.inputs[0] : chosenFactor(node, place, ruleOf);
  if (carrier === undefined || timesRead(node, carrier) > 1) return undefined;
  return { values: [carrier], mayLack: () => false, adds: false, isChoice: passage.multiples === 'product' };
}

const MOVED = { kind: 'moves', constant: true, multiples: 'any' } as const;

/** The factor of a product that has the channels' factors: the one that they come with, else the one that most likely can. */
function chosenFactor(node: Node, place: Axis, ruleOf: RuleLookup): Value | undefined {
  if (node.inputs.includes(place.value)) return place.value;
  const inputs = node.inputs.filter((value) => value !== undefined);
  const rank = (value: Value): number => {
    if (value.tensor !== undefined) return value.tensor.size > 1 ? 0 : 4;
    const rule = value.producer && ruleOf(value.producer);
    if (value.producer === undefined || rule === undefined) return 4;
    if (rule.layer?.(value.producer) !== undefined || rule.scaling?.(value.producer) !== undefined) return 1;
    return rule.passage?.(value.producer) === undefined ? 3 : 2;
  };
  return inputs.sort((a, b) => rank(a) - rank(b))[0];
}

/** The links of a node, with those of the one way to read it that speaks of a place; undefined where several do. */
function linksOf(node: Node, place: Axis, rule: OpRule): readonly AxisLink[] | undefined {
  const { links, choices = [] } = rule.couple(node);
  const all = [...links];
  for (const ways of choices) {
    const own = ways.filter((way) => way.links.some((link) => otherEnd(link, place) !== undefined));
    if (own.length > 1) return undefined;
    all.push(...(own[0]?.links ?? []));
  }
  return all;
}

/** Everything that links join with a place, and those links. */
function closureOf(place: Place, links: readonly AxisLink[]): { places: Place[]; links: AxisLink[] } {
  const places = [place];
  const used = new Set<AxisLink>();
  for (const at of places) {
    for (const link of links) {
      const other = otherEnd(link, at);
      if (other === undefined) continue;
      used.add(link);
      if (!places.some((each) => isSamePlace(each, other.end))) places.push(other.end);
    }
  }
  return { places, links: [...used] };
}

/** Whether each position of an axis corresponds to one at the other end of a link. */
function isCovered(place: Axis, links: readonly AxisLink[]): boolean {
  const covered = new Uint8Array(lengthOf(place) ?? 0);
  for (const link of links) {
    const other = otherEnd(link, place);
    const far = other && lengthAlong(other.end);
    if (other === undefined || far === undefined) continue;
    const [lengthA, lengthB] = other.isFirst ? [far, covered.length] : [covered.length, far];
    forEachPair(link.map, lengthA, lengthB, (a, b) => {
      covered[other.isFirst ? b : a] = 1;
    });
  }
  return covered.length > 0 && covered.every((each) => each === 1);
}

/** Whether a value holds numbers that factors could be of. */
function isReal(value: Value): boolean {
  return !['bool', 'int32', 'int64', 'string'].includes(elementTypeOf(value));
}

function isRead(value: Value): boolean {
  return value.uses.size > 0 || value.producer?.graph.isOutput(value) === true;
}

function isZero({ tensor }: Value): boolean {
  return tensor?.type === 'float32' && isAllZero(tensor);
}

function timesRead(node: Node, value: Value): number {
  return node.inputs.filter((each) => each === value).length;
}
