import {
  formatChange,
  formatCosine,
  formatCount,
  formatError,
  formatLoss,
  formatMilliseconds,
  formatPercent,
  formatPoints,
  formatRatio,
} from '../format.ts';
import { gateFigureOr, gateVerdict } from '../gate-text.ts';
import type { GateReport } from '../gates.ts';
import type { EnvironmentReport, FidelityReport, LatencyReport } from '../report.ts';
import { shellLine } from '../shell-words.ts';
import type { Block } from './comment.ts';
import { capped, code, details, fenced, prose, right, table } from './text.ts';

/** A row of a table of before, after and change; Markdown. */
export type ChangeRow = readonly [string, string, string, string];

/** A row for a figure of both models; nothing where it is missing on one side. */
export function changeRow(
  name: string,
  before: number | null,
  after: number | null,
  show: (value: number) => string,
): ChangeRow[] {
  if (before === null || after === null) return [];
  return [[name, show(before), show(after), formatChange(before, after) ?? '']];
}

/** The columns of such rows. */
export function changeTable(rows: readonly ChangeRow[], names: readonly [string, string]): string[] {
  return table(['', right(names[0]), right(names[1]), right('change')], rows);
}

/** Whether it is faster, in words: `no significant change (1.01×)`, `2.00× as fast`; null where nothing was timed. */
export function speedText(latency: LatencyReport | null): string | null {
  const speedUp = latency?.after.speedUp;
  if (speedUp === undefined) return null;
  const ratio = formatRatio(speedUp.median);
  if (!speedUp.significant) return `no significant change (${ratio})`;
  return speedUp.median < 1 ? `slower: ${ratio} the speed` : `${ratio} as fast`;
}

/** Times of both models. */
export function latencyRows(latency: LatencyReport | null, name = 'latency'): ChangeRow[] {
  if (latency === null) return [];
  const { before, after, threads } = latency;
  const what = `${name} (${formatCount(threads, 'thread')})`;
  return [[what, formatMilliseconds(before.median), formatMilliseconds(after.median), speedText(latency) ?? '']];
}

/** Answers of both models, or how far they are apart where there are no labels. */
export function qualityRows(fidelity: FidelityReport | null): ChangeRow[] {
  if (fidelity === null) return [];
  const { accuracy, regression, outputs } = fidelity;
  if (accuracy !== null && accuracy.total > 0) {
    const { total, hitsA, hitsB, top5A, top5B, lossA, lossB } = accuracy;
    return [
      pointsRow('accuracy', hitsA / total, hitsB / total),
      ...(top5A === null || top5B === null ? [] : [pointsRow('top-5 accuracy', top5A / total, top5B / total)]),
      ...(Number.isFinite(lossA) ? changeRow('loss', lossA, lossB, formatLoss) : []),
    ];
  }
  if (regression !== null) return changeRow('mean squared error', regression.mseA, regression.mseB, formatLoss);
  const alike = outputs.filter(({ problem }) => problem === undefined);
  const agreement = least(alike.map(({ argmaxAgreement }) => argmaxAgreement));
  const cosine = least(alike.map((output) => output.cosine));
  return [
    ...(agreement === null ? [] : [['same answers', '', formatPercent(agreement), ''] as const]),
    ...(cosine === null ? [] : [['cosine of outputs', '', formatCosine(cosine), ''] as const]),
  ];
}

function pointsRow(name: string, before: number, after: number): ChangeRow {
  return [name, formatPercent(before), formatPercent(after), formatPoints(after - before)];
}

function least(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? null : Math.min(...known);
}

/** How gates came out; nothing where none were given. */
export function gatesTable(gates: readonly GateReport[]): string[] {
  const rows = gates.map((gate) => [
    gate.passed ? '✅' : '❌',
    code(gate.gate),
    gateFigureOr(gate, gate.limit),
    gateFigureOr(gate, gate.found),
    gateVerdict(gate),
    prose(gate.of),
  ]);
  return table(['', 'gate', right('limit'), right('found'), 'margin', 'of'], rows);
}

const MOST_OUTPUTS = 40;

/** How far outputs are apart, one by one. */
export function fidelityBlock(fidelity: FidelityReport | null, title = 'Outputs'): Block {
  if (fidelity === null) return { name: title, lines: [] };
  const { outputs, uncompared, on, samples, notes = [] } = fidelity;
  const { shown, rest } = capped(outputs, MOST_OUTPUTS, 'outputs');
  const rows = shown.map(({ name, cosine, relativeL2, maxAbsError, argmaxAgreement, problem }) => [
    code(name),
    cosine === undefined ? '–' : formatCosine(cosine),
    relativeL2 === undefined ? '–' : formatError(relativeL2),
    maxAbsError === undefined ? '–' : formatError(maxAbsError),
    argmaxAgreement === undefined ? '–' : formatPercent(argmaxAgreement),
    problem === undefined ? '' : `❌ ${prose(problem)}`,
  ]);
  const columns = ['output', right('cosine'), right('relative L2'), right('max error'), right('same arg-max'), ''];
  return {
    name: title,
    lines: details(`${title}: on ${on}, ${formatCount(samples, 'sample')}`, [
      ...table(columns, rows),
      ...rest,
      ...bullets([
        ...uncompared.map(({ name, reason }) => `${code(name)} not compared: ${prose(reason)}`),
        ...notes.map(prose),
      ]),
    ]),
  };
}

/** A list of texts that are Markdown already. */
export function bullets(texts: readonly string[]): string[] {
  return texts.length === 0 ? [] : [...texts.map((text) => `- ${text}`), ''];
}

const MOST_NOTES = 30;

/** Remarks. */
export function notesBlock(notes: readonly string[]): Block {
  const { shown, rest } = capped(notes, MOST_NOTES, 'notes');
  return { name: 'Notes', lines: details('Notes', [...bullets(shown.map(prose)), ...rest]) };
}

/** What made the figures, and the command that makes them again. */
export function originBlock({
  environment,
  command,
  tool,
}: {
  readonly environment?: EnvironmentReport;
  readonly command?: readonly string[];
  readonly tool?: { readonly name: string; readonly version: string };
}): Block {
  const lines = [
    ...(command === undefined ? [] : fenced(shellLine(command), 'sh')),
    ...bullets([
      ...(tool === undefined ? [] : [prose(`${tool.name} ${tool.version}`)]),
      ...(environment === undefined
        ? []
        : [prose(`Node ${environment.node}, ${environment.platform}, ${environment.cpu}`)]),
    ]),
  ];
  return { name: 'Command and environment', lines: details('Command and environment', lines) };
}
