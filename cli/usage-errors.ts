import type { Command } from 'commander';

/** Gives a command's usage errors the face that all errors have: one line, who says it, and where to find help. */
export function withPlainErrors(command: Command, help: string): Command {
  return command.configureOutput({
    outputError: (text, write) =>
      write(`onnx-prune: ${sentence(text)}${swallowed(command, text)}; "${help}" lists what there is.\n`),
  });
}

/** How the names of models end. */
const MODEL_FILE = /\.onnx(\.gz)?$/i;

/** Where a model is missing since an option took it for its value, the option that did. */
function swallowed(command: Command, text: string): string {
  if (!text.includes('missing required argument')) return '';
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (typeof value === 'string' && MODEL_FILE.test(value))
      return `, since ${option.long ?? option.flags} took ${value} for its value`;
  }
  return '';
}

/** What commander says is wrong, as a sentence. @see sentence */
export function usageSentence(text: string): string {
  return `${sentence(text)}.`;
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
