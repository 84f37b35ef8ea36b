/**
 * What the page does when somebody touches it. It reads nothing but its own elements and sends nothing anywhere; without it all is
 * there to be read, with the tooltips that browsers make of <title> themselves.
 *
 * - `[data-toggle-theme]` changes between light and dark.
 * - Marks of charts with a <title> show it on hover, on focus, and when they are tapped, until something else is. A chart is one stop of the Tab key; arrow keys go on from mark to
 *   mark (WAI-ARIA Authoring Practices, roving tabindex), Escape hides what is shown (WCAG 1.4.13).
 * - A drawing that is wider than its box begins with its first mark in the middle.
 * - Headers of tables sort by what cells have in `data-v`, or by their text.
 * - `[data-copy]` copies the text of the element that it names.
 * - On paper all <details> are open.
 */
export const PAGE_SCRIPT = `
(() => {
  'use strict';
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const store = (value) => {
    try {
      if (value) localStorage.setItem('onnx-prune-theme', value);
      return localStorage.getItem('onnx-prune-theme');
    } catch {
      return null;
    }
  };
  const prefersDark = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : prefersDark.matches);
  const kept = store();
  if (kept === 'dark' || kept === 'light') root.dataset.theme = kept;
  for (const button of all('[data-toggle-theme]')) {
    const name = () => {
      button.textContent = isDark() ? 'Light theme' : 'Dark theme';
    };
    button.hidden = false;
    button.addEventListener('click', () => {
      root.dataset.theme = isDark() ? 'light' : 'dark';
      store(root.dataset.theme);
      name();
    });
    prefersDark.addEventListener('change', name);
    name();
  }

  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.setAttribute('role', 'tooltip');
  tip.hidden = true;
  document.body.append(tip);
  let shown = null;
  const hide = () => {
    tip.hidden = true;
    if (shown) shown.classList.remove('tipped');
    shown = null;
  };
  const show = (mark, x, y) => {
    if (shown !== mark) {
      hide();
      shown = mark;
      mark.classList.add('tipped');
      tip.textContent = mark.dataset.tip;
      tip.hidden = false;
    }
    const width = root.clientWidth;
    const left = Math.max(8, Math.min(x + 12, width - tip.offsetWidth - 8));
    const below = y + 18 + tip.offsetHeight < innerHeight;
    tip.style.left = left + scrollX + 'px';
    tip.style.top = (below ? y + 18 : Math.max(8, y - tip.offsetHeight - 12)) + scrollY + 'px';
  };
  const showBeside = (mark) => {
    const box = mark.getBoundingClientRect();
    show(mark, box.left + box.width / 2, box.top + box.height / 2);
  };
  const markOf = (event) => (event.target instanceof Element ? event.target.closest('[data-tip]') : null);
  const marksOf = new Map();
  for (const title of all('figure svg title')) {
    const mark = title.parentElement;
    const svg = title.closest('svg');
    if (!mark || !svg || mark === svg) continue;
    mark.dataset.tip = title.textContent;
    mark.setAttribute('role', 'img');
    mark.setAttribute('aria-label', title.textContent);
    title.remove();
    const marks = marksOf.get(svg) ?? [];
    mark.setAttribute('tabindex', marks.length === 0 ? '0' : '-1');
    marks.push(mark);
    marksOf.set(svg, marks);
  }
  for (const [svg, marks] of marksOf) {
    const canvas = svg.parentElement;
    const [first] = marks;
    const middle = (element) => element.getBoundingClientRect().left + element.getBoundingClientRect().width / 2;
    canvas.scrollLeft = canvas.matches('.tall') ? middle(first) - middle(canvas) : 0;
    svg.setAttribute('role', 'group');
    const follow = (event) => {
      const mark = markOf(event);
      if (mark) show(mark, event.clientX, event.clientY);
      else hide();
    };
    svg.addEventListener('pointermove', follow);
    svg.addEventListener('pointerdown', follow);
    svg.addEventListener('pointerleave', (event) => {
      if (event.pointerType !== 'touch') hide();
    });
    svg.addEventListener('focusin', (event) => {
      const mark = markOf(event);
      if (mark && mark.matches(':focus-visible')) showBeside(mark);
    });
    svg.addEventListener('focusout', hide);
    svg.addEventListener('keydown', (event) => {
      const at = marks.indexOf(markOf(event));
      const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: marks.length - 1 }[event.key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      const next = marks[(to + marks.length) % marks.length];
      marks[at].setAttribute('tabindex', '-1');
      next.setAttribute('tabindex', '0');
      next.focus();
    });
  }
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hide();
  });
  addEventListener('pointerdown', (event) => {
    if (!markOf(event)) hide();
  });

  const compare = (a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true }));
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.v !== undefined && cell.dataset.v !== '') return Number(cell.dataset.v);
    return cell.textContent.trim();
  };
  for (const table of all('table[data-sortable]')) {
    const body = table.tBodies[0];
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener('click', () => {
        const first = header.classList.contains('number') ? 'descending' : 'ascending';
        const other = first === 'ascending' ? 'descending' : 'ascending';
        const order = header.getAttribute('aria-sort') === first ? other : first;
        for (const each of headers) each.removeAttribute('aria-sort');
        header.setAttribute('aria-sort', order);
        const sign = order === 'ascending' ? 1 : -1;
        const isBlank = (value) => value === '' || value === '–';
        const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
        rows.sort(([a], [b]) => (isBlank(a) || isBlank(b) ? isBlank(a) - isBlank(b) : sign * compare(a, b)));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }

  const copy = async (element) => {
    try {
      await navigator.clipboard.writeText(element.textContent);
      return true;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(element);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      try {
        return document.execCommand('copy');
      } catch {
        return false;
      }
    }
  };
  for (const button of all('[data-copy]')) {
    const name = button.textContent;
    const said = button.parentElement.querySelector('[role=status]');
    button.hidden = false;
    button.addEventListener('click', async () => {
      const text = (await copy(document.getElementById(button.dataset.copy))) ? 'Copied' : 'Selected';
      button.textContent = text;
      if (said) said.textContent = text;
      setTimeout(() => {
        button.textContent = name;
      }, 2000);
    });
  }

  let opened = [];
  const open = () => {
    hide();
    opened.push(...all('details:not([open])'));
    for (const details of opened) details.open = true;
  };
  const close = () => {
    for (const details of opened) details.open = false;
    opened = [];
  };
  const paper = matchMedia('print');
  paper.addEventListener('change', () => (paper.matches ? open() : close()));
  addEventListener('beforeprint', open);
  addEventListener('afterprint', close);
})();
`;
