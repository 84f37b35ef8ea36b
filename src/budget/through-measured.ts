/** An error that was measured after so many units had left. */
export interface MeasuredLoss {
  readonly gone: number;
  readonly loss: number;
}

/**
 * A curve of losses, stretched so that it goes through measured ones: between two of them it grows as the curve does, and it
 * never falls. Beyond the last one it keeps that one's ratio.
 * @param losses `losses[k]` for k units gone, ascending from 0
 * @param measured by units gone, ascending, none for 0 units
 */
export function throughMeasured(losses: Float64Array, measured: readonly MeasuredLoss[]): Float64Array {
  const anchors = [{ gone: 0, loss: 0 }];
  for (const { gone, loss } of measured) anchors.push({ gone, loss: Math.max(loss, anchors.at(-1)?.loss ?? 0) });
  const last = anchors.at(-1) ?? { gone: 0, loss: 0 };
  const at = (gone: number): number => losses[gone] ?? 0;
  return losses.map((own, gone) => {
    const next = anchors.find((each) => each.gone >= gone);
    // What lost nothing at the last one says nothing of what comes: its own loss is the most that may become of it.
    if (next === undefined) return at(last.gone) > 0 ? (last.loss * own) / at(last.gone) : last.loss + own;
    const before = anchors.findLast((each) => each.gone < gone) ?? last;
    if (next.gone === gone) return next.loss;
    const grown = at(next.gone) - at(before.gone);
    const part =
      grown > 0 ? (own - at(before.gone)) / grown : (gone - before.gone) / Math.max(1, next.gone - before.gone);
    return before.loss + part * (next.loss - before.loss);
  });
}
