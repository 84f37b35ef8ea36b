import { basename } from 'node:path';
import { formatBytes, formatCosine, formatError, formatMilliseconds, formatPercent, formatPoints } from '../format.ts';
import type { CompareReport } from '../report.ts';
import { chartFigures } from './chart-figure.ts';
import { fidelityParts, qualityTile } from './fidelity.ts';
import { latencyFigure } from './figures.ts';
import { gatesTable } from './gates.ts';
import { latencyParts, latencyTile, speedText } from './latency.ts';
import { runSections } from './run-parts.ts';
import { mark, name, type PageContent, part, section } from './section.ts';
import { change, figure, table } from './table.ts';
import { type Html, html } from './template.ts';
import { lessTile, tiles } from './tiles.ts';
import { gatesMark, qualityMarks } from './verdict.ts';

/** What both models are called. */
const MODELS = ['A', 'B'] as const;

/** The page of two models that are compared. */
export async function comparePage(report: CompareReport): Promise<PageContent> {
  const { a, b, fidelity, onCalibration, latency, latencyAllCores, gates } = report;
  const [first, second] = [basename(a.path), basename(b.path)];
  const both: readonly [string, string] = [`A: ${first}`, `B: ${second}`];
  return {
    kind: 'Comparison of two models',
    title: `${first} and ${second} compared`,
    headline: html`${name(first)} <span class="arrow">vs</span> ${name(second)}`,
    lead: verdict(report),
    sections: [
      ...section('numbers', 'In numbers', numbers(report)),
      ...section('gates', 'Gates', gatesTable(gates)),
      ...section(
        'outputs',
        'Outputs',
        fidelityParts(fidelity, 'B against A', MODELS),
        onCalibration !== null && part('On calibration data', fidelityParts(onCalibration, 'B against A', MODELS)),
      ),
      ...section('sizes', 'Other sizes', sizesTable(report)),
      ...section(
        'latency',
        'Latency',
        latency !== null && latencyParts(latency, both),
        latencyAllCores !== null && part('On all cores', latencyParts(latencyAllCores, both)),
        chartFigures([await latencyFigure(latency, MODELS), await latencyFigure(latencyAllCores, MODELS)]),
      ),
      ...section('footprint', 'Files and memory', footprintTable(report)),
      ...runSections(report),
    ],
  };
}

function verdict({ fidelity, latency, gates, a, b }: CompareReport): Html {
  const problems = fidelity.outputs.filter(({ problem }) => problem);
  const outputs =
    problems.length > 0
      ? 'Some outputs cannot be compared'
      : fidelity.outputs.every(({ identical }) => identical)
        ? 'All outputs are equal'
        : 'Outputs differ';
  const file = `B is ${formatBytes(b.fileBytes)} where A is ${formatBytes(a.fileBytes)}`;
  const speedUp = latency?.after.speedUp ?? null;
  const speed =
    speedUp === null
      ? null
      : speedUp.significant
        ? `B is ${speedText(speedUp.median)}`
        : 'there is no significant difference in speed';
  const marks = [...(gates.length > 0 ? [gatesMark(gates)] : []), ...qualityMarks(fidelity)];
  return html`<p>${[outputs, accuracyText(fidelity), file, speed].filter((text) => text !== null).join('; ')}.</p>${
    marks.length > 0 && html`<p class="marks">${marks.map((each, index) => html`${index > 0 && ' '}${each}`)}</p>`
  }`;
}

function accuracyText({ accuracy }: CompareReport['fidelity']): string | null {
  if (accuracy === null || accuracy.total === 0) return null;
  const { hitsA, hitsB, total } = accuracy;
  return `the accuracy of B is ${formatPercent(hitsB / total)} where that of A is ${formatPercent(hitsA / total)} (${formatPoints((hitsB - hitsA) / total)})`;
}

function numbers({ a, b, fidelity, latency, latencyAllCores }: CompareReport): Html {
  const memory = a.footprint !== null && b.footprint !== null;
  return tiles([
    qualityTile(fidelity),
    lessTile('File size', a.fileBytes, b.fileBytes, formatBytes),
    latency === null ? null : latencyTile(latency),
    latencyAllCores === null ? null : latencyTile(latencyAllCores, 'Time per run, all cores'),
    memory && a.footprint !== null && b.footprint !== null
      ? lessTile('Peak memory', a.footprint.peakBytes, b.footprint.peakBytes, formatBytes, undefined, 'less')
      : null,
    memory && a.footprint !== null && b.footprint !== null
      ? lessTile('Time to load', a.footprint.loadMs, b.footprint.loadMs, formatMilliseconds, undefined, 'faster')
      : null,
  ]);
}

function sizesTable({ sizes }: CompareReport): Html | null {
  return table({
    caption: 'Open axes at other sizes, on random inputs',
    noun: 'size',
    columns: [
      { title: 'Size' },
      { title: 'Relative L2', as: 'number' },
      { title: 'Cosine', as: 'number' },
      { title: 'Result', as: 'words' },
    ],
    rows: sizes.map(({ batch, dims, relativeL2, cosine, problem }) => [
      [`batch ${batch}`, ...Object.entries(dims).map(([symbol, size]) => `${symbol} ${size}`)].join(', '),
      figure(relativeL2, formatError),
      figure(cosine, formatCosine),
      problem === null ? 'ran' : html`${mark('bad', 'did not')}: ${problem}`,
    ]),
  });
}

function footprintTable({ a, b }: CompareReport): Html | null {
  const memory =
    a.footprint === null || b.footprint === null
      ? []
      : [
          ['Peak memory', change(a.footprint.peakBytes, b.footprint.peakBytes, formatBytes)],
          ['Of that, the runtime alone', change(a.footprint.baseBytes, b.footprint.baseBytes, formatBytes)],
          ['Time to load', change(a.footprint.loadMs, b.footprint.loadMs, formatMilliseconds)],
        ];
  return table({
    caption: 'A → B, each in a process of its own',
    noun: 'figure',
    columns: [{ title: 'Figure' }, { title: 'A → B', as: 'number' }],
    rows: [['File', change(a.fileBytes, b.fileBytes, formatBytes)], ...memory],
  });
}
