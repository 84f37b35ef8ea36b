import { formatCount, formatInteger, formatPercent } from './format.ts';
import type { Report } from './report.ts';

/** What a run did to the model, in plain text: a line for each step that did something. */
export function deeds({ lossless, pruning, weights, freed, quantization }: Report): string[] {
  const lines: string[] = [];
  if (lossless !== null && lossless.removedChannels > 0)
    lines.push(`removed ${formatCount(lossless.removedChannels, 'channel')} that changed no output`);
  const removed = pruning.groups.reduce((sum, { before, after }) => sum + before - after, 0);
  if (removed > 0) {
    const before = pruning.groups.reduce((sum, group) => sum + group.before, 0);
    const share = formatPercent(removed / before);
    const changed = pruning.groups.filter((group) => group.after < group.before).length;
    lines.push(
      `removed ${formatInteger(removed)} of ${formatCount(before, 'channel')} (${share}) in ${formatCount(changed, 'group')}`,
    );
  }
  if (weights !== null && weights.zeroed > 0) {
    const changed = weights.layers.filter(({ zerosBefore, zerosAfter }) => zerosAfter > zerosBefore).length;
    lines.push(
      `made ${formatInteger(weights.zeroed)} of ${formatCount(weights.weights, 'weight')} zero (${formatPercent(weights.sparsity)} are) in ${formatCount(changed, 'tensor')}`,
    );
  }
  if (freed !== null && freed.removedChannels > 0)
    lines.push(`removed ${formatCount(freed.removedChannels, 'channel')} that the zeros freed`);
  if (quantization !== null && quantization.layers.length > 0) lines.push(quantized(quantization));
  return lines;
}

function quantized({ layers, floats }: NonNullable<Report['quantization']>): string {
  const weights = layers.reduce((sum, layer) => sum + layer.weights, 0);
  const types = [...new Set(layers.map((layer) => `int${layer.bits}`))].join(' and ');
  const stay = `${formatCount(floats.length, 'layer')} ${floats.length === 1 ? 'stays' : 'stay'} in float32`;
  const left = floats.length === 0 ? '' : `; ${stay}`;
  return `quantized ${formatCount(layers.length, 'layer')} to ${types} (${formatCount(weights, 'weight')})${left}`;
}
