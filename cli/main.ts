#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { OnnxPruneError } from '../src/errors.ts';
import { packageVersion } from '../src/version.ts';
import { compareCommand } from './commands/compare.ts';
import { completionCommand, completionServer } from './commands/completion.ts';
import { inspectCommand } from './commands/inspect.ts';
import { pruneCommand } from './commands/prune.ts';
import { quantizeCommand } from './commands/quantize.ts';
import { sensitivityCommand } from './commands/sensitivity.ts';
import { sweepCommand } from './commands/sweep.ts';
import { EXIT, exitCodeOf, Interrupted } from './exit-codes.ts';
import { messageWithFile } from './nearest-file.ts';
import { printable } from './render/text.ts';
import { jsonLine } from './terminal/json-lines.ts';
import { usageSentence, withPlainErrors } from './usage-errors.ts';

const EXAMPLES = `
Examples:
  $ onnx-prune model.onnx --structured 50%
      writes model.pruned.onnx, half as wide
  $ onnx-prune quantize model.onnx --calibration data.npz
      writes model.int8.onnx, which runs on 8-bit integers
  $ onnx-prune inspect model.onnx
      shows what can be removed
  $ onnx-prune compare model.onnx model.pruned.onnx
      shows how far apart they are
  $ onnx-prune sweep model.onnx --test test.npz
      shows what each amount costs and gains
  $ onnx-prune sensitivity model.onnx --test test.npz
      shows which layers are fragile

prune is the command when none is named; "onnx-prune prune --help" lists its
options.

Exit status: 0 done, 1 a bug in onnx-prune, 2 bad usage or bad input,
             3 a check or gate failed, 130 stopped by Ctrl-C`;

/** The whole command line. */
function program(): Command {
  const root = new Command('onnx-prune')
    .description('Make trained ONNX models smaller and faster, with proof.')
    .usage('<model> --structured <amount> [options]\n       onnx-prune [command] [options]')
    .version(packageVersion())
    .addHelpText('after', EXAMPLES);
  root.addCommand(pruneCommand(), { isDefault: true });
  root.addCommand(quantizeCommand());
  root.addCommand(inspectCommand());
  root.addCommand(compareCommand());
  root.addCommand(sweepCommand());
  root.addCommand(sensitivityCommand());
  root.addCommand(completionCommand());
  root.addCommand(completionServer(), { hidden: true });
  withPlainErrors(root.exitOverride(), 'onnx-prune --help');
  for (const command of root.commands) withPlainErrors(command.exitOverride(), `onnx-prune ${command.name()} --help`);
  return root;
}

async function main(argv: readonly string[]): Promise<number> {
  const root = program();
  if (argv.length <= 2) {
    // Who says nothing wants to know what there is to say.
    root.outputHelp({ error: true });
    return EXIT.usage;
  }
  try {
    await root.parseAsync(argv);
    return EXIT.done;
  } catch (error) {
    // commander has said what is wrong already, or has shown the help that was asked for.
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done;
      tellError(argv, 'bad-option', usageSentence(error.message), EXIT.usage);
      return EXIT.usage;
    }
    const message = messageWithFile(error);
    // Names in a model may hold anything, and must not steer the terminal.
    process.stderr.write(`onnx-prune: ${printable(message)}\n`);
    const verbose = argv.includes('-v') || argv.includes('--verbose');
    if (verbose && !(error instanceof Interrupted)) process.stderr.write(`${plainLines(traceOf(error))}\n`);
    const exit = exitCodeOf(error);
    tellError(
      argv,
      error instanceof OnnxPruneError ? error.code : error instanceof Interrupted ? 'stopped' : 'internal',
      message,
      exit,
    );
    return exit;
  }
}

/** Says what went wrong to a program that reads lines of JSON. */
function tellError(argv: readonly string[], code: string, message: string, exit: number): void {
  if (!argv.includes('--json-lines')) return;
  process.stdout.write(jsonLine({ type: 'error', code, message, exit }));
}

/** Lines of text, each as harmless to the terminal as a name. */
function plainLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Where an error came from, and what caused it. */
function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? `${error.stack}` : `${error.stack}\nCaused by: ${traceOf(error.cause)}`;
}

// A reader that has seen enough (`| head`) closes the pipe: that is no error, and the exit status stays what it would be.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`onnx-prune: The result cannot be written to stdout: ${error.message}.\n`);
  process.exit(EXIT.usage);
});
// There is nobody left to tell.
process.stderr.on('error', () => undefined);

process.exitCode = await main(process.argv);
