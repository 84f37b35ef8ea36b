import type { NodeFigures, OutlineNode } from '../outline.ts';
import type { Box, Spot } from './graph-layout.ts';
import { escaped, shortName, textWidth } from './names.ts';
import { changeText, countText } from './number-text.ts';
import { seriesColor } from './series-style.ts';
import { FONT_SIZE } from './svg.ts';

/** How a node is drawn: a layer as a box, a place where ways meet as a circle or pill, an end of the graph as a pill. */
export interface NodeShape extends Box {
  readonly kind: 'layer' | 'join' | 'end';
  /** What is written in it. */
  readonly text: string;
}

const NAME_LENGTH = 29;
/** Width and height of a layer. */
export const LAYER: Box = { width: 224, height: 48 };
/** About how wide a character of bold text is, against its font size. */
const BOLD = 0.64;
const JOIN_SIGNS: Readonly<Record<string, string>> = { Add: '+', Sum: '+', Sub: '\u2212', Mul: '×', Div: '÷' };

/** The shape of a node. @param isEnd whether nothing leads to it, or nothing away */
export function shapeOf(node: OutlineNode, isEnd: boolean): NodeShape {
  if (node.isLayer) return { kind: 'layer', text: shortName(node.name, NAME_LENGTH), ...LAYER };
  if (isEnd) return pill('end', shortName(node.name, NAME_LENGTH));
  const sign = JOIN_SIGNS[node.operator];
  return sign === undefined ? pill('join', node.operator) : { kind: 'join', text: sign, width: 26, height: 26 };
}

/** A rounded shape as wide as its text. */
export function pill(kind: NodeShape['kind'], text: string): NodeShape {
  const short = shortName(text, NAME_LENGTH);
  return { kind, text: short, width: Math.round(textWidth(short, FONT_SIZE)) + 22, height: 26 };
}

/**
 * The markup of a node.
 * @param group number of its group, from 1; 0 for none
 */
export function nodeMarkup(node: OutlineNode, shape: NodeShape, at: Spot, group: number): string {
  const content = shape.kind === 'layer' ? layerMarkup(node, shape, group) : pillMarkup(node, shape, group);
  const faded = node.after === null ? ' opacity="0.6"' : '';
  return `<g transform="translate(${at.x - shape.width / 2},${at.y - shape.height / 2})"${faded}><title>${escaped(titleOf(node, group))}</title>${content}</g>`;
}

function layerMarkup(node: OutlineNode, { text, width, height }: NodeShape, group: number): string {
  const color = group === 0 ? 'var(--muted)' : seriesColor(group - 1);
  const fill = `color-mix(in oklab, ${color} ${group === 0 ? 7 : 15}%, var(--paper))`;
  const dash = node.kept === null ? '' : ' stroke-dasharray="5 3"';
  const figures = widthText(node);
  const end = width - (group === 0 ? 10 : 40);
  const room = Math.floor((end - 20) / (FONT_SIZE * BOLD)) - figures.length;
  const parts = [
    `<rect width="${width}" height="${height}" rx="8" fill="${fill}" stroke="${color}" stroke-width="1.4"${dash}/>`,
    `<text x="10" y="18" text-anchor="start"><tspan font-weight="600">${escaped(begun(node.operator, room))}</tspan></text>`,
    `<text x="10" y="34" text-anchor="start" font-size="11">${escaped(text)}</text>`,
    `<text x="${end}" y="18" text-anchor="end" font-weight="600">${escaped(figures)}</text>`,
  ];
  if (group > 0) {
    parts.push(
      `<rect x="${width - 34}" y="5" width="28" height="17" rx="8.5" fill="var(--paper)" stroke="${color}"/>`,
      `<text x="${width - 20}" y="17.5" font-size="11" font-weight="600">${group}</text>`,
    );
  }
  const share = shareLeft(node);
  if (share !== null && share < 1) {
    const bar = width - 20;
    parts.push(
      `<rect x="10" y="${height - 8}" width="${bar}" height="3" rx="1.5" fill="color-mix(in oklab, ${color} 28%, var(--paper))"/>`,
      `<rect x="10" y="${height - 8}" width="${Math.round(bar * share)}" height="3" rx="1.5" fill="${color}"/>`,
    );
  }
  return parts.join('');
}

/** An operator in at most `most` characters, at least 4: its beginning tells what it is. */
function begun(operator: string, most: number): string {
  const characters = [...operator];
  return characters.length <= most ? operator : `${characters.slice(0, Math.max(3, most - 1)).join('')}…`;
}

function pillMarkup(node: OutlineNode, { kind, text, width, height }: NodeShape, group: number): string {
  const color = kind === 'end' || group === 0 ? 'var(--muted)' : seriesColor(group - 1);
  const strength = kind === 'end' ? 18 : 8;
  const dash = node.kept === null || kind === 'end' ? '' : ' stroke-dasharray="3 2"';
  return `<rect width="${width}" height="${height}" rx="${height / 2}" fill="color-mix(in oklab, ${color} ${strength}%, var(--paper))" stroke="${color}" stroke-width="1.4"${dash}/><text x="${width / 2}" y="${height / 2}" dy="0.33em">${escaped(text)}</text>`;
}

/**
 * The axis that counts channels: the one that became shorter; where none did, axis 1 of what convolutions give (N, C, …), and the
 * last of all else.
 */
function channelAxis({ before, after }: OutlineNode): number {
  const { dims } = before;
  const changed = after === null ? -1 : dims.findIndex((length, axis) => length !== after.dims[axis]);
  if (changed >= 0) return changed;
  return dims.length >= 4 ? 1 : dims.length - 1;
}

function widthOf(figures: NodeFigures, axis: number): string {
  return String(figures.dims[axis] ?? '?');
}

/** "64 → 40", or "64" where nothing left. */
export function widthText(node: OutlineNode): string {
  const axis = channelAxis(node);
  const before = widthOf(node.before, axis);
  if (node.after === null) return `${before} → left`;
  const after = widthOf(node.after, axis);
  return shortName(before === after ? before : `${before} → ${after}`, 16);
}

/** What share of a node's width is left; null where lengths are not known. */
function shareLeft(node: OutlineNode): number | null {
  const axis = channelAxis(node);
  const before = node.before.dims[axis];
  const after = node.after === null ? 0 : node.after.dims[axis];
  return typeof before === 'number' && typeof after === 'number' && before > 0 ? after / before : null;
}

/** `1.73k → 1.08k parameters (−38%)`, or `1.73k parameters` where nothing changed. */
export function countsText(what: string, from: number, to: number): string {
  return from === to
    ? `${countText(from)} ${what}`
    : `${countText(from)} → ${countText(to)} ${what} (${changeText(from, to)})`;
}

function titleOf(node: OutlineNode, group: number): string {
  const { before, after } = node;
  const dims = (figures: NodeFigures): string => `[${figures.dims.join(', ')}]`;
  const said = [`${node.name} (${node.operator})`];
  if (after === null) said.push(`${dims(before)}, left the model`);
  else said.push(dims(before) === dims(after) ? dims(before) : `${dims(before)} → ${dims(after)}`);
  if (before.parameters > 0) said.push(countsText('parameters', before.parameters, after?.parameters ?? 0));
  if (before.macs !== null) said.push(countsText('multiply-accumulates', before.macs, after?.macs ?? 0));
  if (group > 0) said.push(`group ${group}: ${node.group ?? ''}`);
  if (node.kept !== null) said.push(`kept whole because ${node.kept}`);
  return said.join('\n');
}
