import type { FloatNode, FusionReport } from '../../src/quantize/fusion.ts';
import type { FloatLayer } from '../../src/quantize-report.ts';
import { type Context, marked, paragraph, section } from './context.ts';
import { formatInteger, formatPercent } from './format.ts';
import { byCount, folded, head, listed } from './lists.ts';
import { printable } from './text.ts';

/** Reasons and nodes that lists show before they fold the rest. */
const MOST_NODES = 8;

/**
 * What onnxruntime runs on int8 and what not, by its own optimised graph.
 * @param left layers that stay in float32 on purpose, which are listed elsewhere
 */
export function renderFusion(context: Context, fusion: FusionReport, left: readonly FloatLayer[]): string[] {
  const { ink } = context;
  const { integer, kernels, overruled } = fusion;
  const meant = new Set(left.map(({ node }) => node));
  const missed = fusion.floats.filter(({ node }) => !meant.has(node));
  const isRight = integer > 0 && missed.length === 0 && overruled.length === 0;
  const kinds = byCount(kernels).map(([name, count]) => `${formatInteger(count)} ${name}`);
  return section(context, 'What onnxruntime runs', [
    ...marked(context, isRight ? ink.green('✓') : ink.yellow('!'), tally(fusion)),
    ...(kinds.length === 0 ? [] : paragraph(context, `int8 kernels: ${listed(context, kinds)}`, '    ', ink.dim)),
    ...misses(context, missed),
    ...(overruled.length === 0
      ? []
      : marked(
          context,
          ink.yellow('!'),
          `run on int8 though meant to stay in float32, since onnxruntime quantizes weights between quantizers by itself: ${listed(context, overruled)}`,
        )),
  ]);
}

/** How many nodes compute on what. */
function tally({ integer, float, conversions, layout, time }: FusionReport): string {
  const part = (what: string, nodes: number, share: number | undefined): string => {
    const timed = share === undefined || nodes === 0 ? '' : ` (${formatPercent(share)} of the time)`;
    return `${nodes === 0 ? 'none' : formatInteger(nodes)} ${what}${timed}`;
  };
  return `nodes of its graph: ${[
    part('on int8', integer, time?.integer),
    part('in float32', float, time?.float),
    part('converting or rearranging', conversions + layout, time === null ? undefined : time.conversions + time.layout),
  ].join(', ')}`;
}

/** Nodes that onnxruntime leaves in float32 though what they read is int8, and what to do about it. */
function misses(context: Context, nodes: readonly FloatNode[]): string[] {
  if (nodes.length === 0) return [];
  const shown = head(context, nodes, MOST_NODES);
  return [
    ...shown.flatMap(({ node, operator, reason, share }) =>
      marked(
        context,
        '·',
        `${printable(node)} (${printable(operator)}) runs in float32${share === null ? '' : `, ${formatPercent(share)} of the time`}: ${printable(reason)}`,
        context.ink.dim,
      ),
    ),
    ...folded(context, nodes.length, shown.length, 'node'),
    ...paragraph(
      context,
      'what these read is converted for them in each run; where that takes long, leave the layers around them in float32 with --float',
      '    ',
      context.ink.dim,
    ),
  ];
}
