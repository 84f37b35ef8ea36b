import type { AnyReport } from './json.ts';
import type { CompareReport, InspectReport, Report } from './report.ts';
import type { SensitivityReport, SweepReport } from './study.ts';

/** The command that made a report. */
export type ReportKind = 'prune' | 'inspect' | 'compare' | 'sweep' | 'sensitivity';

/** Which of the reports this is, told by the fields that it alone has. A report of `quantize` is one of `prune`. */
export function kindOf(report: AnyReport): ReportKind {
  if ('kind' in report) return report.kind;
  if ('a' in report) return 'compare';
  return 'recipe' in report ? 'inspect' : 'prune';
}

/** Whether it is the report of a pruning run. */
export function isPruneReport(report: AnyReport): report is Report {
  return kindOf(report) === 'prune';
}

/** Whether it is a report of `inspect`. */
export function isInspectReport(report: AnyReport): report is InspectReport {
  return kindOf(report) === 'inspect';
}

/** Whether it is a report of `compare`. */
export function isCompareReport(report: AnyReport): report is CompareReport {
  return kindOf(report) === 'compare';
}

/** Whether it is a report of `sweep`. */
export function isSweepReport(report: AnyReport): report is SweepReport {
  return kindOf(report) === 'sweep';
}

/** Whether it is a report of `sensitivity`. */
export function isSensitivityReport(report: AnyReport): report is SensitivityReport {
  return kindOf(report) === 'sensitivity';
}
