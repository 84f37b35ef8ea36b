import { afterAll } from 'vitest';
import type { CalibrationBatches } from '../../src/calibrate/batches.ts';
import { CalibrationStages } from '../../src/calibrate/stages.ts';
import { buildChannelMap } from '../../src/channels/build.ts';
import { present } from '../../src/errors.ts';
import { cloneModel, exportModel, type Model } from '../../src/ir/model.ts';
import { float16ToFloat32 } from '../../src/numeric/float16.ts';
import { encodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { Lineage } from '../../src/recover/lineage.ts';
import { rankUnits } from '../../src/recover/rank-units.ts';
import { measureReadings } from '../../src/recover/readings.ts';
import { type RecoveredLayer, recover } from '../../src/recover/recover.ts';
import { type Feeds, type HostTensor, RuntimeChild, runAll } from '../../src/runtime/index.ts';
import {
  type PruneChannelsOptions,
  type PruneChannelsReport,
  pruneChannels,
} from '../../src/transforms/prune-channels.ts';
import { freshFolder } from '../pipeline/folder.ts';
import type { ModelBuilder } from '../support/build.ts';
import { inputsOf, normalised } from '../support/model-parts.ts';

/** How a net is pruned and recovered. */
export interface Wishes {
  /** Fraction of each group that leaves; default 0.4. */
  readonly amount?: number;
  readonly criterion?: 'l2' | 'reconstruction';
  readonly kind?: 'bias' | 'least-squares' | 'none';
  /** Inputs for a seed; random ones of 8 samples where absent. */
  readonly feeds?: (seed: number) => Feeds;
  /** Batches of calibration data; default 8. */
  readonly batches?: number;
  readonly rounds?: number;
  readonly options?: Partial<PruneChannelsOptions>;
}

/** A net before, without the channels that left, and once layers have made up for them. */
export interface Outcome {
  readonly model: Model;
  readonly report: PruneChannelsReport;
  readonly layers: readonly RecoveredLayer[];
  /** Squared error of all outputs on inputs that nothing was learnt from, over the variance of what they should be. */
  readonly cut: number;
  readonly recovered: number;
}

/** The seeds of inputs that are not calibration data. */
const HELD_OUT = Array.from({ length: 16 }, (_, i) => 1000 + i);

/** Prunes nets and has them recovered, with a runtime of the test file's own. */
export class Workshop {
  readonly child: RuntimeChild = new RuntimeChild();

  /** Makes one that is closed after the tests of the file. */
  static open(): Workshop {
    const workshop = new Workshop();
    afterAll(() => workshop.child.close());
    return workshop;
  }

  /** Hands calibration data to the runtime. */
  stages(data: readonly Feeds[]): Promise<CalibrationStages> {
    const folder = freshFolder();
    const batches: CalibrationBatches = {
      samples: data.length,
      count: data.length,
      labelled: false,
      async *read() {
        for (const feeds of data) yield { feeds, labels: undefined, size: 1 };
      },
    };
    return CalibrationStages.open(batches, { child: this.child, place: folder.path, memoryLimit: 2 ** 28 });
  }

  async prune(net: ModelBuilder | Uint8Array, wishes: Wishes = {}): Promise<Outcome> {
    const { amount = 0.4, criterion = 'l2', kind = 'least-squares', batches = 8, rounds = 1, options = {} } = wishes;
    const model = await normalised(net instanceof Uint8Array ? net : net.bytes(), this.child);
    const feeds = wishes.feeds ?? ((seed: number) => inputsOf(model, seed, 8));
    const stages = await this.stages(Array.from({ length: batches }, (_, seed) => feeds(seed)));
    const reference = cloneModel(model).model;
    const lineage = new Lineage(reference);
    let report: PruneChannelsReport | undefined;
    let cut: Uint8Array | undefined;
    let layers: readonly RecoveredLayer[] = [];
    for (let round = 1; round <= rounds; round++) {
      const map = buildChannelMap(model.graph, ruleOf, { prefer: 'heads', ...options });
      const readings = criterion === 'reconstruction' ? await measureReadings(model, map, stages, ruleOf) : undefined;
      const shared = { fraction: 1 - (1 - amount) ** (1 / rounds), each: false };
      ({ report } = pruneChannels(model, {
        prefer: 'heads',
        amounts: { heads: shared, 'head-dim': shared, channels: shared },
        allowApproximate: false,
        scope: 'uniform',
        maxRatio: 1,
        alignment: { block: 1, strict: false },
        criterion,
        exclude: [],
        only: [],
        layers: [],
        seed: 1,
        masked: false,
        map,
        measuredRanking: readings && ((group) => rankUnits(group, map, readings)),
        onCut: (each) => lineage.add(each),
        ...options,
      }));
      if (round === rounds) cut = encodeModel(exportModel(model));
      if (kind !== 'none')
        layers = await recover(model, lineage, { activations: stages, ruleOf }, { matrix: kind === 'least-squares' });
    }
    await stages.close();
    const held = HELD_OUT.map(feeds);
    const dense = encodeModel(exportModel(reference));
    return {
      model,
      report: present(report, 'the report'),
      layers,
      cut: await this.#errorOf(dense, present(cut, 'the cut model'), held),
      recovered: await this.#errorOf(dense, encodeModel(exportModel(model)), held),
    };
  }

  async #errorOf(dense: Uint8Array, pruned: Uint8Array, batches: readonly Feeds[]): Promise<number> {
    const [wanted, found] = [await this.#outputsOf(dense, batches), await this.#outputsOf(pruned, batches)];
    const mean = wanted.reduce((sum, each) => sum + each, 0) / wanted.length;
    let error = 0;
    let energy = 0;
    wanted.forEach((each, i) => {
      error += (each - (found[i] as number)) ** 2;
      energy += (each - mean) ** 2;
    });
    return error / energy;
  }

  async #outputsOf(model: Uint8Array, batches: readonly Feeds[]): Promise<number[]> {
    const outputs = await runAll(this.child, model, batches);
    return outputs.flatMap((each) => Object.values(each).flatMap((tensor) => [...numbersOf(tensor)]));
  }
}

/** The numbers of a tensor of floats. */
export function numbersOf({ data }: HostTensor): Float32Array {
  return data instanceof Uint16Array ? float16ToFloat32(data) : Float32Array.from(data, Number);
}
