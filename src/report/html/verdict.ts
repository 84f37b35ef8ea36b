import { isPruned } from '../../gates.ts';
import { formatBytes, formatChange, formatLoss, formatPercent, formatPoints } from '../format.ts';
import type { FidelityReport, ProofReport, Report } from '../report.ts';
import { gatesTally } from './gates.ts';
import { isMissed } from './goal.ts';
import { speedText } from './latency.ts';
import { mark, name } from './section.ts';
import { type Html, html } from './template.ts';

/** What came of a run that pruned or quantized, in a sentence or two. */
export function verdict(report: Report): Html {
  const { size, latency, fidelity, gates, goal } = report;
  const saved = formatChange(size.before.fileBytes, size.after.fileBytes);
  const file =
    size.before.fileBytes === size.after.fileBytes
      ? 'The file is as large as before'
      : `The file is ${formatBytes(size.after.fileBytes)} instead of ${formatBytes(size.before.fileBytes)} (${saved})`;
  const facts = [
    ...(latency === null ? [] : [speedWords(latency.after.speedUp)]),
    ...(fidelity === null ? [] : [qualityWords(fidelity)]),
  ].filter((text) => text !== '');
  const marks = [
    proofMark(report.proof),
    ...(gates.length === 0 ? [] : [gatesMark(gates)]),
    ...(goal === null ? [] : [isMissed(goal) ? mark('bad', 'goal missed') : mark('good', 'goal met')]),
    ...qualityMarks(fidelity),
  ];
  return html`<p>${problemOf(report)}${[file, ...facts].join('; ')}.</p><p class="marks">${marks.map((each, index) => html`${index > 0 && ' '}${each}`)}</p>`;
}

/** Where the result is, or why it is nowhere. */
export function resultText({ output, options }: Report): Html {
  if (output !== null) return name(output.path);
  return options['dryRun'] === true ? html`not written (dry run)` : html`not written, since the run failed`;
}

/** How the gates came out, with those named that failed. */
export function gatesMark(gates: Report['gates']): Html {
  const failed = gates.filter(({ passed }) => !passed).map(({ gate }) => gate);
  return mark(failed.length === 0 ? 'good' : 'bad', [
    gatesTally(gates),
    failed.length > 0 && html` (${failed.map((gate, index) => html`${index > 0 && ', '}${name(gate)}`)})`,
  ]);
}

/** That accuracy is not known, where it is not: nothing was compared, or on random inputs alone. */
export function qualityMarks(fidelity: FidelityReport | null): readonly Html[] {
  if (fidelity === null) return [mark('warn', 'accuracy not measured')];
  if (fidelity.on !== 'random inputs' || fidelity.outputs.every(({ identical }) => identical)) return [];
  return [mark('warn', 'accuracy not measured: no test data')];
}

function problemOf(report: Report): Html | null {
  const { proof, gates, goal, output, options, size } = report;
  const unwritten = output === null && options['dryRun'] !== true && 'Nothing was written. ';
  if (proof?.passed === false)
    return html`<strong class="bad">The proof failed: do not use the result. ${unwritten}</strong>`;
  if (gates.some(({ passed }) => !passed))
    return html`<strong class="bad">The result does not keep to its gates. ${unwritten}</strong>`;
  if (isMissed(goal)) return html`<strong class="bad">The goal was missed. ${unwritten}</strong>`;
  if (unwritten !== false) return html`<strong class="bad">${unwritten}</strong>`;
  const isSame = !isPruned(report) && size.after.fileBytes >= size.before.fileBytes;
  return isSame ? html`<strong class="warn">Nothing was removed. </strong>` : null;
}

function proofMark(proof: ProofReport | null): Html {
  if (proof === null) return mark('warn', 'not proven');
  if (!proof.passed) return mark('bad', 'proof failed');
  const isEmpty = proof.cut.length + proof.frontier.length + proof.cleaned.length === 0;
  return isEmpty ? mark('quiet', 'nothing rewired, nothing to prove') : mark('good', 'proof passed');
}

function speedWords(speedUp: NonNullable<Report['latency']>['after']['speedUp']): string {
  if (speedUp === undefined || speedUp === null) return '';
  return speedUp.significant
    ? `it runs ${speedText(speedUp.median)}`
    : 'the time of a run did not change significantly';
}

function qualityWords({ accuracy, regression, outputs }: FidelityReport): string {
  if (accuracy !== null && accuracy.total > 0) {
    const { hitsA, hitsB, total } = accuracy;
    return `accuracy went from ${formatPercent(hitsA / total)} to ${formatPercent(hitsB / total)} (${formatPoints((hitsB - hitsA) / total)})`;
  }
  if (regression !== null)
    return `the mean squared error went from ${formatLoss(regression.mseA)} to ${formatLoss(regression.mseB)}`;
  return outputs.length > 0 && outputs.every(({ identical }) => identical) ? 'all outputs are equal' : '';
}
