import type { Command } from 'commander';

/** Gives a command's usage errors the face that all errors have: one line, who says it, and where to find help. */
export function withPlainErrors(command: Command, help: string): Command {
  return command.configureOutput({
    outputError: (text, write) => write(`onnx-prune: ${sentence(text)}; "${help}" lists what there is.\n`),
  });
}

/** commander's "error: unknown option '--foo'\n(Did you mean --bar?)" as the start of a sentence. */
function sentence(text: string): string {
  const line = text
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace('(Did you mean', '(did you mean')
    .trim()
    .replace(/\.$/, '');
  return line.charAt(0).toUpperCase() + line.slice(1);
}
