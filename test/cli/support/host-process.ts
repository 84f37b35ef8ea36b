import { pathToFileURL } from 'node:url';
import type { Outcome } from './desk.ts';

/** A command to run: its words, where, and where its temporary files go. */
export interface HostTask {
  /** Path of the command's module. */
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly temporary: string;
}

/** Catches what is written to a stream, for as long as it is called. */
function caught(stream: NodeJS.WriteStream): { readonly text: () => string; readonly release: () => void } {
  const write = stream.write;
  const parts: string[] = [];
  stream.write = (part: string | Uint8Array, ...more: readonly unknown[]): boolean => {
    parts.push(typeof part === 'string' ? part : Buffer.from(part).toString());
    for (const each of more) if (typeof each === 'function') each();
    return true;
  };
  return {
    text: () => parts.join(''),
    release: () => {
      stream.write = write;
    },
  };
}

let runs = 0;

/** Runs the command's main module once more: only this module is evaluated anew, all that it imports is there already. */
async function run({ command, args, folder, temporary }: HostTask): Promise<Outcome> {
  process.chdir(folder);
  process.env['TMPDIR'] = temporary;
  process.env['TEMP'] = temporary;
  process.argv = [process.execPath, command, ...args];
  process.exitCode = undefined;
  const [stdout, stderr] = [caught(process.stdout), caught(process.stderr)];
  try {
    await import(`${pathToFileURL(command).href}?${++runs}`);
    return { code: Number(process.exitCode ?? 0), stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    stdout.release();
    stderr.release();
    process.chdir('/');
  }
}

// Each run adds its own.
process.setMaxListeners(0);
process.stdout.setMaxListeners(0);
process.stderr.setMaxListeners(0);
process.on('message', (task: HostTask) => {
  run(task).then((outcome) => process.send?.(outcome));
});
process.on('disconnect', () => process.exit(0));
