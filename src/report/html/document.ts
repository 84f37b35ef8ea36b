import { PAGE_SCRIPT } from './script.ts';
import type { PageContent } from './section.ts';
import { PRINT_CSS, SCREEN_CSS } from './style.ts';
import { html, trusted } from './template.ts';
import { THEME_CSS } from './theme.ts';

/** Nothing but what is in the file: no network, no frames, no forms (Content Security Policy Level 3). */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** A page as one file that needs no other. */
export function renderDocument({ kind, title, headline, lead, sections }: PageContent): string {
  const contents = sections.map(({ id, title: heading }) => html`<li><a href="#${id}">${heading}</a></li>`);
  const body = sections.map(
    ({ id, title: heading, body: content }) =>
      html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${heading}</h2>${content}</section>`,
  );
  return `${html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="onnx-prune">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(THEME_CSS + SCREEN_CSS + PRINT_CSS)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the report</a>
<div class="page">
<header>
<div class="top"><span class="brand">onnx-prune</span><button class="button" type="button" data-toggle-theme hidden>Theme</button></div>
<div class="hero"><p class="kicker">${kind}</p><h1>${headline}</h1><div class="lead">${lead}</div></div>
</header>
<div class="layout">
<nav aria-label="Contents"><ol>${contents}</ol></nav>
<main id="content" tabindex="-1">
${body}
</main>
</div>
<footer>Made by onnx-prune. This file needs no network and sends nothing anywhere; the same figures are in the JSON report.</footer>
</div>
<script>${trusted(PAGE_SCRIPT)}</script>
</body>
</html>
`}`;
}
