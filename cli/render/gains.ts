import type { Report } from '../../src/report/report.ts';
import { type Context, paragraph } from './context.ts';
import { formatPercent, formatRatio } from './format.ts';

/** What quantizing gained and cost, in one line; nothing where nothing was quantized. */
export function renderGains(context: Context, report: Report): string[] {
  if ((report.quantization?.layers.length ?? 0) === 0) return [];
  const parts = [speed(report), size(report), accuracy(report)].filter((part) => part !== undefined);
  return paragraph(context, parts.join(', '), '', context.ink.bold);
}

function speed({ latency }: Report): string | undefined {
  const speedUp = latency?.after.speedUp;
  if (speedUp === undefined) return undefined;
  if (!speedUp.significant) return 'no faster';
  return `${formatRatio(speedUp.median)} ${speedUp.median < 1 ? 'the speed: slower' : 'as fast'}`;
}

function size({ size: { before, after } }: Report): string {
  if (after.fileBytes >= before.fileBytes) return 'file no smaller';
  return `file ${formatRatio(before.fileBytes / after.fileBytes)} smaller`;
}

function accuracy({ fidelity }: Report): string | undefined {
  if (fidelity === null) return undefined;
  const { accuracy: measured } = fidelity;
  if (measured === null || measured.total === 0) return 'accuracy not measured (--test with labels does)';
  const { hitsA, hitsB, total } = measured;
  return `accuracy ${formatPercent(hitsA / total)} → ${formatPercent(hitsB / total)}`;
}
