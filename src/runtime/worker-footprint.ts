import { readFileSync, writeFileSync } from 'node:fs';
import { DataType, type ValueInfoProto } from '../onnx/messages.ts';
import type { Tell } from './protocol.ts';
import { quantile } from './quantile.ts';
import { Session, withSession } from './session.ts';
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
  await warmUp();
  forgetPeak();
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

/** Loads and runs a model of one node: the first model of a process pays for what onnxruntime sets up once. */
async function warmUp(): Promise<void> {
  const { encodeModel } = await import('../onnx/codec.ts');
  const value = (name: string): ValueInfoProto => ({
    name,
    type: { tensorType: { elemType: DataType.FLOAT, shape: { dim: [{ dimValue: 1 }] } } },
  });
  const node = { opType: 'Identity', input: ['x'], output: ['y'] };
  const graph = { name: 'least', node: [node], input: [value('x')], output: [value('y')] };
  const source = encodeModel({ irVersion: 8, opsetImport: [{ domain: '', version: 13 }], graph });
  const x = { type: 'float32', dims: [1], data: new Float32Array(1) };
  await withSession(source, {}, async (session) => session.runRaw(session.prepare({ x })));
}

/**
 * Has Linux count the peak from now on, for the start of a process takes more than a small model does
 * (https://docs.kernel.org/filesystems/proc.html, clear_refs). Where that is not to be had, the peak is that of both.
 */
function forgetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not on Linux, or not allowed.
  }
}

/** Most bytes that this process has held since. What getrusage tells may be the parent's where a process begins as its copy. */
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
