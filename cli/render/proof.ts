import type { ProofReport } from '../../src/report/report.ts';
import type { OutputProof } from '../../src/runtime/index.ts';
import { type Context, marked, section } from './context.ts';
import { formatCount, formatError } from './format.ts';
import { listed } from './lists.ts';
import { printable } from './text.ts';

/**
 * Whether the rewiring is right, or that nobody looked.
 * @param isCut whether channels left that mattered, so that the cut model is held against a masked one
 */
export function renderProof(context: Context, proof: ProofReport | null, isCut = true): string[] {
  const { ink } = context;
  if (proof === null) {
    const text = 'not checked (--no-verify): whether the cut model equals the masked one is unknown';
    return section(context, 'Proof', marked(context, ink.yellow('!'), text));
  }
  if (proof.cut.length === 0 && proof.cleaned.length === 0) {
    return section(
      context,
      'Proof',
      marked(context, '·', 'nothing was rewired, so there was nothing to prove', ink.dim),
    );
  }
  const direct = proof.cut.filter(({ name }) => !proof.judgedByFrontier.includes(name));
  const constant = [...direct, ...proof.cleaned].filter(({ informative }) => !informative).map(({ name }) => name);
  const title = proof.passed ? 'Proof' : `${ink.bold('Proof')} ${ink.red(ink.bold('FAILED'))}`;
  return section(context, title, [
    ...(isCut
      ? verdicts(context, direct, 'cut equals masked', 'cut differs from masked')
      : verdicts(context, direct, 'what left changed no output', 'what left changed outputs')),
    ...frontierLines(context, proof),
    ...verdicts(context, proof.cleaned, 'tidied equals original', 'tidied differs from original'),
    ...(constant.length === 0
      ? []
      : marked(
          context,
          ink.yellow('!'),
          `not informative, since the output is the same whatever the input: ${listed(context, [...new Set(constant)])}`,
        )),
    ...unsteadyLines(context, proof),
    ...marked(context, ' ', `ran on ${printable(proof.inputs)}`, ink.dim),
  ]);
}

function unsteadyLines(context: Context, { unsteady = [] }: ProofReport): string[] {
  if (unsteady.length === 0) return [];
  const text = `the original itself gives other numbers when it runs again: ${listed(
    context,
    unsteady.map(({ name }) => name),
  )}`;
  return marked(context, context.ink.yellow('!'), text);
}

/** Outputs that say nothing by themselves, and what they were judged by instead. */
function frontierLines(context: Context, { frontier, judgedByFrontier }: ProofReport): string[] {
  const equal = 'cut equals masked before the decisions, or the unchanged end, of the graph';
  const lines = verdicts(context, frontier, equal, 'cut differs from masked', 'value');
  if (judgedByFrontier.length === 0) return lines;
  const text = `judged by that alone, since an operator before them decides by tiny differences: ${listed(context, judgedByFrontier)}`;
  return [...lines, ...marked(context, context.ink.yellow('!'), text)];
}

function verdicts(
  context: Context,
  outputs: readonly OutputProof[],
  equal: string,
  different: string,
  noun = 'output',
): string[] {
  const { ink, verbose } = context;
  if (outputs.length === 0) return [];
  const failed = outputs.filter(({ passed }) => !passed);
  const lines = failed.flatMap((output) => {
    const { name, error, limit, reason } = output;
    const figures = `error ${formatError(error)} (limit ${formatError(limit)}: ${printable(reason)})`;
    return marked(context, ink.red('✗'), `${different} in ${printable(name)}: ${figures}`, ink.red);
  });
  const passed = outputs.filter((output) => output.passed);
  const worst = passed.reduce<OutputProof | undefined>(
    (most, output) => (most === undefined || share(output) > share(most) ? output : most),
    undefined,
  );
  if (worst === undefined) return lines;
  const where = failed.length > 0 || passed.length > 1 ? ` in ${formatCount(passed.length, noun)}` : '';
  const figures = `largest error ${formatError(worst.error)} (limit ${formatError(worst.limit)})`;
  lines.push(...marked(context, ink.green('✓'), `${equal}${where}, ${figures}`));
  if (!verbose || outputs.length === 1) return lines;
  const each = passed.map(
    ({ name, error, limit, reason }) =>
      `${printable(name)}: error ${formatError(error)} (limit ${formatError(limit)}: ${printable(reason)})`,
  );
  return [...lines, ...each.flatMap((text) => marked(context, ' ', text, ink.dim))];
}

/** How much of what its limit allows an output uses: limits differ between types. */
function share({ error, limit }: OutputProof): number {
  return limit === 0 ? (error === 0 ? 0 : Number.POSITIVE_INFINITY) : error / limit;
}
