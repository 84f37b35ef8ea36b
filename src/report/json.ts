import type { CompareReport, InspectReport, Report } from './report.ts';
import type { SensitivityReport, SweepReport } from './study.ts';

/** Any of the reports. */
export type AnyReport = Report | InspectReport | CompareReport | SweepReport | SensitivityReport;

/** A report as JSON text, indented, with a newline at the end. Infinite and NaN figures become null. */
export function renderJson(report: AnyReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
