import { extname } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { replaceFiles } from '../onnx/replace-files.ts';
import { checkPlace, refusePath } from './file-place.ts';
import { type AnyReport, renderJson } from './json.ts';

/** What makes the text of a report, by the ending of its file. Each form is loaded when it is asked for. */
const FORMS: ReadonlyMap<string, (report: AnyReport) => Promise<string>> = new Map([
  ['.json', async (report: AnyReport) => renderJson(report)],
  ['.html', async (report: AnyReport) => (await import('./html/page.ts')).renderHtml(report)],
  ['.md', async (report: AnyReport) => (await import('./markdown.ts')).renderMarkdown(report)],
  ['.csv', async (report: AnyReport) => (await import('./csv.ts')).renderCsv(report)],
]);

/**
 * Checks, before any work, that a report can be written in the form its file name asks for (`.json`, `.html`, `.md` or `.csv`, in
 * large or small letters), and in the place of nothing else.
 * @param taken files that the run reads or writes, by what they are to it ("the model", "the output")
 * @throws OnnxPruneError `bad-option`
 */
export function checkReportPath(option: string, path: string, taken: Readonly<Record<string, string>> = {}): void {
  const extension = extname(path).toLowerCase();
  if (!FORMS.has(extension)) {
    const found = extension === '' ? 'has no ending' : `ends in "${extension}"`;
    refusePath(option, path, `must end in .json, .html, .md or .csv, the forms that reports have, but ${found}`);
  }
  checkPlace(option, path, taken);
}

/**
 * Writes a report in the form that the ending of the path asks for, replacing what is there; the file is whole or not there.
 * @throws OnnxPruneError `bad-option` for an ending that no form has, `bad-file` where it cannot be written
 */
export async function writeReport(path: string, report: AnyReport): Promise<void> {
  const form = FORMS.get(extname(path).toLowerCase());
  if (form === undefined) {
    const message = `The report "${path}" must end in .json, .html, .md or .csv, the forms that reports have.`;
    throw new OnnxPruneError('bad-option', path, message);
  }
  const bytes = new TextEncoder().encode(await form(report));
  await replaceFiles([{ path, parts: [bytes], bytes: bytes.length }]);
}
