import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { AnyReport } from '../../../src/report/json.ts';
import { writeReport } from '../../../src/report/write.ts';
import { startBrowser } from '../../support/browser.ts';
import { hostile } from '../support/hostile.ts';
import { compared, inspected, pruned } from '../support/models.ts';
import { sensitivity, sweep } from '../support/studies.ts';

const browser = await startBrowser();
if (browser === undefined) console.warn('No browser was found: tests of pages are skipped. CHROME_PATH may name one.');

const folder = mkdtempSync(join(tmpdir(), 'onnx-prune-pages-'));
const opened: { readonly page: Page; readonly complaints: string[] }[] = [];

afterEach(async () => {
  const done = opened.splice(0);
  await Promise.all(done.map(({ page }) => page.context().close()));
  expect(done.flatMap(({ complaints }) => complaints)).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A report as a page in a browser; what it complains of, or asks for beyond its own file, fails the test. */
async function open(report: AnyReport, settings: BrowserContextOptions = {}): Promise<Page> {
  const path = join(folder, `${opened.length}.html`);
  await writeReport(path, report);
  const url = pathToFileURL(path).href;
  // Without a browser these tests are skipped.
  const context = await (browser as Browser).newContext({ viewport: { width: 1280, height: 900 }, ...settings });
  const page = await context.newPage();
  const complaints: string[] = [];
  opened.push({ page, complaints });
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:')) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(url);
  return page;
}

/** Lightness of the page's ground, from 0 to 255. */
async function ground(page: Page): Promise<number> {
  const colour = await page.evaluate('getComputedStyle(document.body).backgroundColor');
  return Number(/\d+/.exec(String(colour))?.[0]);
}

/** Presses Tab until an element has the focus. */
async function tabTo(page: Page, element: Locator): Promise<void> {
  for (let count = 0; count < 200; count++) {
    await page.keyboard.press('Tab');
    if ((await element.and(page.locator(':focus')).count()) === 1) return;
  }
  expect.fail('The Tab key never comes to the element.');
}

const REPORTS: readonly (readonly [string, AnyReport])[] = [
  ['prune', pruned],
  ['inspect', inspected],
  ['compare', compared],
  ['sweep', sweep],
  ['sensitivity', sensitivity],
  ['prune with hostile names', hostile(pruned)],
  ['sensitivity with hostile names', hostile(sensitivity)],
];

describe.skipIf(browser === undefined)('In a browser', () => {
  it.each(REPORTS)('the page of %s opens in silence, asks for nothing, and fits on a phone', async (_, report) => {
    const page = await open(report, { viewport: { width: 360, height: 700 } });
    await page.evaluate('for (const details of document.querySelectorAll("details")) details.open = true');
    expect(await page.title()).not.toBe('1');
  });

  it('the figures of a report can be seen', async () => {
    const page = await open(pruned);
    const text = await page.locator('main').innerText();
    for (const figure of ['97.00%', '96.20%', '1.60 MB', '400 k', '1.8e-7', '0.998700']) expect(text).toContain(figure);
  });

  it('the theme follows the system until the button is pressed, and then the button', async () => {
    const day = await open(pruned, { colorScheme: 'light' });
    const night = await open(pruned, { colorScheme: 'dark' });
    expect(await ground(day)).toBeGreaterThan(200);
    expect(await ground(night)).toBeLessThan(60);
    await day.getByRole('button', { name: 'Dark theme' }).click();
    expect(await ground(day)).toBeLessThan(60);
    await day.reload();
    expect(await ground(day)).toBeLessThan(60);
    await day.getByRole('button', { name: 'Light theme' }).click();
    expect(await ground(day)).toBeGreaterThan(200);
  });

  it('marks explain themselves on hover', async () => {
    const page = await open(sweep);
    const mark = page.locator('figure svg [data-tip]').first();
    const tip = page.getByRole('tooltip');
    await mark.scrollIntoViewIfNeeded();
    expect(await tip.isVisible()).toBe(false);
    await mark.dispatchEvent('pointermove', { bubbles: true, clientX: 300, clientY: 300 });
    expect(await tip.innerText()).toBe(await mark.getAttribute('data-tip'));
    await page.mouse.move(1, 1);
    await mark.dispatchEvent('pointerleave');
    await page.locator('figure svg').first().dispatchEvent('pointerleave');
    expect(await tip.isVisible()).toBe(false);
  });

  it('marks explain themselves when they are tapped, until something else is', async () => {
    const page = await open(sweep, { hasTouch: true });
    const mark = page.locator('figure svg circle[data-tip], figure svg path[data-tip]').first();
    const tip = page.getByRole('tooltip');
    await mark.tap({ force: true });
    expect(await tip.isVisible()).toBe(true);
    // Lines begin at the same point: which of them lies on top is not asked.
    expect(await tip.innerText()).toContain(': 0% asked, 0% reached; accuracy 97.00%');
    await page.locator('h1').tap();
    expect(await tip.isVisible()).toBe(false);
  });

  it('a drawing that is wider than its box begins with its first node in sight', async () => {
    const [input, layer] = pruned.outline?.nodes ?? [];
    if (input === undefined || layer === undefined) throw new Error('The sample report has nodes.');
    // Ten layers side by side, of which the last but one begins the rest.
    const nodes = [layer, ...Array.from({ length: 10 }, (_, k) => ({ ...input, name: `side${k}` })), layer];
    const edges = Array.from({ length: 10 }, (_, k) => [[0, k + 1] as const, [k + 1, 11] as const]).flat();
    const page = await open({ ...pruned, outline: { nodes, edges } }, { viewport: { width: 800, height: 900 } });
    const canvas = page.locator('.canvas.tall');
    const [box, first] = [await canvas.boundingBox(), await canvas.locator('[data-tip]').first().boundingBox()];
    expect(await page.evaluate('document.querySelector(".canvas.tall").scrollLeft')).toBeGreaterThan(0);
    expect(first?.x).toBeGreaterThanOrEqual(box?.x ?? Number.NaN);
    expect((first?.x ?? 0) + (first?.width ?? 0)).toBeLessThanOrEqual((box?.x ?? 0) + (box?.width ?? 0));
  });

  it('marks explain themselves to the keyboard: Tab to a chart, arrows along it, Escape to hide', async () => {
    const page = await open(sweep);
    const marks = page.locator('figure').first().locator('svg [data-tip]');
    const tip = page.getByRole('tooltip');
    await tabTo(page, marks.first());
    expect(await tip.textContent()).toBe(await marks.first().getAttribute('data-tip'));
    await page.keyboard.press('ArrowRight');
    expect(await tip.textContent()).toBe(await marks.nth(1).getAttribute('data-tip'));
    expect(await tip.isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    expect(await tip.isVisible()).toBe(false);
  });

  it('the keyboard comes to the way past the contents, the theme, tables and details', async () => {
    const page = await open(pruned);
    await page.keyboard.press('Tab');
    expect(await page.locator('.skip:focus').count()).toBe(1);
    expect((await page.locator('.skip').boundingBox())?.y).toBeGreaterThanOrEqual(0);
    await tabTo(page, page.locator('[data-toggle-theme]'));
    const summary = page.locator('figure summary').first();
    await tabTo(page, summary);
    await page.keyboard.press('Enter');
    expect(await page.locator('figure details').first().getAttribute('open')).not.toBeNull();
  });

  it('tables are sorted by their headers, numbers by size, and failed runs come last', async () => {
    const page = await open(sweep);
    const table = page.locator('#numbers table').first();
    const header = table.getByRole('columnheader', { name: 'File' });
    const amounts = (): Promise<string[]> => table.locator('tbody th').allInnerTexts();
    await header.getByRole('button').focus();
    await page.keyboard.press('Enter');
    expect(await header.getAttribute('aria-sort')).toBe('descending');
    expect(await amounts()).toEqual(['0%', '20%', '40%', '60%', '80%']);
    await page.keyboard.press('Enter');
    expect(await header.getAttribute('aria-sort')).toBe('ascending');
    expect(await amounts()).toEqual(['60%', '40%', '20%', '0%', '80%']);
  });

  it('the command is copied as it stands', async () => {
    const page = await open(pruned);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied').first().waitFor();
    await page.evaluate('document.body.append(document.createElement("textarea"))');
    await page.locator('textarea').focus();
    await page.keyboard.press('ControlOrMeta+V');
    expect(await page.locator('textarea').inputValue()).toBe(
      "onnx-prune 'my model.onnx' --structured 50% --only '*conv*'",
    );
  });

  it('on paper all is opened, nothing can be pressed, and all is black on white', async () => {
    const page = await open(pruned, { colorScheme: 'dark' });
    const inside = page.locator('figure details table').first();
    expect(await inside.isVisible()).toBe(false);
    await page.emulateMedia({ media: 'print' });
    await inside.waitFor({ state: 'visible' });
    expect(await page.locator('.button:visible, nav:visible').count()).toBe(0);
    expect(await ground(page)).toBe(255);
    await page.emulateMedia({ media: 'screen' });
    await inside.waitFor({ state: 'hidden' });
  });

  it('on paper tables keep to the page, and words in their heads to their lines', async () => {
    const page = await open(sweep, { viewport: { width: 690, height: 900 } });
    await page.emulateMedia({ media: 'print' });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(690);
    const heads = '[...document.querySelectorAll("#numbers thead th, #numbers tbody th")].map((th) => th.offsetHeight)';
    expect(Math.max(...((await page.evaluate(heads)) as number[]))).toBeLessThan(60);
  });

  it('all is there without scripts, too', async () => {
    const page = await open(pruned, { javaScriptEnabled: false });
    expect(await page.locator('main').innerText()).toContain('96.20%');
    expect(await page.locator('.button:visible').count()).toBe(0);
    expect(await page.locator('figure svg title').count()).toBeGreaterThan(0);
  });
});
