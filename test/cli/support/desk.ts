import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { runInHost } from './host.ts';
import { commandLineOf, descendantsOf } from './processes.ts';

const COMMAND = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const FIXTURES = fileURLToPath(new URL('../../../fixtures/', import.meta.url));

/** How a command ended and what it said. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface Running {
  readonly ended: Promise<Outcome>;
  /** Sends a signal to the command alone. */
  stop(signal: NodeJS.Signals): void;
  /** Closes our end of its stdout. */
  hangUp(): void;
  /** Of the command. */
  readonly pid: number;
  /** Settles with a process that the command, or one of its processes, has started, when there is one with such a command line. */
  child(isMeant: (commandLine: string) => boolean): Promise<number>;
  /** Settles when stderr has said this. */
  said(text: string): Promise<void>;
}

/** Where a user sits: a fresh folder, and one for temporary files that nobody else uses. Both are gone after the test. */
export class Desk {
  /** The built command. */
  static readonly command: string = COMMAND;

  readonly folder: string;
  readonly #temporary: string;

  constructor() {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'desk-')));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    this.folder = join(root, 'work');
    this.#temporary = join(root, 'tmp');
    mkdirSync(this.folder);
    mkdirSync(this.#temporary);
  }

  /** Copies a fixture here, and what else is named. */
  fixture(name: string, ...beside: readonly string[]): string {
    for (const each of [name, ...beside]) copyFileSync(join(FIXTURES, each), this.path(basename(each)));
    return basename(name);
  }

  /** Writes a file here. */
  write(name: string, content: Uint8Array | string): string {
    writeFileSync(this.path(name), content);
    return name;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): Buffer {
    return readFileSync(this.path(name));
  }

  /** Settles when there is a file with such a content. */
  async has(name: string, isMeant: (text: string) => boolean): Promise<void> {
    while (!(existsSync(this.path(name)) && isMeant(this.read(name).toString()))) await sleep(10);
  }

  /** The files here, hidden ones too. */
  get files(): string[] {
    return readdirSync(this.folder).sort();
  }

  /** What commands have left in the folder for temporary files. */
  get leftovers(): string[] {
    return readdirSync(this.#temporary);
  }

  /** Starts onnx-prune here, with its output going into pipes. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const { FORCE_COLOR: _, ...inherited } = process.env;
    const child = spawn(process.execPath, [COMMAND, ...args], {
      cwd: this.folder,
      env: { ...inherited, TMPDIR: this.#temporary, TEMP: this.#temporary, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Outcome>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
    const said = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (stderr.includes(text)) resolve();
        };
        child.stderr.on('data', look);
        child.on('close', () => reject(new Error(`it ended without saying "${text}": ${stderr}`)));
        look();
      });
    const { pid = 0 } = child;
    const descendant = async (isMeant: (commandLine: string) => boolean): Promise<number> => {
      for (;;) {
        const found = descendantsOf(pid).find((each) => isMeant(commandLineOf(each)));
        if (found !== undefined) return found;
        await sleep(10);
      }
    };
    return {
      ended,
      said,
      pid,
      child: descendant,
      stop: (signal) => child.kill(signal),
      hangUp: () => child.stdout.destroy(),
    };
  }

  /** Runs onnx-prune here to its end, in a process that all such runs of the test file share: quick where little is to do. */
  hosted(...args: readonly string[]): Promise<Outcome> {
    return runInHost({ command: COMMAND, args, folder: this.folder, temporary: this.#temporary });
  }

  /** Runs onnx-prune here to its end. */
  run(...args: readonly string[]): Promise<Outcome> {
    return this.start(args).ended;
  }
}
