import type { SizeTrial } from '../../src/report/report.ts';
import { sizeText } from '../../src/report/size-text.ts';
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
          `both ran at ${formatCount(well.length, 'further size')} (${well.map(sizeOf).join('; ')}), on random inputs${worst === '' ? '' : `: ${worst}`}`,
        )),
    ...renderFailed(context, failed),
  ]);
}

/** Trials that fail for one reason say it once; where only sizes differ in it, it is one reason. */
function renderFailed(context: Context, failed: readonly SizeTrial[]): string[] {
  const alike = new Map<string, SizeTrial[]>();
  for (const trial of failed) {
    const reason = (trial.problem ?? '').replaceAll(/\d+/g, '#');
    alike.set(reason, [...(alike.get(reason) ?? []), trial]);
  }
  return [...alike.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const also = others.length === 0 ? '' : ` (alike: ${others.map(sizeOf).join('; ')})`;
    const text = `${sizeOf(first)}: ${printable(first.problem ?? '').replace(/\.$/, '')}${also}`;
    return marked(context, context.ink.red('✗'), text);
  });
}

function sizeOf(trial: SizeTrial): string {
  return printable(sizeText(trial));
}
