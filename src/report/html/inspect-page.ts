import { basename } from 'node:path';
import { formatAmount, formatBytes, formatCount, formatInteger } from '../format.ts';
import type { InspectReport } from '../report.ts';
import { keptTable, unknownParts } from './channels.ts';
import { chartFigure, chartFigures } from './chart-figure.ts';
import { distributionFigures, outlineFigures } from './figures.ts';
import { runSections } from './run-parts.ts';
import { facts, folded, name, names, type PageContent, part, section } from './section.ts';
import { figure, table } from './table.ts';
import { type Html, html, verbatim } from './template.ts';
import { tiles } from './tiles.ts';

/** The page of what a model is made of, and what can be removed. */
export async function inspectPage(report: InspectReport): Promise<PageContent> {
  const { input, layers, groups, outline } = report;
  const model = basename(input.path);
  const { graph, layers: shares } = await outlineFigures(outline);
  const distributions = await distributionFigures(report.distributions);
  return {
    kind: 'What the model is made of',
    title: `${model}: layers and groups`,
    headline: name(model),
    lead: html`<p>${formatCount(layers.length, 'layer')} with ${formatAmount(report.parameters)} parameters; ${groups.length === 0 ? 'no group of channels can be pruned' : `${formatCount(groups.length, 'group')} of channels can be pruned`}.</p>`,
    sections: [
      ...section('numbers', 'In numbers', numbers(report), modelFacts(report)),
      ...section('drawing', 'The model', chartFigure(graph, true)),
      ...section('layers', 'Layers', layersTable(report), chartFigures([shares])),
      ...section('groups', 'Groups', groupsTable(report)),
      ...section('distributions', 'Weights', chartFigures(distributions)),
      ...section('kept', 'What stays whole', keptTable(report.kept), unknownParts(report.unknownOperators)),
      ...section(
        'recipe',
        'Recipe',
        html`<p>To start from, with <code>--recipe</code>: an entry for every group.</p>`,
        folded(
          'Show the recipe',
          html`<div class="command"><pre><code>${verbatim(JSON.stringify(report.recipe, null, 2))}</code></pre></div>`,
        ),
      ),
      ...runSections(report.command === undefined ? {} : { command: report.command }),
    ],
  };
}

function numbers({ parameters, macs, macsUnknown, input, groups, layers }: InspectReport): Html {
  return tiles([
    { label: 'File size', value: formatBytes(input.fileBytes) },
    { label: 'Parameters', value: formatAmount(parameters) },
    {
      label: 'Multiply-accumulates',
      value: formatAmount(macs),
      ...(macsUnknown > 0 ? { note: `${formatCount(macsUnknown, 'node')} of unknown size left out` } : {}),
    },
    { label: 'Layers', value: formatInteger(layers.length) },
    {
      label: 'Groups of channels',
      value: formatInteger(groups.length),
      note: `${formatInteger(groups.reduce((sum, { channels }) => sum + channels, 0))} channels`,
    },
  ]);
}

function modelFacts({ input, inputs, outputs, operators }: InspectReport): Html {
  const shape = ({ type, dims }: InspectReport['inputs'][number]): string => `${type} ${dims.join('×')}`;
  return html`${facts([
    ['Model', name(input.path)],
    ['Made by', name(input.producer === '' ? 'unknown' : input.producer)],
    ['Operator set', String(input.opset)],
    ['IR version', String(input.irVersion)],
  ])}${part('Inputs', facts(inputs.map((each) => [each.name, shape(each)])))}${part('Outputs', facts(outputs.map((each) => [each.name, shape(each)])))}${part('Operators', facts(Object.entries(operators).map(([operator, count]) => [operator, formatInteger(count)])))}`;
}

function layersTable({ layers }: InspectReport): Html | null {
  return table({
    caption: 'Layers in the order in which they run',
    noun: 'layer',
    columns: [
      { title: 'Layer' },
      { title: 'Operator' },
      { title: 'Output', as: 'number' },
      { title: 'Parameters', as: 'number' },
      { title: 'MACs', as: 'number' },
    ],
    rows: layers.map(({ node, operator, output, parameters, macs }) => [
      name(node),
      operator,
      output.join('×'),
      figure(parameters, formatAmount),
      figure(macs, formatAmount),
    ]),
  });
}

function groupsTable({ groups }: InspectReport): Html | null {
  return table({
    caption: 'Groups: channels that leave together',
    noun: 'group',
    columns: [
      { title: 'Group' },
      { title: 'Channels', as: 'number' },
      { title: 'At a time', as: 'number' },
      { title: 'Made by', as: 'words' },
      { title: 'Read by', as: 'words' },
    ],
    rows: groups.map(({ name: group, channels, unit, part: kind, producers, consumers }) => [
      html`${name(group)}${kind !== null && html`<span class="operator">${kind === 'heads' ? 'heads' : 'inside heads'}</span>`}`,
      figure(channels, formatInteger),
      figure(unit, formatInteger),
      names(producers, 3),
      names(consumers, 3),
    ]),
  });
}
