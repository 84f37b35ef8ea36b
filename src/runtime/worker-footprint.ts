import { readFileSync } from 'node:fs';
import type { Tell } from './protocol.ts';
import { quantile } from './quantile.ts';
import { Session } from './session.ts';
import type { Feeds, Footprint, ModelSource, SessionSettings } from './types.ts';

/** The first run allocates, and the next find what it left. */
const RUNS = 3;
/** Loads that are timed, after one that brought the file into the system's cache. */
const MOST_LOADS = 5;

/**
 * Tells what a model takes of this process, which must have run no other. The peak is that of the first load and of some
 * runs; the loads that are timed come afterwards.
 */
export async function takeFootprint(
  source: ModelSource,
  feeds: Feeds,
  budgetMs: number,
  settings: SessionSettings,
  tell: Tell,
): Promise<Footprint> {
  const baseBytes = process.memoryUsage.rss();
  const session = await Session.open(source, settings);
  try {
    const batch = session.prepare(feeds);
    for (let run = 0; run < RUNS; run++) await session.runRaw(batch);
  } finally {
    await session.release();
  }
  // The system counts in pages, and at times a little late.
  const peakBytes = Math.max(baseBytes, peakOfProcess());
  tell(1, 1 + MOST_LOADS);
  const times: number[] = [];
  const start = performance.now();
  while (times.length < MOST_LOADS && (times.length === 0 || performance.now() - start < budgetMs)) {
    const before = performance.now();
    const again = await Session.open(source, settings);
    times.push(performance.now() - before);
    await again.release();
    tell(1 + times.length, 1 + MOST_LOADS);
  }
  return { peakBytes, baseBytes, loadMs: quantile(times, 0.5), loads: times.length };
}

/** Most bytes that this process has held. What getrusage tells may be the parent's where a process begins as its copy. */
function peakOfProcess(): number {
  const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(ownStatus())?.[1];
  return 1024 * (kibibytes === undefined ? process.resourceUsage().maxRSS : Number(kibibytes));
}

/** What Linux tells of this process; nothing elsewhere. */
function ownStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8');
  } catch {
    return '';
  }
}
