import { isPruned } from '../../gates.ts';
import { deeds } from '../deeds.ts';
import {
  formatAmount,
  formatBytes,
  formatChange,
  formatCount,
  formatError,
  formatInteger,
  formatMilliseconds,
  formatPercent,
  formatPoints,
  formatShare,
} from '../format.ts';
import type { ProofReport, Report, TargetReport } from '../report.ts';
import { type Block, comment } from './comment.ts';
import {
  bullets,
  type ChangeRow,
  changeRow,
  changeTable,
  fidelityBlock,
  gatesTable,
  latencyRows,
  notesBlock,
  originBlock,
  qualityRows,
  speedText,
} from './figures.ts';
import { capped, code, details, prose, right, table } from './text.ts';

const MOST_GROUPS = 60;
const MOST_LAYERS = 80;
const MOST_REASONS = 30;
const MOST_NAMES = 8;

/** A pruning run as a comment on GitHub: the verdict, before and after, gates, and the rest folded. */
export function pruneMarkdown(report: Report): string {
  const { size, fidelity, latency, gates, proof } = report;
  const rows: readonly ChangeRow[] = [
    ...changeRow('parameters', size.before.parameters, size.after.parameters, formatAmount),
    ...changeRow('non-zero', size.before.nonZeros, size.after.nonZeros, formatAmount),
    ...changeRow('MACs per sample', size.before.macs, size.after.macs, formatAmount),
    ...changeRow('file', size.before.fileBytes, size.after.fileBytes, formatBytes),
    ...changeRow('gzip', size.before.gzipBytes, size.after.gzipBytes, formatBytes),
    ...latencyRows(latency),
    ...qualityRows(fidelity),
  ];
  return comment([
    {
      name: 'Summary',
      lines: [
        verdict(report),
        '',
        ...bullets([...deeds(report).map(prose), ...goalTexts(report)]),
        ...changeTable(rows, ['before', 'after']),
        proofLine(proof),
        ...dataLine(report),
        '',
        ...gatesTable(gates),
      ],
    },
    groupsBlock(report),
    layersBlock(report),
    quantizedBlock(report),
    keptBlock(report),
    proofBlock(proof),
    fidelityBlock(fidelity),
    notesBlock(report.notes),
    originBlock(report),
  ]);
}

function verdict(report: Report): string {
  const { input, output, options, proof, gates, goal, size, latency } = report;
  const failures = [
    ...(proof?.passed === false ? ['the proof failed'] : []),
    ...gates.filter(({ passed }) => !passed).map(({ gate }) => `${code(gate)} failed`),
    ...(goal?.target?.met === false ? ['the target was missed'] : []),
    ...(goal?.drop?.met === false && gates.length === 0 ? ['too many answers are lost'] : []),
  ];
  const where = output === null ? code(input.path) : `${code(input.path)} → ${code(output.path)}`;
  const unwritten = output === null && options['dryRun'] !== true ? ' (nothing written)' : '';
  if (failures.length > 0) return `❌ **${failures.join(', ')}**: ${where}${unwritten}`;
  if (!isPruned(report) && report.quantization === null && !storedOtherwise(report))
    return `⚠️ **nothing was pruned**: ${where}`;
  const facts = [
    `file ${formatChange(size.before.fileBytes, size.after.fileBytes) ?? 'as before'}`,
    ...(speedText(latency) === null ? [] : [speedWords(report)]),
    ...accuracyWords(report),
  ];
  return `✅ **${prose(facts.join(', '))}**: ${where}${output === null ? ' (dry run, nothing written)' : ''}`;
}

/** Whether the way of storing alone changed the model. */
function storedOtherwise({ size }: Report): boolean {
  return size.after.fileBytes !== size.before.fileBytes;
}

function speedWords({ latency }: Report): string {
  const text = speedText(latency) ?? '';
  return text.startsWith('no ') ? `${text.replace('change', 'change of speed')}` : text;
}

function accuracyWords({ fidelity }: Report): string[] {
  const accuracy = fidelity?.accuracy ?? null;
  if (accuracy === null || accuracy.total === 0) return [];
  const { hitsA, hitsB, total } = accuracy;
  return [`accuracy ${formatPercent(hitsB / total)} (${formatPoints((hitsB - hitsA) / total)})`];
}

function proofLine(proof: ProofReport | null): string {
  if (proof === null) return '⚠️ Proof: not checked (`--no-verify`).';
  if (!proof.passed && proof.unsteady !== undefined)
    return '❌ Proof: nothing can be proven, since the original itself gives other numbers when it runs again.';
  if (!proof.passed) return '❌ Proof: the cut model does **not** compute what the masked one does.';
  if (proof.cut.length === 0 && proof.cleaned.length === 0)
    return 'Proof: nothing was rewired, so there was nothing to prove.';
  const direct = proof.cut.filter(({ name }) => !proof.judgedByFrontier.includes(name));
  const worst = [...direct, ...proof.cleaned].reduce((most, { error }) => Math.max(most, error), 0);
  return `✅ Proof: the rewired model computes what the masked one does (largest error ${formatError(worst)}).`;
}

/** What the result was to come to, and whether it does. */
function goalTexts({ goal }: Report): string[] {
  const target = goal?.target ?? null;
  const sought = goal?.sought ?? null;
  return [
    ...(sought === null
      ? []
      : [
          `${sought.found ? 'found' : 'nothing better than'} ${formatShare(sought.amount)} of ${sought.of} in ${sought.tries.length} tries`,
        ]),
    ...(target === null
      ? []
      : [
          `${target.met ? '✅' : '❌'} ${target.kind}: ${targetFigure(target, target.reached)}, to be at most ${targetFigure(target, target.limit)}`,
        ]),
  ];
}

function targetFigure({ kind }: TargetReport, value: number): string {
  if (kind === 'latency') return formatMilliseconds(value);
  return kind === 'size' ? formatBytes(value) : formatAmount(value);
}

function dataLine({ fidelity }: Report): string[] {
  if (fidelity === null) return ['⚠️ Quality was not measured.'];
  return fidelity.on === 'random inputs'
    ? ['⚠️ Quality was measured on random inputs, which tell little about accuracy.']
    : [];
}

function groupsBlock({ pruning }: Report): Block {
  const changed = pruning.groups.filter(({ before, after }) => after < before);
  const { shown, rest } = capped(changed, MOST_GROUPS, 'groups');
  const rows = shown.map(({ name, before, after, criterion }) => [
    code(name),
    formatInteger(before),
    formatInteger(after),
    formatPercent((before - after) / before),
    code(criterion),
  ]);
  const columns = ['group', right('channels before'), right('after'), right('removed'), 'criterion'];
  const lines = details(`Groups: ${formatCount(changed.length, 'group')} of channels cut`, [
    ...table(columns, rows),
    ...rest,
  ]);
  return { name: 'Groups', lines: changed.length === 0 ? [] : lines };
}

function layersBlock({ outline, weights }: Report): Block {
  const zeros = weights?.layers.filter(({ zerosBefore, zerosAfter }) => zerosAfter > zerosBefore) ?? [];
  const tensors = capped(zeros, MOST_LAYERS, 'tensors');
  const changed =
    outline?.nodes.filter(({ isLayer, before, after }) => isLayer && after?.parameters !== before.parameters) ?? [];
  const layers = capped(changed, MOST_LAYERS, 'layers');
  const layerRows = layers.shown.map(({ name, operator, before, after }) => [
    code(name),
    code(operator),
    formatAmount(before.parameters),
    after === null ? 'left' : formatAmount(after.parameters),
    before.macs === null ? '–' : formatAmount(before.macs),
    after?.macs == null ? '–' : formatAmount(after.macs),
  ]);
  const zeroRows = tensors.shown.map(({ initializer, weights: count, sparsity }) => [
    code(initializer),
    formatAmount(count),
    formatPercent(sparsity),
  ]);
  const columns = [
    'layer',
    'operator',
    right('parameters before'),
    right('after'),
    right('MACs before'),
    right('after'),
  ];
  return {
    name: 'Layers',
    lines: details('Layers', [
      ...table(columns, layerRows),
      ...layers.rest,
      ...table(['tensor', right('weights'), right('zero')], zeroRows),
      ...tensors.rest,
    ]),
  };
}

function quantizedBlock({ quantization }: Report): Block {
  if (quantization === null) return { name: 'Integers', lines: [] };
  const { layers, floats, untouched } = quantization;
  const { shown, rest } = capped(layers, MOST_LAYERS, 'layers');
  const rows = shown.map(({ node, how, bits, after, energy }) => [
    code(node),
    `int${bits}, ${how}`,
    after === null || energy === null || energy <= 0 ? '–' : formatPercent(after / energy),
  ]);
  const kept = capped(floats, MOST_REASONS, 'layers');
  return {
    name: 'Integers',
    lines: details(`Integers: ${formatCount(layers.length, 'layer')}, and ${floats.length} in float32`, [
      ...(untouched === null ? [] : [`Left as it is, since ${prose(untouched)}.`, '']),
      ...table(['layer', 'type', right('output off')], rows),
      ...rest,
      ...bullets(kept.shown.map(({ node, reason }) => `${code(node)} stays in float32 because ${prose(reason)}`)),
      ...kept.rest,
    ]),
  };
}

function keptBlock({ pruning, unknownOperators }: Report): Block {
  return { name: 'Not pruned', lines: keptLines('Not pruned', pruning.kept, unknownOperators) };
}

/** What stays whole by reason, and operators without a rule, folded. */
export function keptLines(
  title: string,
  kept: Report['pruning']['kept'],
  unknownOperators: Report['unknownOperators'],
): string[] {
  const { shown, rest } = capped(kept, MOST_REASONS, 'reasons');
  const unknown = capped(Object.entries(unknownOperators), MOST_REASONS, 'operators');
  return details(title, [
    ...bullets(
      shown.map(({ reason, layers }) => {
        const names = layers.slice(0, MOST_NAMES).map(({ initializer, node }) => code(initializer || node));
        const more = layers.length > names.length ? ` and ${layers.length - names.length} more` : '';
        return `${reason.startsWith('--') ? 'by' : 'because'} ${prose(reason)}: ${names.join(', ')}${more}`;
      }),
    ),
    ...rest,
    ...bullets(unknown.shown.map(([name, count]) => `no rule for ${code(name)} (${formatCount(count, 'node')})`)),
    ...unknown.rest,
  ]);
}

function proofBlock(proof: ProofReport | null): Block {
  const outputs = proof === null ? [] : [...proof.cut, ...proof.frontier, ...proof.cleaned];
  const { shown, rest } = capped(outputs, MOST_GROUPS, 'outputs');
  const rows = shown.map(({ name, error, limit, passed, reason }) => [
    passed ? '✅' : '❌',
    code(name),
    formatError(error),
    formatError(limit),
    prose(reason),
  ]);
  const inputs = proof === null || rows.length === 0 ? [] : [`On ${prose(proof.inputs)}.`, ''];
  const lines = [...inputs, ...table(['', 'output', right('error'), right('limit'), 'limit by'], rows), ...rest];
  return { name: 'Proof', lines: details('Proof', lines) };
}
