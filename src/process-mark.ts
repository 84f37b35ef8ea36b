import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** What a mark looks like: the process id, and 8 digits for the world in which that id means something. */
const MARK = /^(\d+)-([0-9a-f]{8})$/;

let scope: string | undefined;

/**
 * What this process marks its temporary files with, so that a later one can tell whether their owner is gone: `1234-89abcdef`. A
 * process id means something only on one host, since one start, in one namespace; all three are in the second half.
 */
export function processMark(): string {
  scope ??= scopeOfIds();
  return `${process.pid}-${scope}`;
}

/**
 * Whether a mark is of a process that is gone for certain. What another host, another container or an earlier start of the
 * machine has marked is not known to be, nor is anything where the system does not say what process ids mean.
 */
export function isOrphaned(mark: string): boolean {
  const [, pid, theirs] = MARK.exec(mark) ?? [];
  scope ??= scopeOfIds();
  if (theirs !== scope || theirs === UNKNOWN) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    // A process of another user is there, too, but may not be signalled.
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

const UNKNOWN = '00000000';

function scopeOfIds(): string {
  try {
    const start = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    const world = `${hostname()}\n${start}\n${readlinkSync('/proc/self/ns/pid')}`;
    return createHash('sha256').update(world).digest('hex').slice(0, UNKNOWN.length);
  } catch {
    // Not Linux, or no view of its processes.
    return UNKNOWN;
  }
}
