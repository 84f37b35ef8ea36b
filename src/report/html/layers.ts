import { formatAmount, formatInteger } from '../format.ts';
import type { Outline, OutlineNode } from '../outline.ts';
import { name } from './section.ts';
import { change, figure, table } from './table.ts';
import { type Html, html } from './template.ts';

type Dims = OutlineNode['before']['dims'];

/** The layers before and after; nothing where there is no outline. */
export function layersTable(outline: Outline | null): Html | null {
  const layers = outline?.nodes.filter(({ isLayer }) => isLayer) ?? [];
  const hasZeros = layers.some(
    ({ before, after }) => before.nonZeros < before.parameters || (after !== null && after.nonZeros < after.parameters),
  );
  return table({
    caption: 'Layers before and after',
    noun: 'layer',
    columns: [
      { title: 'Layer' },
      { title: 'Output', as: 'number' },
      { title: 'Channels', as: 'number' },
      { title: 'Parameters', as: 'number' },
      ...(hasZeros ? [{ title: 'Not zero', as: 'number' } as const] : []),
      { title: 'MACs', as: 'number' },
    ],
    rows: layers.map(({ name: layer, operator, before, after }) => [
      html`${name(layer)}<span class="operator">${operator}</span>`,
      dimsText(before.dims, after?.dims ?? null),
      change(channelsOf(before.dims), after === null ? null : channelsOf(after.dims), formatInteger),
      change(before.parameters, after?.parameters ?? null, formatAmount),
      ...(hasZeros ? [change(before.nonZeros, after?.nonZeros ?? null, formatAmount)] : []),
      before.macs === null ? figure(after?.macs, formatAmount) : change(before.macs, after?.macs ?? null, formatAmount),
    ]),
  });
}

/** Channels of an output: axis 1 of images and the like, the last axis of all else; null where unknown. */
function channelsOf(dims: Dims): number | null {
  const channels = dims.length > 3 ? dims[1] : dims.at(-1);
  return typeof channels === 'number' ? channels : null;
}

/** Dims after, with those told apart that have changed. */
function dimsText(before: Dims, after: Dims | null): Html {
  const shown = after ?? before;
  return html`${shown.map((dim, axis) => {
    const times = axis > 0 && '×';
    return after !== null && after.length === before.length && before[axis] !== dim
      ? html`${times}<span class="changed">${dim}</span>`
      : html`${times}${dim}`;
  })}`;
}
