import { OnnxPruneError } from './errors.ts';
import { missedGoal } from './missed-goal.ts';
import type { QuantizeReport } from './quantize-report.ts';
import { failedGates } from './report/gate-text.ts';
import type { CompareReport, Report } from './report/report.ts';

/** A run whose proof or gate failed. Nothing was written, unless that was asked for all the same; the report says all that was found out. */
export class CheckFailed extends OnnxPruneError {
  readonly report: Report;

  constructor(subject: string, message: string, report: Report) {
    super('check-failed', subject, message);
    this.report = report;
  }
}

/** A comparison of two models of which a gate failed; the report says all that was found out. */
export class ComparisonFailed extends OnnxPruneError {
  readonly report: CompareReport;

  constructor(subject: string, message: string, report: CompareReport) {
    super('check-failed', subject, message);
    this.report = report;
  }
}

/** What may stop a result from being written. */
export interface Gates {
  /** The model, for messages. */
  readonly input: string;
  /** Nodes of it that draw random numbers. */
  readonly random: readonly string[];
  readonly requireChange: boolean;
  /** Whether a result that fails a gate is written all the same. */
  readonly keep: boolean;
}

/** Why a result fails. */
export interface Failure {
  /** A sentence. */
  readonly message: string;
  /** Whether it is written nevertheless. */
  readonly isKept: boolean;
}

/** What becomes of a result that fails a gate. */
const UNWRITTEN = 'so nothing was written';
const KEPT = 'and the result was written all the same, as --keep says';

/**
 * Why a result fails: its proof, a goal that it misses, a gate, or that it changed nothing where that was required; undefined where
 * it does not. A result whose proof failed is never kept.
 */
export function failureOf(report: Report, { input, random, requireChange, keep }: Gates): Failure | undefined {
  const wrong = failedProof(report, random);
  if (wrong !== undefined) return { message: wrong, isKept: false };
  const consequence = keep ? KEPT : UNWRITTEN;
  const missed = report.goal && missedGoal(report.goal, consequence);
  if (missed) {
    const others = failedBesides(report, keep);
    return {
      message: others === undefined ? missed : `${missed.replace(/\.$/, '')}; besides, ${others}.`,
      isKept: keep,
    };
  }
  const failed = failedGates(report.gates);
  if (failed !== undefined) return { message: `${input}: ${failed}, ${consequence}.`, isKept: keep };
  if (requireChange && !isChanged(report))
    return { message: `Nothing could be changed, and --require-change was given, ${consequence}.`, isKept: keep };
  return undefined;
}

/** The gates that failed besides the goal that was missed; of a result that nobody ran since no amount keeps to its goal, none. */
function failedBesides({ goal, gates }: Report, keep: boolean): string | undefined {
  if (goal?.sought?.found === false && !keep) return undefined;
  const isDropSaid = goal?.target?.met !== false;
  return failedGates(gates.filter(({ gate }) => gate !== '--max-drop' || !isDropSaid));
}

/** Why a proof failed, as a sentence. @param random nodes that draw random numbers */
function failedProof({ proof }: Report, random: readonly string[]): string | undefined {
  if (proof?.passed !== false) return undefined;
  const failed = [...proof.cut, ...proof.cleaned, ...proof.frontier].find(
    (output) => !output.passed && !proof.judgedByFrontier.includes(output.name),
  );
  const what =
    failed === undefined
      ? ''
      : `: ${proof.frontier.includes(failed) ? 'value' : 'output'} "${failed.name}" ${Number.isFinite(failed.error) ? `differs by ${failed.error.toPrecision(2)}, more than ${failed.limit} (${failed.reason})` : `cannot be compared (${failed.reason})`}`;
  const [unsteady] = proof.unsteady ?? [];
  if (random.length === 0 && unsteady !== undefined)
    return `The proof failed, so nothing was written${what}; the original itself gives other numbers when it runs again on the same inputs (output "${unsteady.name}"), so nothing can be proven: it draws random numbers, as Dropout does in training mode, or an operator leaves memory unwritten; mend the model, or skip the proof with --no-verify.`;
  return random.length > 0
    ? `The proof failed, so nothing was written${what}; the model draws random numbers (${random.join(', ')}), so its outputs are no two times the same and nothing can be proven: make the random numbers an input of the model, or skip the proof with --no-verify.`
    : `The proof failed, so nothing was written${what}. The cut model does not give what the masked model gives, which is a bug of onnx-prune; please report it with the model, and leave layers out with --exclude meanwhile.`;
}

/** What a run did, as reports have it. */
type Deeds = Pick<Report, 'lossless' | 'pruning' | 'weights' | 'freed'> & {
  readonly quantization: Pick<QuantizeReport, 'layers'> | null;
  readonly storage: Pick<Report['storage'], 'storedTwice' | 'half'>;
};

/** Whether anything left the model, became zero, became integers, or is stored with fewer bits. */
export function isPruned({ lossless, pruning, weights, freed, quantization, storage }: Deeds): boolean {
  const removed = [lossless, pruning, freed].reduce((sum, step) => sum + (step?.removedChannels ?? 0), 0);
  const stored = (storage.half?.stored.length ?? 0) + (quantization?.layers.length ?? 0);
  return removed + (weights?.zeroed ?? 0) + stored > 0;
}

/** Whether the result is any smaller: the same, or equal tensors are stored once, or what nobody read left. */
function isChanged(deeds: Deeds): boolean {
  const { lossless, storage } = deeds;
  return (
    isPruned(deeds) || storage.storedTwice.tensors + (lossless?.outputs.length ?? 0) + (lossless?.deadNodes ?? 0) > 0
  );
}
