import type { CalibrationBatches } from './calibrate/batches.ts';
import { type Drop, dropOf } from './judge/drop.ts';
import type { JudgeInputs } from './judge/inputs.ts';
import type { DropReport, FidelityReport } from './report/report.ts';
import { compare, type Feeds, type HostTensor, type RequestOptions, type RuntimeChild } from './runtime/index.ts';

/** How much worse a model is than the one that it comes from, and what that was measured on. */
export interface MeasuredDrop extends Drop, Pick<DropReport, 'on'> {}

/** What a meter measures with. */
export interface DropTools {
  readonly child: RuntimeChild;
  readonly request: RequestOptions;
  /** Path of the model that was read. */
  readonly original: () => Promise<string>;
  /** The test data, where nothing is held out for it. */
  readonly inputs: () => Promise<JudgeInputs>;
  /** Calibration data that nothing has learnt from. */
  readonly held: CalibrationBatches | undefined;
}

/** Counts the answers that models lose against the original. */
export class DropMeter {
  readonly #tools: DropTools;
  #data: Promise<DropData> | undefined;

  constructor(tools: DropTools) {
    this.#tools = tools;
  }

  /**
   * What a model loses, by labels where the data have any.
   * @param fidelity the comparison with the original on the inputs of the run, where there is one already
   * @throws OnnxPruneError as `dropOf` and reading the data do
   */
  async measure(result: string, fidelity: FidelityReport | null = null): Promise<MeasuredDrop> {
    this.#data ??= this.#read();
    const { feeds, labels, on } = await this.#data;
    const { child, request, original, held } = this.#tools;
    const isLabelled = labels.length > 0;
    if (fidelity !== null && held === undefined) return { ...dropOf(fidelity, isLabelled), on };
    const settings = { ...request, ...(isLabelled && { labels }) };
    const found = await compare(child, await original(), result, feeds, settings);
    const { outputs, accuracy = null, regression = null } = found;
    return { ...dropOf({ outputs, accuracy, regression }, isLabelled), on };
  }

  async #read(): Promise<DropData> {
    const { held, inputs } = this.#tools;
    const feeds: Feeds[] = [];
    const labels: HostTensor[] = [];
    const on = held === undefined ? 'test data' : 'held-out calibration data';
    if (held === undefined) {
      const { fidelity } = await inputs();
      feeds.push(...fidelity.feeds);
      for (const each of fidelity.labels) if (each !== undefined) labels.push(each);
    } else {
      for await (const batch of held.read()) {
        feeds.push(batch.feeds);
        if (batch.labels !== undefined) labels.push(batch.labels);
      }
    }
    return { feeds, labels, on };
  }
}

/** Data that answers are counted on. */
interface DropData extends Pick<DropReport, 'on'> {
  readonly feeds: readonly Feeds[];
  /** One tensor per batch; none where the data have no labels. */
  readonly labels: readonly HostTensor[];
}
