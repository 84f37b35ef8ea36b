import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { replaceFiles } from '../onnx/replace-files.ts';
import type { CompareReport, InspectReport, Report } from './report.ts';
import type { SensitivityReport, SweepReport } from './study.ts';

/** Any of the reports. */
export type AnyReport = Report | InspectReport | CompareReport | SweepReport | SensitivityReport;

/** A report as JSON text, indented, with a newline at the end. Infinite and NaN figures become null. */
export function renderJson(report: AnyReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/**
 * Checks, before any work, that a report can be written in the form its file name asks for, and in the place of nothing
 * else.
 * @param taken files that the run reads or writes, by what they are to it ("the model", "the output")
 * @throws OnnxPruneError `bad-option`
 */
export function checkReportPath(option: string, path: string, taken: Readonly<Record<string, string>> = {}): void {
  const extension = extname(path).toLowerCase();
  const refuse = (what: string): never => {
    throw new OnnxPruneError('bad-option', path, `${option} "${path}" ${what}.`);
  };
  if (extension !== '.json') {
    const found = extension === '' ? 'has no ending' : `ends in "${extension}"`;
    refuse(`must end in .json, the one form that reports have, but ${found}`);
  }
  const folder = dirname(resolve(path));
  if (!existsSync(folder)) refuse(`cannot be written: the folder "${folder}" does not exist; make it first`);
  if (existsSync(path) && statSync(path).isDirectory()) refuse('is a directory; name a file in it');
  for (const [what, other] of Object.entries(taken)) {
    if (realPathOf(path) === realPathOf(other)) refuse(`is ${what}; name another file`);
  }
}

/** A path without links and detours, of a file that may not be there yet. */
function realPathOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}

/** Writes a report, replacing what is there; the file is whole or not there. @throws OnnxPruneError `bad-file` */
export async function writeReport(path: string, report: AnyReport): Promise<void> {
  await replaceFiles([{ path, parts: [new TextEncoder().encode(renderJson(report))] }]);
}
