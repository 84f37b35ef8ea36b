import { mkdirSync, rmSync } from 'node:fs';
import { compareModels } from '../compare.ts';
import { describeDistributions } from '../describe-distributions.ts';
import { environment } from '../environment.ts';
import { type ErrorCode, OnnxPruneError } from '../errors.ts';
import { measureOriginal } from '../file-sizes.ts';
import type { Graph } from '../ir/graph.ts';
import { inputSpecs, judgeInputs } from '../judge/inputs.ts';
import { type LoadedModel, loadModel } from '../load.ts';
import { plainModelFile } from '../onnx/read.ts';
import { checkHooks } from '../options/check-hooks.ts';
import { defaultJournal } from '../options/output-path.ts';
import { parseModelPath, parseWhole } from '../options/parse.ts';
import { checkPruneOptions, MOST_THREADS, PRUNE_DEFAULTS, type PruneHooks } from '../options/prune-options.ts';
import { checkStudyOptions, type StudyOptions, type StudyWishes } from '../options/study-options.ts';
import { readData } from '../read-data.ts';
import type { LayerDistribution } from '../report/distribution.ts';
import { SCHEMA_VERSION } from '../report/report.ts';
import type { StudyPoint, SweepReport } from '../report/study.ts';
import { createEngine, RuntimeChild } from '../runtime/index.ts';
import { type Progress, Stopwatch } from '../stopwatch.ts';
import { packageVersion } from '../version.ts';
import { withWorkspace } from '../workspace.ts';
import { fingerprintOf } from './fingerprint.ts';
import { idOf, type Job } from './job.ts';
import { Journal } from './journal.ts';
import { failedPoint, measuredPoint } from './points.ts';
import { answersOf, qualityOf } from './quality.ts';
import { digestOf, writeStudyData } from './study-data.ts';
import { Timing } from './timing.ts';
import { Workers } from './workers.ts';

/** What the report of every kind of study has. */
export type StudyFrame = Pick<
  SweepReport,
  | 'schemaVersion'
  | 'tool'
  | 'input'
  | 'on'
  | 'samples'
  | 'answers'
  | 'original'
  | 'resumed'
  | 'environment'
  | 'seconds'
  | 'notes'
>;

/** What a study is of and how it is carried out. */
export interface StudySetting {
  readonly input: string;
  readonly options: StudyOptions;
  readonly hooks: PruneHooks;
  /** How the journal's name ends where nobody names it. */
  readonly kind: 'sweep' | 'sensitivity';
}

/** What is settled before the first job. */
interface Ground {
  readonly wishes: StudyWishes;
  readonly clock: Stopwatch;
  readonly loaded: LoadedModel;
  readonly workers: Workers;
  /** Undefined under `bench: false`. */
  readonly timing: Timing | undefined;
  readonly journal: Journal | undefined;
  readonly place: (name: string) => string;
  readonly original: SweepReport['original'];
  readonly on: SweepReport['on'];
  readonly samples: number;
  readonly answers: number | null;
}

/** Many models made of one, each pruned and judged in a process of its own, and timed one group after the other. */
export class Study {
  readonly notes: string[] = [];
  readonly #setting: StudySetting;
  readonly #ground: Ground;
  #resumed = 0;
  #files = 0;
  /** Of the first job that failed. */
  #code: ErrorCode | undefined;

  private constructor(setting: StudySetting, ground: Ground, notes: readonly string[]) {
    this.#setting = setting;
    this.#ground = ground;
    this.notes.push(...notes);
  }

  /**
   * Reads the model and the data, measures the original, and lends a study to the work; all its processes and files are gone
   * afterwards.
   * @param checked jobs whose options are refused before any work where they are wrong
   * @throws OnnxPruneError `bad-option`, `bad-file`, `bad-model`, `bad-data`, `runtime-refused` for what no job could do either
   */
  static async with<T>(setting: StudySetting, checked: readonly Job[], work: (study: Study) => Promise<T>): Promise<T> {
    const { input, options, kind } = setting;
    parseModelPath(input);
    const hooks = checkHooks(setting.hooks);
    const wishes = checkStudyOptions(options, defaultJournal(input, kind));
    const calibrated = hooks.calibration !== undefined;
    const settled = checked.map((job) => checkPruneOptions(job.options, calibrated));
    const seed = parseWhole('--seed', options.seed ?? PRUNE_DEFAULTS.seed, 0);
    const threads = parseWhole('--threads', options.threads ?? PRUNE_DEFAULTS.threads, 1, MOST_THREADS);
    const timeout = parseWhole('--timeout', options.timeout ?? PRUNE_DEFAULTS.timeout, 1);
    const { signal } = hooks;
    const clock = new Stopwatch(hooks.onProgress, signal);
    const child = new RuntimeChild({ deadlineMs: timeout * 1000, deadlineHint: 'raise --timeout' });
    try {
      return await withWorkspace(async (place) => {
        const loaded = await clock.time('read', () => loadModel(input, createEngine(child, { signal })));
        const specs = inputSpecs(loaded.model.graph);
        const data = await clock.time('read data', () =>
          readData(hooks, specs, place, { samples: settled[0]?.samples, seed }),
        );
        const { test } = data;
        const labelled = test && { testData: async () => test };
        const { fidelity } = await clock.time('measure the original', (tell) => {
          const onProgress = ({ done, total }: Progress): void => {
            if (done !== undefined && total !== undefined) tell(done, total);
          };
          return compareModels(input, input, { bench: false, seed, timeout }, { signal, onProgress, ...labelled });
        });
        const size = await measureOriginal(loaded, {});
        const dataFile = place('study-data.bin');
        writeStudyData(dataFile, data);
        const fingerprint = await fingerprintOf(loaded, digestOf(data), threads);
        const opened =
          wishes.journal === undefined ? undefined : Journal.open(wishes.journal, fingerprint, wishes.fresh);
        const notes = opened?.putAside
          ? [
              `${wishes.journal} was of another model, data, machine or version, so it was put aside as ${wishes.journal}.old.`,
            ]
          : [];
        const folder = place('workers');
        mkdirSync(folder);
        const timing =
          options.bench === false
            ? undefined
            : await clock.time('find inputs', async () => {
                const plain = await plainModelFile(input, place('original.onnx'));
                const inputs = await judgeInputs(child, plain, specs, test, { signal, seed });
                return new Timing(child, plain, inputs.latency, threads, signal);
              });
        const workers = new Workers(wishes.workers, { input, data: dataFile, before: size }, folder);
        const stop = (): void => void workers.close();
        signal?.addEventListener('abort', stop, { once: true });
        try {
          const report = await work(
            new Study(
              setting,
              {
                wishes,
                clock,
                loaded,
                workers,
                timing,
                journal: opened?.journal,
                place,
                original: { size, quality: qualityOf(fidelity) },
                on: test === undefined ? 'random inputs' : 'test data',
                samples: fidelity.samples,
                answers: answersOf(fidelity),
              },
              notes,
            ),
          );
          await clock.breathe();
          return report;
        } finally {
          signal?.removeEventListener('abort', stop);
          await workers.close();
        }
      });
    } finally {
      await child.close();
    }
  }

  /** The graph of the original, as pruning sees it. */
  get graph(): Graph {
    return this.#ground.loaded.model.graph;
  }

  /** The unpruned model. */
  get original(): SweepReport['original'] {
    return this.#ground.original;
  }

  /** What the models run on. */
  get on(): SweepReport['on'] {
    return this.#ground.on;
  }

  /** Answers that are compared; null where outputs have no classes. */
  get answers(): number | null {
    return this.#ground.answers;
  }

  /** Threads of the runs that are timed; null where none are. */
  get threads(): number | null {
    return this.#ground.timing?.threads ?? null;
  }

  /** How the weights of the original are distributed. */
  distributions(): Promise<readonly LayerDistribution[]> {
    return this.#ground.clock.time('distributions', () => describeDistributions(this.graph));
  }

  /** What the report of the study begins with; call it last. */
  frame(): StudyFrame {
    const { clock, original, on, samples, answers } = this.#ground;
    return {
      schemaVersion: SCHEMA_VERSION,
      tool: { name: 'onnx-prune', version: packageVersion() },
      input: { path: this.#setting.input },
      on,
      samples,
      answers,
      original,
      resumed: this.#resumed,
      environment: environment(),
      seconds: clock.seconds,
      notes: this.notes,
    };
  }

  /**
   * Prunes and judges a model for each job; what the journal holds is not measured again. Points in the order of the jobs.
   * @param within how far a step is that these jobs are a part of
   */
  async run(
    step: string,
    jobs: readonly Job[],
    within?: { readonly done: number; readonly total: number },
  ): Promise<StudyPoint[]> {
    const { clock, journal, timing, wishes } = this.#ground;
    const { signal } = this.#setting.hooks;
    const points = new Map<string, StudyPoint>();
    for (const job of jobs) {
      const kept = journal?.find(idOf(job));
      if (kept === undefined || (timing !== undefined && kept.figures.latency === null)) continue;
      points.set(idOf(job), timing === undefined ? { ...kept, figures: { ...kept.figures, latency: null } } : kept);
      this.#resumed++;
    }
    const open = [...new Map(jobs.map((job) => [idOf(job), job] as const))].filter(([id]) => !points.has(id));
    await clock.time(step, async (tell) => {
      const total = within?.total ?? points.size + open.length;
      const before = within?.done ?? 0;
      const finish = (id: string, point: StudyPoint): void => {
        signal?.throwIfAborted();
        points.set(id, point);
        if (point.figures !== null) journal?.keep(id, { ...point, figures: point.figures });
        tell(before + points.size, total);
      };
      tell(before + points.size, total);
      // What is timed must not be timed beside busy processes, so that they take turns.
      const size = timing === undefined ? open.length : wishes.workers;
      for (let from = 0; from < open.length; from += size) {
        const round = open.slice(from, from + size);
        if (timing === undefined) await Promise.all(round.map(async ([id, job]) => finish(id, await this.#prune(job))));
        else {
          const timed = await this.#pruneAndTime(
            round.map(([, job]) => job),
            timing,
          );
          for (const [index, [id]] of round.entries()) {
            const point = timed[index];
            if (point !== undefined) finish(id, point);
          }
        }
      }
    });
    return jobs.flatMap((job) => points.get(idOf(job)) ?? []);
  }

  /** @throws OnnxPruneError what the first job failed of, where all of these points failed: no report says more than that */
  refuseAllFailed(points: readonly StudyPoint[]): void {
    const [problem] = points.flatMap((point) => point.problem ?? []);
    if (problem !== undefined && points.every(({ figures }) => figures === null))
      throw new OnnxPruneError(this.#code ?? 'internal', this.#setting.input, `Every run failed: ${problem}`);
  }

  async #prune(job: Job): Promise<StudyPoint> {
    const ended = await this.#ground.workers.run(job, null);
    return ended.ok ? measuredPoint(job, ended.outcome, null) : this.#failed(job, ended);
  }

  #failed(job: Job, { code, message }: { readonly code: ErrorCode; readonly message: string }): StudyPoint {
    this.#code ??= code;
    return failedPoint(job, message);
  }

  async #pruneAndTime(jobs: readonly Job[], timing: Timing): Promise<StudyPoint[]> {
    const { workers, place } = this.#ground;
    const folder = place(`models-${this.#files++}`);
    mkdirSync(folder);
    try {
      const made = await Promise.all(
        jobs.map(async (job, index) => {
          const path = `${folder}/${index}.onnx`;
          return { job, path, ended: await workers.run(job, path) };
        }),
      );
      this.#setting.hooks.signal?.throwIfAborted();
      const paths = made.flatMap(({ ended, path }) => (ended.ok ? [path] : []));
      const latencies = await timing.measure(paths);
      return made.map(({ job, path, ended }) => {
        if (!ended.ok) return this.#failed(job, ended);
        const latency = latencies.get(path);
        return latency === undefined || 'problem' in latency
          ? this.#failed(job, {
              code: 'runtime-refused',
              message: latency?.problem ?? 'Its speed could not be measured.',
            })
          : measuredPoint(job, ended.outcome, latency);
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
