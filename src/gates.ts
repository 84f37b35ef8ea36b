import { OnnxPruneError } from './errors.ts';
import { missedGoal } from './missed-goal.ts';
import type { QuantizeReport } from './quantize-report.ts';
import type { Report } from './report/report.ts';

/** A run whose proof or gate failed. Nothing was written; the report says all that was found out. */
export class CheckFailed extends OnnxPruneError {
  readonly report: Report;

  constructor(subject: string, message: string, report: Report) {
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
}

/** Refuses a result whose proof failed, one that misses its goal, and one without change where one was required. @throws CheckFailed */
export function checkGates(report: Report, { input, random, requireChange }: Gates): void {
  const { proof } = report;
  if (proof?.passed === false) {
    const failed = [...proof.cut, ...proof.cleaned, ...proof.frontier].find(
      (output) => !output.passed && !proof.judgedByFrontier.includes(output.name),
    );
    const what =
      failed === undefined
        ? ''
        : `: ${proof.frontier.includes(failed) ? 'value' : 'output'} "${failed.name}" differs by ${failed.error.toPrecision(2)}, more than ${failed.limit} (${failed.reason})`;
    const message =
      random.length > 0
        ? `The proof failed, so nothing was written${what}; the model draws random numbers (${random.join(', ')}), so its outputs are no two times the same and nothing can be proven: make the random numbers an input of the model, or skip the proof with --no-verify.`
        : `The proof failed, so nothing was written${what}. The cut model does not give what the masked model gives, which is a bug of onnx-prune; please report it with the model, and leave layers out with --exclude meanwhile.`;
    throw new CheckFailed(input, message, report);
  }
  const missed = report.goal && missedGoal(report.goal);
  if (missed) throw new CheckFailed(input, missed, report);
  if (requireChange && !isChanged(report)) {
    throw new CheckFailed(
      input,
      'Nothing could be changed, and --require-change was given, so nothing was written.',
      report,
    );
  }
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
