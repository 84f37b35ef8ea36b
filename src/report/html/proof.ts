import type { OutputProof } from '../../runtime/index.ts';
import { formatError } from '../format.ts';
import type { ProofReport } from '../report.ts';
import { callout, mark, name, names } from './section.ts';
import { figure, table } from './table.ts';
import { type Html, html } from './template.ts';

/** Whether the rewiring is right, output by output. */
export function proofParts(proof: ProofReport | null): Html {
  if (proof === null)
    return callout('warn', 'Not checked (--no-verify): whether the cut model equals the masked one is unknown.');
  const { passed, cut, frontier, cleaned, judgedByFrontier, inputs, unsteady = [] } = proof;
  if (cut.length === 0 && cleaned.length === 0) return html`<p>Nothing was rewired, so there was nothing to prove.</p>`;
  const constant = [...cut, ...cleaned].filter(({ informative }) => !informative).map((output) => output.name);
  return html`<p>${passed ? mark('good', 'Passed.') : mark('bad', 'Failed.')} The model whose channels were cut out is held against the one in which they are only masked: both must compute the same, but for the order of sums. Ran on ${inputs}.</p>${
    judgedByFrontier.length > 0 &&
    callout(
      'warn',
      html`Judged by the values inside the graph alone, since an operator before them decides by tiny differences: ${names(judgedByFrontier)}`,
    )
  }${
    unsteady.length > 0 &&
    callout(
      'warn',
      html`The original itself gives other numbers when it runs again: ${names(unsteady.map((output) => output.name))}`,
    )
  }${
    constant.length > 0 &&
    callout(
      'warn',
      html`Says little, since the output is the same whatever the input: ${names([...new Set(constant)])}`,
    )
  }${proofTable('Cut against masked, by output', cut)}${proofTable('Cut against masked, inside the graph', frontier)}${proofTable('Tidied model against the original', cleaned)}`;
}

function proofTable(caption: string, outputs: readonly OutputProof[]): Html | null {
  return table({
    caption,
    noun: 'output',
    columns: [
      { title: 'Output' },
      { title: 'Result' },
      { title: 'Error', as: 'number' },
      { title: 'Limit', as: 'number' },
      { title: 'Why this limit', as: 'words' },
    ],
    rows: outputs.map(({ name: output, passed, error, limit, reason }) => [
      name(output),
      passed ? mark('good', 'equal') : mark('bad', 'differs'),
      figure(error, formatError),
      figure(limit, formatError),
      reason,
    ]),
  });
}
