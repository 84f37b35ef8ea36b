import { basename } from 'node:path';
import { formatAmount, formatBytes, formatChange, formatCount, formatPercent, formatPoints } from '../format.ts';
import type { Report } from '../report.ts';
import { groupsTable, keptTable, redundantParts, unknownParts } from './channels.ts';
import { chartFigure, chartFigures } from './chart-figure.ts';
import { fidelityParts, qualityTile } from './fidelity.ts';
import { latencyFigure, outlineFigures } from './figures.ts';
import { gatesTable, gatesTally } from './gates.ts';
import { goalParts, isMissed } from './goal.ts';
import { latencyParts, latencyTile, speedText } from './latency.ts';
import { layersTable } from './layers.ts';
import { proofParts } from './proof.ts';
import { quantizationParts } from './quantization.ts';
import { runSections } from './run-parts.ts';
import { facts, mark, name, type PageContent, part, section } from './section.ts';
import { type Html, html } from './template.ts';
import { lessTile, type Tile, tiles } from './tiles.ts';
import { recoveryParts, storageParts, weightsParts } from './weights.ts';

/** The page of a run that pruned or quantized. */
export async function prunePage(report: Report): Promise<PageContent> {
  const { input, output, outline, latency, fidelity, pruning, unknownOperators } = report;
  const { graph, layers } = await outlineFigures(outline);
  const model = basename(input.path);
  const made = output === null ? 'dry run' : basename(output.path);
  return {
    kind: report.quantization === null ? 'Pruning report' : 'Pruning and quantization report',
    title: `${model} → ${made}`,
    headline: html`${name(model)} <span class="arrow">→</span> ${output === null ? 'dry run' : name(made)}`,
    lead: verdict(report),
    sections: [
      ...section('numbers', 'In numbers', numbers(report), fileFacts(report)),
      ...section('gates', 'Gates', gatesTable(report.gates)),
      ...section('goal', 'Goal', goalParts(report.goal)),
      ...section('drawing', 'The model', chartFigure(graph, true)),
      ...section(
        'layers',
        'Layers',
        outline === null &&
          html`<p class="quiet">The model has more than 10,000 layers, too many to be shown one by one.</p>`,
        layersTable(outline),
        chartFigures([layers]),
      ),
      ...section(
        'groups',
        'Channels',
        pruning.groups.length > 0 &&
          html`<p>${formatCount(pruning.removedChannels, 'channel')} left ${formatCount(pruning.groups.length, 'group')}.</p>`,
        groupsTable(pruning),
      ),
      ...section('recovery', 'Recovery', recoveryParts(report.recovery)),
      ...section(
        'weights',
        'Weights',
        weightsParts(report.weights),
        part('What the zeros freed', redundantParts(report.freed)),
      ),
      ...section('lossless', 'Lossless', redundantParts(report.lossless)),
      ...section('quantization', 'Integers', quantizationParts(report.quantization)),
      ...section('kept', 'Not pruned', keptTable(pruning.kept), unknownParts(unknownOperators)),
      ...section('proof', 'Proof', proofParts(report.proof)),
      ...section(
        'fidelity',
        'Fidelity',
        fidelity !== null && fidelityParts(fidelity, 'The result against the original'),
      ),
      ...section(
        'latency',
        'Latency',
        latency !== null && latencyParts(latency, ['before', 'after']),
        chartFigure(await latencyFigure(latency)),
      ),
      ...section('storage', 'Storage', storageParts(report.storage)),
      ...runSections(report),
    ],
  };
}

/** What came of it, in a sentence or two. */
function verdict(report: Report): Html {
  const { size, latency, fidelity, proof, gates, goal } = report;
  const saved = formatChange(size.before.fileBytes, size.after.fileBytes);
  const file =
    size.before.fileBytes === size.after.fileBytes
      ? 'The file is as large as before'
      : `The file is ${formatBytes(size.after.fileBytes)} instead of ${formatBytes(size.before.fileBytes)} (${saved})`;
  const facts = [
    ...(latency === null ? [] : [speedWords(latency.after.speedUp)]),
    ...(fidelity === null ? [] : [qualityWords(fidelity)]),
  ].filter((text) => text !== '');
  const problem =
    proof?.passed === false
      ? 'The proof failed: do not use the result. '
      : gates.some(({ passed }) => !passed)
        ? 'The result does not keep to its gates. '
        : isMissed(goal)
          ? 'The goal was missed. '
          : null;
  const verdicts = [
    ...(proof === null
      ? [mark('warn', 'not proven')]
      : [proof.passed ? mark('good', 'proof passed') : mark('bad', 'proof failed')]),
    ...(gates.length === 0 ? [] : [mark(gates.every(({ passed }) => passed) ? 'good' : 'bad', gatesTally(gates))]),
    ...(goal === null ? [] : [isMissed(goal) ? mark('bad', 'goal missed') : mark('good', 'goal met')]),
  ];
  return html`<p>${problem !== null && html`<strong class="bad">${problem}</strong>`}${[file, ...facts].join('; ')}.</p><p>${verdicts.map((each, index) => html`${index > 0 && html` &ensp; `}${each}`)}</p>`;
}

function speedWords(speedUp: NonNullable<Report['latency']>['after']['speedUp']): string {
  if (speedUp === undefined || speedUp === null) return '';
  return speedUp.significant
    ? `it runs ${speedText(speedUp.median)}`
    : 'the time of a run did not change significantly';
}

function qualityWords({ accuracy, outputs }: NonNullable<Report['fidelity']>): string {
  if (accuracy !== null && accuracy.total > 0) {
    const { hitsA, hitsB, total } = accuracy;
    return `accuracy went from ${formatPercent(hitsA / total)} to ${formatPercent(hitsB / total)} (${formatPoints((hitsB - hitsA) / total)})`;
  }
  return outputs.length > 0 && outputs.every(({ identical }) => identical) ? 'all outputs are equal' : '';
}

function numbers({ size: { before, after }, latency, fidelity, proof }: Report): Html {
  const zeros = after.parameters - after.nonZeros;
  const sparse = zeros > 0 ? `${formatPercent(zeros / after.parameters)} of them zero` : undefined;
  const gzip =
    before.gzipBytes !== null && after.gzipBytes !== null
      ? `gzip: ${formatBytes(before.gzipBytes)} → ${formatBytes(after.gzipBytes)}`
      : undefined;
  return tiles([
    lessTile('File size', before.fileBytes, after.fileBytes, formatBytes, gzip),
    lessTile('Parameters', before.parameters, after.parameters, formatAmount, sparse, 'fewer'),
    lessTile(
      'Multiply-accumulates',
      before.macs,
      after.macs,
      formatAmount,
      after.macsUnknown > 0 ? `${formatCount(after.macsUnknown, 'node')} of unknown size left out` : undefined,
      'fewer',
    ),
    latency === null ? null : latencyTile(latency),
    fidelity === null ? null : qualityTile(fidelity),
    proofTile(proof),
  ]);
}

function proofTile(proof: Report['proof']): Tile {
  if (proof === null) return { label: 'Proof', value: 'not checked', tone: 'warn', note: '--no-verify' };
  const outputs = [...proof.cut, ...proof.frontier, ...proof.cleaned];
  if (outputs.length === 0) return { label: 'Proof', value: 'nothing to prove', note: 'nothing was rewired' };
  const passed = outputs.filter((output) => output.passed).length;
  return {
    label: 'Proof',
    value: proof.passed ? 'passed' : 'failed',
    tone: proof.passed ? 'good' : 'bad',
    note: `cut against masked: ${passed} of ${formatCount(outputs.length, 'comparison')} equal`,
  };
}

function fileFacts({ input, output, cleaning, size, tool }: Report): Html | null {
  return facts([
    ['Model', name(input.path)],
    ['Result', output === null ? 'not written (dry run)' : name(output.path)],
    ['Made by', name(input.producer === '' ? 'unknown' : input.producer)],
    ['Operator set', String(input.opset)],
    ['Nodes', `${cleaning.nodesBefore} → ${size.after.nodes}`],
    ['onnx-prune', tool.version],
  ]);
}
