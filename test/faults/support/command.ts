import { type SpawnOptions, spawn } from 'node:child_process';
import { Desk, type Outcome } from '../../cli/support/desk.ts';

/** How the command is run, apart from its words. */
export interface Circumstances {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What a shell does before it, such as `ulimit -f 8`. */
  readonly before?: string;
  /** What a shell does with its streams, such as `> /dev/full` or `| true`. */
  readonly after?: string;
  /** Who runs it, as a number. */
  readonly uid?: number;
}

/** Runs the built command from a shell. Of a pipe, the status is that of the command. */
export function command(
  words: readonly string[],
  { folder, env, before, after = '', uid }: Circumstances,
): Promise<Outcome> {
  const run = `"$NODE" "$COMMAND" "$@" ${after}`;
  const status = after.startsWith('|') ? `; exit $\{PIPESTATUS[0]}` : '';
  const script = `${before === undefined ? '' : `${before}; `}${run}${status}`;
  const options: SpawnOptions = {
    cwd: folder,
    env: { ...process.env, ...env, NODE: process.execPath, COMMAND: Desk.command },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  };
  return new Promise((resolve, reject) => {
    const shell = spawn('bash', ['-c', script, 'onnx-prune', ...words], options);
    let stdout = '';
    let stderr = '';
    shell.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    shell.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    shell.on('error', reject);
    shell.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
