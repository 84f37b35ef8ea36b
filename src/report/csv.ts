import type { Sheet } from './csv/cells.ts';
import { compareSheet, inspectSheet, pruneSheet } from './csv/models.ts';
import { sensitivitySheet, sweepSheet } from './csv/studies.ts';
import type { AnyReport } from './json.ts';
import { isCompareReport, isInspectReport, isSensitivityReport, isSweepReport } from './kind.ts';

/**
 * A report as comma-separated values (RFC 4180, with line feeds), a head and then a row for each thing. Numbers are not rounded,
 * fractions are of 1, unknown figures are empty. Names that a spreadsheet would take for a formula (those that begin with `=`, `+`, `-`,
 * `@`, a tab or a carriage return) have an apostrophe before them; the report as JSON has them unchanged.
 *
 * - prune, a layer a row (where there is no outline: a group, a sparse tensor, a layer on integers a row, other columns empty): layer, operator, initializer, group,
 *   kept_because, channels_before, channels_asked, channels_after, unit, criterion, parameters_before, parameters_after, non_zeros_before,
 *   non_zeros_after, macs_before, macs_after, dims_before, dims_after, weights, zeros_before, zeros_after, sparsity, integers (how), bits,
 *   output_off (of how the output varies), float_because
 * - inspect, a layer a row: layer, operator, output (dims), parameters, macs
 * - compare, an output a row: output, on, samples, type, dims, elements, identical, mismatches, constant, cosine, relative_l2, max_abs_error,
 *   max_abs_reference, argmax_agreement, non_finite_a, non_finite_b, problem
 * - sweep, a point a row, the original first: series, of, choice_… (one for each option in which series differ), then the figures of a point
 * - sensitivity, a layer and amount a row: layer, made_by (its nodes), of, size, bears, by, drop, then the figures of a point
 *
 * The figures of a point: amount, reached, accuracy, top5, loss, agreement, cosine, parameters, non_zeros, macs, macs_unknown, nodes, file_bytes,
 * gzip_bytes, median_ms, p10_ms, p90_ms, original_ms, speed_up, speed_up_p25, speed_up_p75, significant, problem.
 */
export async function renderCsv(report: AnyReport): Promise<string> {
  const { csvFormat } = await import('d3-dsv');
  const { columns, rows } = sheetOf(report);
  return `${csvFormat([...rows], [...columns])}\n`;
}

function sheetOf(report: AnyReport): Sheet {
  if (isSweepReport(report)) return sweepSheet(report);
  if (isSensitivityReport(report)) return sensitivitySheet(report);
  if (isCompareReport(report)) return compareSheet(report);
  if (isInspectReport(report)) return inspectSheet(report);
  return pruneSheet(report);
}
