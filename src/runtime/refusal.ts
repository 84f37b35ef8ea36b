import { messageOf, OnnxPruneError } from '../errors.ts';
import { typeName } from './element-type.ts';

/** A place in onnxruntime's own source, with the function it is in. */
const PLACE = /\S+\.(?:cc|cpp|cu|h|hpp):\d+ (?:[\w:~<>,*& ]*?[\w>]\([^)]*\)(?: const)? |\w+ )?/g;
/** How onnxruntime's JavaScript refuses an input or output of a type that JavaScript has no arrays for. */
const UNSUPPORTED = /Unsupported data type: (\d+)/;

/** A message of onnxruntime on one line of at most `limit` characters, without the places in its own source. */
export function oneLine(message: string, limit = 400): string {
  const text = message
    .replace(PLACE, '')
    .replace(/^Error:\s*/, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/\.$/, '');
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

/** The ONNX element type that was refused as an input's or output's, if that is what the message says. */
export function unsupportedType(message: string): string | undefined {
  const code = UNSUPPORTED.exec(message)?.[1];
  return code === undefined ? undefined : typeName(Number(code));
}

/** The error for a model that onnxruntime `verb`s (refuses, cannot run), in onnxruntime's own words. */
export function refusal(subject: string, verb: string, error: unknown): OnnxPruneError {
  const words = messageOf(error);
  const type = unsupportedType(words);
  const reason =
    type === undefined
      ? oneLine(words)
      : `one of its inputs or outputs is ${type}, which cannot be passed from or to JavaScript (${oneLine(words)}); cast it to float32 inside the model`;
  return new OnnxPruneError('runtime-refused', subject, `onnxruntime ${verb} ${subject}: ${reason}.`);
}
