import { Argument, Command } from 'commander';

const SHELLS = ['bash', 'zsh', 'fish', 'pwsh'] as const;

type Shell = (typeof SHELLS)[number];

const EXAMPLES = `
To have it in every new shell:
  bash  $ onnx-prune completion bash >> ~/.bashrc
  zsh   $ onnx-prune completion zsh >> ~/.zshrc   (behind "compinit", which it needs)
  fish  $ onnx-prune completion fish \
            > ~/.config/fish/completions/onnx-prune.fish
  pwsh  > onnx-prune completion pwsh >> $PROFILE`;

/** Prints the script by which a shell completes the command. */
export function completionCommand(): Command {
  return new Command('completion')
    .description('print the script by which a shell completes commands, options and their words with Tab')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action(async (shell: Shell) => {
      const { getCompletionScript } = await import('@pnpm/tabtab');
      const script = await getCompletionScript({ name: 'onnx-prune', completer: 'onnx-prune', shell });
      process.stdout.write(script);
    });
}

/** What that script asks when Tab is pressed; the shell tells the line and the cursor in the environment. */
export function completionServer(): Command {
  return new Command('completion-server')
    .argument('[words...]')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_words: readonly string[], _options: unknown, command: Command) => {
      const [{ default: tabtab }, { candidatesAt }, { criteria }] = await Promise.all([
        import('@pnpm/tabtab'),
        import('../completion/candidates.ts'),
        import('../../src/index.ts'),
      ]);
      const shell = tabtab.getShellFromEnv(process.env);
      const { partial } = tabtab.parseEnv(process.env);
      const words = partial.split(/\s+/).slice(1);
      const { parent } = command;
      if (parent === null) return;
      const found = candidatesAt(
        parent,
        words,
        criteria.map(({ name }) => name),
        shell === 'bash',
      );
      const print = (line: string): void => void process.stdout.write(`${line}\n`);
      // Where there is nothing to choose from, bash completes files by itself; descriptions it does not show.
      if (shell === 'bash') for (const { name } of found === 'files' ? [] : found) print(name);
      else if (found === 'files') tabtab.logFiles();
      else tabtab.log([...found], shell, print);
    });
}
