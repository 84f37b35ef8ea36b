import type { OutlineNode } from '../outline.ts';
import type { Spot } from './graph-layout.ts';
import { countsText, LAYER, type NodeShape, pill } from './graph-node.ts';
import { escaped, shortName } from './names.ts';
import { countText } from './number-text.ts';

const NAME_LENGTH = 32;
/** Pixels by which the sheet behind a block stands out. */
const SHEET = 4;
/** Operators, and groups, that a tooltip tells of. */
const MOST_TOLD = 6;

/** The shape of several nodes that are drawn as one: a box, a pill where they are all inputs, or all outputs. */
export function blockShape(nodes: readonly OutlineNode[]): NodeShape {
  const [first] = nodes;
  if (first !== undefined && !nodes.some(({ isLayer }) => isLayer) && nodes.every((each) => isAlike(each, first)))
    return pill('end', `${nodes.length} ${first.operator.toLowerCase()}s`);
  return { kind: 'layer', text: shortName(spanOf(nodes), NAME_LENGTH), ...LAYER };
}

function isAlike({ operator }: OutlineNode, first: OutlineNode): boolean {
  return operator === first.operator;
}

/**
 * The markup of a block: how many layers it has, where it is, and what is left of its parameters.
 * @param groupOf number of a group, from 1; 0 for none
 */
export function blockMarkup(
  nodes: readonly OutlineNode[],
  shape: NodeShape,
  at: Spot,
  groupOf: (group: string | null) => number,
): string {
  const content = shape.kind === 'layer' ? boxMarkup(nodes, shape) : pillMarkup(shape);
  return `<g transform="translate(${at.x - shape.width / 2},${at.y - shape.height / 2})"><title>${escaped(titleOf(nodes, groupOf))}</title>${content}</g>`;
}

function boxMarkup(nodes: readonly OutlineNode[], { text, width, height }: NodeShape): string {
  const color = 'var(--muted)';
  const [before, after] = parametersOf(nodes);
  const change = before === after ? countText(before) : `${countText(before)} → ${countText(after)}`;
  const box = `width="${width}" height="${height}" rx="8" stroke="${color}" stroke-width="1.4"`;
  const parts = [
    `<rect x="${SHEET}" y="${SHEET}" ${box} fill="var(--paper)"/>`,
    `<rect ${box} fill="color-mix(in oklab, ${color} 7%, var(--paper))"/>`,
    `<text x="10" y="18" text-anchor="start" font-weight="600">${countOf(nodes)}</text>`,
    `<text x="10" y="34" text-anchor="start" font-size="11">${escaped(text)}</text>`,
    `<text x="${width - 10}" y="18" text-anchor="end" font-weight="600">${change}</text>`,
  ];
  if (before > 0 && after < before) {
    const bar = width - 20;
    parts.push(
      `<rect x="10" y="${height - 8}" width="${bar}" height="3" rx="1.5" fill="var(--grid)"/>`,
      `<rect x="10" y="${height - 8}" width="${Math.round((bar * after) / before)}" height="3" rx="1.5" fill="var(--c1)"/>`,
    );
  }
  return parts.join('');
}

function pillMarkup({ text, width, height }: NodeShape): string {
  return `<rect width="${width}" height="${height}" rx="${height / 2}" fill="color-mix(in oklab, var(--muted) 18%, var(--paper))" stroke="var(--muted)" stroke-width="1.4"/><text x="${width / 2}" y="${height / 2}" dy="0.33em">${escaped(text)}</text>`;
}

function countOf(nodes: readonly OutlineNode[]): string {
  const layers = nodes.filter(({ isLayer }) => isLayer).length;
  if (layers === 0) return `${nodes.length} joins`;
  return layers === 1 ? '1 layer' : `${layers} layers`;
}

function parametersOf(nodes: readonly OutlineNode[]): readonly [number, number] {
  return [
    nodes.reduce((sum, { before }) => sum + before.parameters, 0),
    nodes.reduce((sum, { after }) => sum + (after?.parameters ?? 0), 0),
  ];
}

/** What the names of the first and the last layer begin with, to the end of a part of a path; else both. */
function spanOf(nodes: readonly OutlineNode[]): string {
  const layers = nodes.filter(({ isLayer }) => isLayer);
  const first = (layers[0] ?? nodes[0])?.name ?? '';
  const last = layers.at(-1)?.name ?? first;
  if (first === last) return first;
  let shared = 0;
  while (shared < first.length && first[shared] === last[shared]) shared++;
  const prefix = first.slice(0, shared).replace(/[^/.]*$/, '');
  const rest = (name: string): string => name.slice(prefix.length).split(/[/.]/)[0] ?? '';
  return prefix === '' ? `${first} – ${last}` : `${prefix}${rest(first)} – ${rest(last)}`;
}

function titleOf(nodes: readonly OutlineNode[], groupOf: (group: string | null) => number): string {
  const [before, after] = parametersOf(nodes);
  const layers = nodes.filter(({ isLayer }) => isLayer);
  const [first = nodes[0], last = nodes.at(-1)] = [layers[0], layers.at(-1)];
  const macs = (of: (node: OutlineNode) => number | null | undefined): number =>
    nodes.reduce((sum, node) => sum + (of(node) ?? 0), 0);
  const operators = new Map<string, number>();
  for (const { operator } of layers) operators.set(operator, (operators.get(operator) ?? 0) + 1);
  const groups = [...new Set(nodes.flatMap(({ group }) => groupOf(group) || []))].sort((a, b) => a - b);
  const kept = nodes.filter((node) => node.kept !== null).length;
  return [
    `${countOf(nodes)}, from ${first?.name ?? ''} to ${last?.name ?? ''}`,
    told([...operators].map(([operator, count]) => `${count} ${operator}`)),
    countsText('parameters', before, after),
    countsText(
      'multiply-accumulates',
      macs((node) => node.before.macs),
      macs((node) => node.after?.macs),
    ),
    groups.length === 0 ? '' : `${groups.length === 1 ? 'group' : 'groups'} ${told(groups.map(String))}`,
    kept === 0 ? '' : `${kept} kept whole`,
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function told(all: readonly string[]): string {
  const rest = all.length - MOST_TOLD;
  return `${all.slice(0, MOST_TOLD).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
