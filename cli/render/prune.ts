import { isPruned } from '../../src/gates.ts';
import { deeds } from '../../src/report/deeds.ts';
import type { Report } from '../../src/report/report.ts';
import { type Context, contextOf, joinSections, marked, paragraph, type RenderOptions, section } from './context.ts';
import { renderFidelity } from './fidelity.ts';
import { formatCount, formatInteger, formatSeconds } from './format.ts';
import { renderGains } from './gains.ts';
import { renderGates } from './gates.ts';
import { goalLines, isMissed, renderGoal } from './goal.ts';
import { renderGroups } from './groups.ts';
import { renderLatency } from './latency.ts';
import { renderKept, renderUnknownOperators } from './lists.ts';
import { renderRedundant, renderStorage } from './lossless.ts';
import { renderProof } from './proof.ts';
import { renderQuantization } from './quantization.ts';
import { renderRecovery } from './recovery.ts';
import { printable } from './text.ts';
import { renderTotals } from './totals.ts';
import { renderKeptWeights, renderWeights } from './weights.ts';

/**
 * What a pruning run has to say, for a person at a terminal.
 *
 * @returns lines of at most `width` columns, the last one ended too
 */
export function renderReport(report: Report, options: RenderOptions): string {
  const context = contextOf(options);
  const { pruning, size } = report;
  const kept = renderKept(context, pruning.kept, 'Not pruned');
  const unknown = renderUnknownOperators(context, report.unknownOperators);
  const groups = section(context, 'Channels', renderGroups(context, pruning.groups));
  const proof = renderProof(context, report.proof, pruning.removedChannels > 0);
  // Whoever got nothing wants to know why, before anything else; and nobody should look for a failed proof.
  const nothing = !isPruned(report);
  const failed = report.proof?.passed === false;
  return joinSections([
    headline(context, report),
    ...(failed ? [proof] : []),
    renderGoal(context, report.goal),
    renderGates(context, report.gates),
    renderRedundant(context, report.lossless, 'Without a trace'),
    ...(nothing ? [kept, unknown, groups] : [groups]),
    renderRecovery(context, report.recovery),
    renderWeights(context, report.weights),
    renderRedundant(context, report.freed, 'Freed by zeros'),
    renderQuantization(context, report.quantization),
    renderStorage(context, report),
    section(context, 'Size', renderTotals(context, size.before, size.after)),
    ...(failed ? [] : [proof]),
    renderFidelity(context, report.fidelity, 'original against result'),
    renderLatency(context, report.latency),
    ...(nothing ? [] : [kept, unknown]),
    renderKeptWeights(context, report.weights),
    notes(context, report),
    footer(context, report),
  ]);
}

function headline(context: Context, report: Report): string[] {
  const { ink } = context;
  const { input, output, cleaning, proof } = report;
  const hasFailed =
    proof?.passed === false ||
    (report.goal !== null && isMissed(report.goal)) ||
    report.gates.some(({ passed }) => !passed);
  const unwritten = hasFailed ? ink.red('nothing written') : ink.yellow('dry run, nothing written');
  const target = output === null ? unwritten : ink.bold(printable(output.path));
  const lines = paragraph(context, `${ink.bold(printable(input.path))} → ${target}`, '');
  if (cleaning.nodesAfter !== cleaning.nodesBefore) {
    const text = `tidied first, outputs unchanged: ${formatInteger(cleaning.nodesBefore)} → ${formatCount(cleaning.nodesAfter, 'node')}`;
    lines.push(...paragraph(context, text, '', ink.dim));
  }
  lines.push(...goalLines(report.goal).flatMap((text) => paragraph(context, text, '')));
  if (storesOnly(report))
    return [...lines, ...paragraph(context, 'stored anew; nothing else was asked for', '', ink.dim)];
  if (isPruned(report))
    return [
      ...lines,
      ...deeds(report).flatMap((text) => paragraph(context, text, '')),
      ...renderGains(context, report),
    ];
  lines.push(
    ...paragraph(context, report.quantization === null ? 'NOTHING WAS PRUNED' : 'NOTHING WAS CHANGED', '', (line) =>
      ink.bold(ink.yellow(line)),
    ),
  );
  lines.push(...paragraph(context, whyNothing(report), '', ink.yellow));
  return lines;
}

/** Whether the way the model is stored is all that was asked for, and all that changed. */
function storesOnly({ options, weights, lossless, quantization, storage }: Report): boolean {
  if (quantization !== null) return false;
  const isAsked = storage.gzip || storage.sparseTensors !== null || storage.half !== null;
  return isAsked && options['criterion'] === undefined && weights === null && (lossless?.removedChannels ?? 0) === 0;
}

function whyNothing({ pruning, weights, quantization, options, goal }: Report): string {
  if (quantization?.untouched) return `It stays as it is, since ${printable(quantization.untouched)}.`;
  if (quantization !== null && options['criterion'] === undefined && weights === null)
    return 'No layer could be quantized, for the reasons below.';
  const { groups, kept } = pruning;
  if (goal?.sought?.by === 'drop')
    return 'Every amount that was tried and removes anything loses more than --max-drop allows.';
  if (weights !== null) return 'The weights are as sparse as asked for already, or none may become zero.';
  if (options['criterion'] === undefined)
    return 'No channel is unread, zero, the same for all inputs, or a multiple of another.';
  if (groups.length > 0) {
    const which =
      groups.length === 1
        ? 'The one group that could shrink keeps'
        : `All ${formatInteger(groups.length)} groups that could shrink keep`;
    return `${which} every channel: the amount is too small for the alignment or the limits. The table below tells what was asked for.`;
  }
  return kept.length > 0
    ? 'Every group of channels has to stay whole, for the reasons below.'
    : 'No group of channels was found: no layer makes channels that another one sums over.';
}

function notes(context: Context, { notes }: Report): string[] {
  return section(
    context,
    'Notes',
    notes.flatMap((note) => marked(context, context.ink.yellow('!'), printable(note))),
  );
}

function footer(context: Context, { environment, seconds, options, input, tool }: Report): string[] {
  const stages = Object.entries(seconds);
  const total = stages.reduce((sum, [, spent]) => sum + spent, 0);
  const took = stages.length === 0 ? [] : [`took ${formatSeconds(total)}`];
  if (!context.verbose) return took.flatMap((text) => paragraph(context, text, '', context.ink.dim));
  const each = stages.map(([stage, spent]) => `${printable(stage)} ${formatSeconds(spent)}`).join(', ');
  const settings = Object.entries(options).map(
    ([name, value]) => `${name}=${Array.isArray(value) ? value.join(',') : value}`,
  );
  const { node, platform, cpu, kernelBlock } = environment;
  return [
    ...took.map((text) => `${text}: ${each}`),
    `options: ${printable(settings.join(' ')) || 'none'}`,
    `model: opset ${input.opset}, made by ${printable(input.producer) || 'an unnamed producer'}`,
    `made by ${tool.name} ${printable(tool.version)} on Node ${printable(node)}, ${printable(platform)}, ${printable(cpu)}, kernels in blocks of ${kernelBlock}`,
  ].flatMap((text) => paragraph(context, text, '', context.ink.dim));
}
