import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The calls by which a process can open, make, move or remove a file, start a program, or reach another machine. */
const TRACED =
  'open,openat,openat2,creat,mkdir,mkdirat,rmdir,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,' +
  'truncate,chmod,fchmodat,chown,fchownat,socket,execve,execveat';

/** What a program and all processes that it started asked of the system. */
export interface Trace {
  /** Absolute paths that were opened for reading alone, whether there was something or not. */
  readonly read: readonly string[];
  /** Absolute paths that were opened for writing, made, moved (both), changed or removed. */
  readonly changed: readonly string[];
  /** Programs that were started. */
  readonly programs: readonly string[];
  /** Kinds of sockets, such as "AF_INET". */
  readonly sockets: readonly string[];
}

/** Whether this machine has strace and lets it trace. */
export function canTrace(): boolean {
  return spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', 'true']).status === 0;
}

/**
 * Runs a program under strace, which sees what native code does, too.
 *
 * @param logs an empty folder that takes one file for each process
 * @param folder the working directory
 * @throws Error when the program fails.
 */
export function trace(
  command: readonly string[],
  logs: string,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Trace {
  const words = ['-ff', '-qq', '-s', '4096', '-e', `trace=${TRACED}`, '-o', join(logs, 'log'), ...command];
  const { status, stderr } = spawnSync('strace', words, { cwd: folder, env: { ...env }, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`);
  const read = new Set<string>();
  const changed = new Set<string>();
  const programs = new Set<string>();
  const sockets = new Set<string>();
  for (const name of readdirSync(logs)) {
    for (const line of readFileSync(join(logs, name), 'utf8').split('\n')) {
      const call = /^(\w+)\((.*)/.exec(line);
      if (call === null) continue;
      const [, what = '', rest = ''] = call;
      const paths = [...rest.matchAll(/"([^"]*)"/g)].map(([, path = '']) => resolve(folder, path));
      if (what === 'socket') sockets.add(/^\w+/.exec(rest)?.[0] ?? rest);
      else if (what.startsWith('exec')) programs.add(paths[0] ?? rest);
      else for (const path of paths) (isReading(what, rest) ? read : changed).add(path);
    }
  }
  return { read: [...read].sort(), changed: [...changed].sort(), programs: [...programs], sockets: [...sockets] };
}

function isReading(call: string, rest: string): boolean {
  return call.startsWith('open') && !/O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(rest);
}
