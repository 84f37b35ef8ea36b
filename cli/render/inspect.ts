import type { GroupOutline, InspectReport, LayerReport } from '../../src/report/report.ts';
import { shellLine } from '../../src/report/shell-words.ts';
import { type Context, contextOf, joinSections, paragraph, type RenderOptions, section } from './context.ts';
import { formatAmount, formatBytes, formatCount, formatInteger, formatPercent } from './format.ts';
import { byCount, folded, head, LONGEST_TABLE, listed, renderKept, renderUnknownOperators } from './lists.ts';
import { type Cell, renderTable } from './table.ts';
import { displayWidth, layerName, printable, wrap } from './text.ts';
import { BYTES_NOTE, macsGap } from './totals.ts';

/**
 * What a model is made of and which of its channels could leave, for a person at a terminal.
 *
 * @returns lines of at most `width` columns, the last one ended too
 */
export function renderInspect(report: InspectReport, options: RenderOptions): string {
  const context = contextOf(options);
  const groups = head(context, report.groups, LONGEST_TABLE);
  const operators = byCount(report.operators).map(([name, nodes]) => `${printable(name)} ${formatInteger(nodes)}`);
  return joinSections([
    headline(context, report),
    section(context, 'Inputs', renderValues(context, report.inputs)),
    section(context, 'Outputs', renderValues(context, report.outputs)),
    section(context, 'Operators', operators.length === 0 ? [] : paragraph(context, operators.join(', '))),
    section(context, 'Layers', [...renderLayers(context, report.layers), ...macsGap(context, report.macsUnknown)]),
    section(context, `Groups of channels that can shrink: ${formatInteger(report.groups.length)}`, [
      ...groups.flatMap((group) => renderGroup(context, group, report.parameters)),
      ...folded(context, report.groups.length, groups.length, 'group'),
      ...(groups.length === 0
        ? paragraph(context, 'none: no channel can leave; --unstructured makes weights zero', '  ', context.ink.yellow)
        : groupsFoot(context, report)),
    ]),
    renderKept(context, report.kept, 'What stays, and why'),
    renderUnknownOperators(context, report.unknownOperators),
  ]);
}

function headline(context: Context, { input, parameters, macs, operators }: InspectReport): string[] {
  const nodes = Object.values(operators).reduce((sum, count) => sum + count, 0);
  const facts = [
    formatBytes(input.fileBytes),
    `opset ${input.opset}`,
    `IR ${input.irVersion}`,
    ...(input.producer === '' ? [] : [printable(input.producer)]),
  ];
  const sizes = [
    formatCount(nodes, 'node'),
    `${formatAmount(parameters)} parameters`,
    `${formatAmount(macs)} MACs per sample`,
  ];
  return [
    ...paragraph(context, context.ink.bold(printable(input.path)), ''),
    ...paragraph(context, sizes.join(' · '), ''),
    ...paragraph(context, `${facts.join(' · ')} (${BYTES_NOTE})`, '', context.ink.dim),
  ];
}

function renderValues(context: Context, values: InspectReport['inputs']): string[] {
  const rows = values.map(({ name, type, dims }): Cell[] => [
    printable(name),
    { text: printable(type), paint: context.ink.dim },
    formatDims(dims),
  ]);
  const shown = head(context, rows, LONGEST_TABLE);
  if (rows.length === 0) return [];
  const columns = [{ title: 'name', flexible: true }, { title: 'type' }, { title: 'dims', flexible: true }];
  return [...renderTable(context, columns, shown), ...folded(context, rows.length, shown.length, 'value')];
}

function formatDims(dims: readonly (number | string)[]): string {
  return `[${dims.map((dim) => printable(String(dim))).join(', ')}]`;
}

function renderLayers(context: Context, layers: readonly LayerReport[]): string[] {
  if (layers.length === 0) return [];
  const shown = head(context, layers, LONGEST_TABLE);
  const columns = [
    { title: 'node', flexible: true },
    { title: 'operator' },
    { title: 'output', flexible: true, optional: true },
    { title: 'parameters', align: 'right' },
    { title: 'MACs', align: 'right' },
  ] as const;
  const rows = shown.map(({ node, operator, output, parameters, macs }): Cell[] => [
    printable(node),
    printable(operator),
    { text: formatDims(output), paint: context.ink.dim },
    formatAmount(parameters),
    macs === null ? '–' : formatAmount(macs),
  ]);
  return [...renderTable(context, columns, rows), ...folded(context, layers.length, shown.length, 'layer')];
}

/** What the groups come to, and what to do with their names. */
function groupsFoot(context: Context, { prunableParameters, parameters, input }: InspectReport): string[] {
  const share = formatPercent(parameters === 0 ? 0 : prunableParameters / parameters);
  const lines = [
    `Their weights hold ${share} of all parameters; one between two groups counts for both.`,
    `--only, --exclude and recipes take these names, and those behind "made by". What each bears: ${shellLine(['onnx-prune', 'sensitivity', input.path])}`,
  ];
  return ['', ...lines.flatMap((text) => paragraph(context, printable(text), '  ', context.ink.dim))];
}

function renderGroup(context: Context, group: GroupOutline, parameters: number): string[] {
  const { ink, verbose } = context;
  const cuts = group.cuts.map(
    ({ initializer, axis, length }) => `${initializer} axis ${axis} of ${formatInteger(length)}`,
  );
  const branches: [string, string][] = [
    ['made by', listed(context, group.producers)],
    ['read by', listed(context, group.consumers)],
    ...(verbose ? [['cuts', listed(context, cuts)] satisfies [string, string]] : []),
  ];
  const what = group.part === null ? '' : group.part === 'heads' ? ': whole heads' : ': dimensions inside heads';
  const unit = `${what}${group.unit > 1 ? `, ${formatInteger(group.unit)} leave together` : ''}`;
  const held = `${formatAmount(group.parameters)} parameters (${formatPercent(group.parameters / Math.max(1, parameters))})`;
  const size = `${formatCount(group.channels, 'channel')}${unit} · ${held}`;
  const leaves = branches.filter(([, text]) => text !== '');
  return [
    ...paragraph(context, `${ink.cyan(printable(layerName(group.name, group.producers[0])))}  ${size}`),
    ...leaves.flatMap(([label, text], index) => renderBranch(context, label, text, index === leaves.length - 1)),
  ];
}

/** One leaf of the tree; wrapped lines go on below its text, beside the trunk where it goes on. */
function renderBranch({ ink, width }: Context, label: string, text: string, last: boolean): string[] {
  const first = `  ${last ? '└─' : '├─'} ${label.padEnd(8)} `;
  const further = `  ${last ? ' ' : '│'}`.padEnd(displayWidth(first));
  return wrap(text, width - displayWidth(first)).map((line, index) => ink.dim(index === 0 ? first : further) + line);
}
