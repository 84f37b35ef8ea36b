import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { renderCsv } from '../../src/report/csv.ts';
import { renderHtml } from '../../src/report/html/page.ts';
import { renderJson } from '../../src/report/json.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { checkReportPath, writeReport } from '../../src/report/write.ts';
import { pruned } from './support/models.ts';

const folder = mkdtempSync(join(tmpdir(), 'onnx-prune-reports-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = await renderHtml(pruned);
const cells = await renderCsv(pruned);

describe('A report', () => {
  it.each([
    ['a.json', renderJson(pruned)],
    ['a.md', renderMarkdown(pruned)],
    ['a.csv', cells],
    ['a.html', page],
    ['A.HTML', page],
  ])('is written to %s in the form of its ending', async (file, text) => {
    checkReportPath('--report', at(file));
    writeFileSync(at(file), 'what was there');
    await writeReport(at(file), pruned);
    expect(readFileSync(at(file), 'utf8')).toBe(text);
  });

  it('of an ending that no form has is not written', async () => {
    await expect(writeReport(at('b.pdf'), pruned)).rejects.toMatchObject({ code: 'bad-option', subject: at('b.pdf') });
    expect(readdirSync(folder)).not.toContain('b.pdf');
  });
});

describe('The path of a report', () => {
  it.each([
    ['b.pdf', 'must end in .json, .html, .md or .csv, the forms that reports have, but ends in ".pdf"'],
    ['b', 'has no ending'],
    ['.html', 'has no ending'],
    ['nowhere/b.md', 'does not exist'],
    ['folder.csv', 'is a directory'],
  ])('%s is refused', (file, why) => {
    mkdirSync(at('folder.csv'), { recursive: true });
    expect(() => checkReportPath('--report', at(file))).toThrow(why);
  });

  it('is refused where it is another file of the run, behind a link, too', () => {
    writeFileSync(at('data.json'), '{}');
    symlinkSync(at('data.json'), at('link.json'));
    expect(() => checkReportPath('--report', at('link.json'), { 'the recipe': at('data.json') })).toThrow(
      'is the recipe',
    );
    expect(() => checkReportPath('--report', at('other.json'), { 'the recipe': at('data.json') })).not.toThrow();
  });
});
