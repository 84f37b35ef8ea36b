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

interface Contestant {
  readonly session: Session;
  readonly loadMs: number;
  readonly feeds: readonly ReturnType<Session['prepare']>[];
  readonly samples: number[];
  burst: number;
}

/**
 * Times models against each other: in every round each model gives one sample, in an order of `turns`, so that what the machine does
 * (heat, neighbours, caches) falls on all of them alike.
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
      contestants.push(await load(source, batches, { threads, optimization: options.optimization }));
    for (const contestant of contestants) await warmUp(contestant);
    attend(undefined);

    const start = performance.now();
    const orders = turns(contestants, seededRandom(1));
    let round = 0;
    for (; ; round++) {
      const elapsed = performance.now() - start;
      if (round >= FEWEST_ROUNDS && (elapsed >= budgetMs || (round >= rounds && elapsed >= minMs))) break;
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
    return { models, rounds: round, threads };
  } finally {
    for (const contestant of contestants) await contestant.session.release();
  }
}

async function load(
  source: ModelSource,
  batches: readonly Feeds[],
  settings: Parameters<typeof Session.open>[1],
): Promise<Contestant> {
  const start = performance.now();
  const session = await Session.open(source, settings);
  const loadMs = performance.now() - start;
  return { session, loadMs, feeds: batches.map((feeds) => session.prepare(feeds)), samples: [], burst: 1 };
}

/** First runs allocate; the last of them tells how many runs make a sample. */
async function warmUp(contestant: Contestant): Promise<void> {
  let ms = 0;
  contestant.session.attend();
  for (let run = 0; run < WARM_UP_RUNS; run++) ms = await sample(contestant, run);
  contestant.burst = Math.min(MOST_BURST, Math.max(1, Math.ceil(SAMPLE_MS / Math.max(ms, 1e-6))));
}

/** ms per run, over one burst. All models see the same batch in the same round. */
async function sample({ session, feeds, burst }: Contestant, round: number): Promise<number> {
  const batch = feeds[round % feeds.length] ?? {};
  const start = performance.now();
  for (let run = 0; run < burst; run++) await session.runRaw(batch);
  return (performance.now() - start) / burst;
}

function timing({ samples, burst, loadMs }: Contestant, reference: readonly number[] | undefined): ModelTiming {
  return {
    median: quantile(samples, 0.5),
    p10: quantile(samples, 0.1),
    p90: quantile(samples, 0.9),
    min: Math.min(...samples),
    runs: samples.length * burst,
    burst,
    loadMs,
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
