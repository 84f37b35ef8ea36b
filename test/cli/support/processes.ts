import { readdirSync, readFileSync } from 'node:fs';

/** The processes that a process has started and that are still there; Linux only. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const each = Number(name);
    return Number.isInteger(each) && parentOf(each) === pid ? [each] : [];
  });
}

/** Those, and theirs, and so on. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Whether a process is there; what has ended and waits to be noticed is not. */
export function isAlive(pid: number): boolean {
  return parentOf(pid) !== undefined && stateOf(pid) !== 'Z';
}

/** The words of a process, or nothing where it is not there. */
export function commandLineOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

function parentOf(pid: number): number | undefined {
  const found = /^PPid:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1];
  return found === undefined ? undefined : Number(found);
}

function stateOf(pid: number): string | undefined {
  return /^State:\s*(\S)/m.exec(read(`/proc/${pid}/status`))?.[1];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
