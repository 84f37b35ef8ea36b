import fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { expect, it } from 'vitest';
import { escapeHtml, html, isEmpty, type Part, trusted } from '../../../src/report/html/template.ts';

it('Templates keep markup, escape text, join lists, and leave out what is nothing', () => {
  const item = html`<li>${'a < b & "c"'}</li>`;
  expect(String(html`<ul>${[item, item]}${null}${undefined}${false}${0}${trusted('<hr>')}</ul>`)).toBe(
    '<ul><li>a &lt; b &amp; &quot;c&quot;</li><li>a &lt; b &amp; &quot;c&quot;</li>0<hr></ul>',
  );
});

it('Nothing is what writes nothing, however deep', () => {
  const nothing: readonly Part[] = [null, false, '', [], [null, ['']], html``];
  const something: readonly Part[] = [0, 'x', html`<br>`];
  expect(nothing.map(isEmpty)).toEqual([true, true, true, true, true, true]);
  expect(something.map(isEmpty)).toEqual([false, false, false]);
});

it('What turns text around, and what nobody sees, is written out', () => {
  expect(escapeHtml('a\u202eb\u0000c\ud800d\te\n')).toBe('a\\u{202e}b\\u{0}c\\u{d800}d\te\n');
});

it('Any text stays text between tags and in attributes', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '/', '!', '-', '=', ' ', 'a', 'script', 'ü', '😀') }),
      (text) => {
        const { document } = parseHTML(`<html><body>${html`<p title="${text}">${text}</p>`}</body></html>`);
        const all = document.querySelectorAll('body *');
        expect(all).toHaveLength(1);
        expect(all[0]?.textContent).toBe(text);
        expect(all[0]?.getAttribute('title')).toBe(text);
      },
    ),
  );
});
