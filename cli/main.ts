#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { messageOf } from '../src/errors.ts';
import { packageVersion } from '../src/version.ts';
import { compareCommand } from './commands/compare.ts';
import { inspectCommand } from './commands/inspect.ts';
import { pruneCommand } from './commands/prune.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';

/** The whole command line. */
function program(): Command {
  const root = new Command('onnx-prune')
    .description('Make trained ONNX models smaller and faster, with proof.')
    .version(packageVersion())
    .showHelpAfterError('(--help lists the options)');
  root.addCommand(pruneCommand(), { isDefault: true });
  root.addCommand(inspectCommand());
  root.addCommand(compareCommand());
  for (const command of [root, ...root.commands]) command.exitOverride();
  return root;
}

async function main(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(argv);
    return EXIT.done;
  } catch (error) {
    // commander has said what is wrong already, or has shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof Error && error.name === 'Interrupted') {
      process.stderr.write(`onnx-prune: ${error.message}\n`);
      return EXIT.interrupted;
    }
    const verbose = argv.includes('-v') || argv.includes('--verbose');
    process.stderr.write(`onnx-prune: ${messageOf(error)}\n`);
    if (verbose && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return exitCodeOf(error);
  }
}

// A reader that has seen enough (`| head`) closes the pipe; that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  throw error;
});

process.exitCode = await main(process.argv);
