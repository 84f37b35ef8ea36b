import type { SizeTrial } from '../../src/report/report.ts';
import { type Context, marked, section } from './context.ts';
import { formatCosine, formatCount, formatError } from './format.ts';
import { printable } from './text.ts';

/** Whether two models agree at further sizes of what their inputs leave open. */
export function renderSizes(context: Context, sizes: readonly SizeTrial[]): string[] {
  if (sizes.length === 0) return [];
  const { ink } = context;
  const failed = sizes.filter(({ problem }) => problem !== null);
  const well = sizes.filter(({ problem }) => problem === null);
  const errors = well.flatMap(({ relativeL2 }) => (relativeL2 === null ? [] : [relativeL2]));
  const cosines = well.flatMap(({ cosine }) => (cosine === null ? [] : [cosine]));
  const worst = [
    ...(errors.length > 0 ? [`largest relative L2 ${formatError(Math.max(...errors))}`] : []),
    ...(cosines.length > 0 ? [`smallest cosine ${formatCosine(Math.min(...cosines))}`] : []),
  ].join(', ');
  return section(context, 'Other sizes', [
    ...(well.length === 0
      ? []
      : marked(
          context,
          ink.green('✓'),
          `both ran at ${formatCount(well.length, 'further size')} (${well.map(sizeText).join('; ')}), on random inputs${worst === '' ? '' : `: ${worst}`}`,
        )),
    ...failed.flatMap((trial) =>
      marked(context, ink.red('✗'), `${sizeText(trial)}: ${printable(trial.problem ?? '')}`),
    ),
  ]);
}

function sizeText({ batch, dims }: SizeTrial): string {
  return [`batch ${batch}`, ...Object.entries(dims).map(([symbol, size]) => `${printable(symbol)} ${size}`)].join(', ');
}
