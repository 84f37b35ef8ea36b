import { basename } from 'node:path';
import { formatAmount, formatBytes, formatCount, formatPercent } from '../format.ts';
import type { Report } from '../report.ts';
import { groupsTable, keptTable, redundantParts, unknownParts } from './channels.ts';
import { chartFigure, chartFigures } from './chart-figure.ts';
import { fidelityParts, qualityTile } from './fidelity.ts';
import { latencyFigure, outlineFigures } from './figures.ts';
import { gatesTable } from './gates.ts';
import { goalParts } from './goal.ts';
import { latencyParts, latencyTile } from './latency.ts';
import { layersTable } from './layers.ts';
import { proofParts } from './proof.ts';
import { quantizationParts } from './quantization.ts';
import { runSections } from './run-parts.ts';
import { facts, name, type PageContent, part, section } from './section.ts';
import { type Html, html } from './template.ts';
import { lessTile, type Tile, tiles } from './tiles.ts';
import { resultText, verdict } from './verdict.ts';
import { recoveryParts, storageParts, weightsParts } from './weights.ts';

/** The page of a run that pruned or quantized. */
export async function prunePage(report: Report): Promise<PageContent> {
  const { input, output, outline, latency, fidelity, pruning, unknownOperators } = report;
  const { graph, layers } = await outlineFigures(outline);
  const model = basename(input.path);
  const unwritten = report.options['dryRun'] === true ? 'dry run' : 'nothing written';
  const made = output === null ? unwritten : basename(output.path);
  return {
    kind: kindText(report),
    title: `${model} → ${made}`,
    headline: html`${name(model)} <span class="arrow">→</span> ${output === null ? made : name(made)}`,
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

function kindText({ quantization, options }: Report): string {
  if (quantization === null) return 'Pruning report';
  const isPruning = ['structured', 'unstructured', 'heads', 'target', 'recipe'].some((option) => option in options);
  return isPruning ? 'Pruning and quantization report' : 'Quantization report';
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

function fileFacts(report: Report): Html | null {
  const { input, cleaning, size, tool } = report;
  return facts([
    ['Model', name(input.path)],
    ['Result', resultText(report)],
    ['Made by', name(input.producer === '' ? 'unknown' : input.producer)],
    ['Operator set', String(input.opset)],
    ['Nodes', `${cleaning.nodesBefore} → ${size.after.nodes}`],
    ['onnx-prune', tool.version],
  ]);
}
