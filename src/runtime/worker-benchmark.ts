import { seededRandom } from '../numeric/random.ts';
import { attend } from './attention.ts';
import type { Tell } from './protocol.ts';
import { quantile } from './quantile.ts';
import { Session } from './session.ts';
import { turns } from './turns.ts';
import type { Benchmark, BenchmarkOptions, Feeds, ModelSource, ModelTiming, SpeedUp } from './types.ts';

/** A shorter sample would measure the clock and the event loop as much as the model. */
const SAMPLE_MS = 1;
/** However fast the model is, a sample stays this short. */
const MOST_BURST = 1000;
/** Below this many rounds the quartiles mean nothing. */
const FEWEST_ROUNDS = 5;
const WARM_UP_RUNS = 3;
/**
 * How many sessions each model is timed in, one after the other. Where a session comes to lie in memory can make it slower by a third for as
 * long as it lives, which no number of its rounds shows.
 * Source: Curtsinger and Berger, "Stabilizer: Statistically Sound Performance Evaluation", 2013.
 */
const SESSIONS = 4;
/** The part of the time that loading all of these may take. */
const MOST_LOADING = 0.1;

/** A model that is loaded. */
interface Opened {
  readonly session: Session;
  readonly feeds: readonly ReturnType<Session['prepare']>[];
}

interface Contestant {
  readonly open: () => Promise<Opened>;
  opened: Opened;
  readonly loads: number[];
  readonly samples: number[];
  burst: number;
}

/**
 * Times models against each other: in every round each model gives one sample, in an order of `turns`, so that what the machine does
 * (heat, neighbours, caches) falls on all of them alike; and models that load quickly are timed in several sessions.
 */
export async function measureBenchmark(
  sources: readonly ModelSource[],
  batches: readonly Feeds[],
  options: BenchmarkOptions,
  tell: Tell,
): Promise<Benchmark> {
  const { threads = 1, rounds = 30, minMs = 1000, budgetMs = 20_000 } = options;
  const contestants: Contestant[] = [];
  try {
    for (const source of sources)
      contestants.push(await enter(source, batches, { threads, optimization: options.optimization }));
    for (const contestant of contestants) contestant.burst = burstOf(await warmUp(contestant));
    attend(undefined);

    const loading = contestants.reduce((sum, { loads }) => sum + (loads[0] ?? 0), 0);
    const most = loading * (SESSIONS - 1) <= MOST_LOADING * minMs ? SESSIONS : 1;
    const start = performance.now();
    const orders = turns(contestants, seededRandom(1));
    let sessions = 1;
    let round = 0;
    for (; ; round++) {
      const elapsed = performance.now() - start;
      if (round >= FEWEST_ROUNDS && (elapsed >= budgetMs || (round >= rounds && elapsed >= minMs))) break;
      if (sessions < most && round >= FEWEST_ROUNDS * sessions && elapsed >= (minMs * sessions) / most) {
        for (const contestant of contestants) await renew(contestant);
        attend(undefined);
        sessions++;
      }
      for (const contestant of orders.next().value) {
        contestant.samples.push(await sample(contestant, round));
      }
      const spent = performance.now() - start;
      const enough = Math.min((round + 1) / rounds, spent / minMs);
      const outOfTime = Math.min((round + 1) / FEWEST_ROUNDS, spent / budgetMs);
      tell(Math.floor(Math.min(1, Math.max(enough, outOfTime)) * rounds), rounds);
    }
    const reference = contestants[0]?.samples ?? [];
    const models = contestants.map((contestant, index) => timing(contestant, index === 0 ? undefined : reference));
    return { models, rounds: round, sessions, threads };
  } finally {
    for (const { opened } of contestants) await opened.session.release();
  }
}

async function enter(
  source: ModelSource,
  batches: readonly Feeds[],
  settings: Parameters<typeof Session.open>[1],
): Promise<Contestant> {
  const loads: number[] = [];
  const open = async (): Promise<Opened> => {
    const start = performance.now();
    const session = await Session.open(source, settings);
    loads.push(performance.now() - start);
    return { session, feeds: batches.map((feeds) => session.prepare(feeds)) };
  };
  return { open, opened: await open(), loads, samples: [], burst: 1 };
}

/** Takes another session, which is made while the one before is there still: it would lie at the same place otherwise. */
async function renew(contestant: Contestant): Promise<void> {
  const { session } = contestant.opened;
  contestant.opened = await contestant.open();
  await session.release();
  await warmUp(contestant);
}

/** First runs allocate. @returns ms of the last of them */
async function warmUp(contestant: Contestant): Promise<number> {
  let ms = 0;
  contestant.opened.session.attend();
  for (let run = 0; run < WARM_UP_RUNS; run++) ms = await sample(contestant, run);
  return ms;
}

/** How many runs make a sample. */
function burstOf(ms: number): number {
  return Math.min(MOST_BURST, Math.max(1, Math.ceil(SAMPLE_MS / Math.max(ms, 1e-6))));
}

/** ms per run, over one burst. All models see the same batch in the same round. */
async function sample({ opened, burst }: Contestant, round: number): Promise<number> {
  const { session, feeds } = opened;
  const batch = feeds[round % feeds.length] ?? {};
  const start = performance.now();
  for (let run = 0; run < burst; run++) await session.runRaw(batch);
  return (performance.now() - start) / burst;
}

function timing({ samples, burst, loads }: Contestant, reference: readonly number[] | undefined): ModelTiming {
  return {
    median: quantile(samples, 0.5),
    p10: quantile(samples, 0.1),
    p90: quantile(samples, 0.9),
    min: Math.min(...samples),
    runs: samples.length * burst,
    burst,
    // Beside another session of the same model it takes longer.
    loadMs: loads[0] ?? Number.NaN,
    speedUp: reference === undefined ? undefined : speedUp(reference, samples),
  };
}

/** The ratios are taken within rounds, where both models met the same conditions. */
function speedUp(reference: readonly number[], samples: readonly number[]): SpeedUp {
  const ratios = samples.map((ms, round) => (reference[round] ?? ms) / ms);
  const p25 = quantile(ratios, 0.25);
  const p75 = quantile(ratios, 0.75);
  return { median: quantile(ratios, 0.5), p25, p75, significant: p25 > 1 || p75 < 1 };
}
