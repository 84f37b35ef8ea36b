import { formatBytes, formatCosine, formatError, formatMilliseconds } from '../format.ts';
import type { CompareReport, SizeTrial } from '../report.ts';
import { type Block, comment } from './comment.ts';
import { changeRow, changeTable, fidelityBlock, gatesTable, latencyRows, originBlock, qualityRows } from './figures.ts';
import { capped, code, details, prose, right, table } from './text.ts';

const MOST_SIZES = 40;

/** How two models differ, as a comment on GitHub. */
export function compareMarkdown(report: CompareReport): string {
  const { a, b, fidelity, onCalibration, latency, latencyAllCores, gates } = report;
  const rows = [
    ...changeRow('file', a.fileBytes, b.fileBytes, formatBytes),
    ...changeRow('peak memory', a.footprint?.peakBytes ?? null, b.footprint?.peakBytes ?? null, formatBytes),
    ...changeRow('load', a.footprint?.loadMs ?? null, b.footprint?.loadMs ?? null, formatMilliseconds),
    ...latencyRows(latency),
    ...latencyRows(latencyAllCores),
    ...qualityRows(fidelity),
  ];
  return comment([
    {
      name: 'Summary',
      lines: [
        verdict(report),
        '',
        ...changeTable(rows, ['A', 'B']),
        ...(fidelity.on === 'random inputs'
          ? ['⚠️ Quality was measured on random inputs, which tell little about accuracy.', '']
          : []),
        ...gatesTable(gates),
      ],
    },
    fidelityBlock(fidelity),
    fidelityBlock(onCalibration, 'Outputs on calibration data'),
    sizesBlock(report.sizes),
    originBlock(report),
  ]);
}

function verdict({ a, b, gates, fidelity, sizes }: CompareReport): string {
  const models = `${code(a.path)} (A) against ${code(b.path)} (B)`;
  const failed = gates.filter(({ passed }) => !passed).map(({ gate }) => code(gate));
  if (failed.length > 0) return `❌ **${failed.join(', ')} failed**: ${models}`;
  const problems = [...fidelity.outputs, ...sizes].filter(({ problem }) => problem != null).length;
  if (problems > 0) return `❌ **not everything could be compared**: ${models}`;
  if (gates.length > 0) return `✅ **all gates passed**: ${models}`;
  const same = fidelity.outputs.every(({ identical }) => identical);
  return `**${same ? 'same outputs' : 'outputs differ'}**: ${models}`;
}

function sizesBlock(sizes: readonly SizeTrial[]): Block {
  const { shown, rest } = capped(sizes, MOST_SIZES, 'sizes');
  const rows = shown.map(({ batch, dims, relativeL2, cosine, problem }) => [
    String(batch),
    Object.keys(dims).length === 0
      ? ''
      : code(
          Object.entries(dims)
            .map(([name, size]) => `${name}=${size}`)
            .join(', '),
        ),
    cosine === null ? '–' : formatCosine(cosine),
    relativeL2 === null ? '–' : formatError(relativeL2),
    problem === null ? '' : `❌ ${prose(problem)}`,
  ]);
  const lines = [...table([right('batch'), 'open axes', right('cosine'), right('relative L2'), ''], rows), ...rest];
  return { name: 'Other sizes', lines: details('Other sizes, on random inputs', lines) };
}
