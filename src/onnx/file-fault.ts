import { messageOf, OnnxPruneError } from '../errors.ts';

/**
 * What a failed file operation means, as a `bad-file` error of one sentence.
 * @param action what was being done to the file
 * @param path the file, as the caller named it
 * @param error what the file system threw
 * @param wayOut what to do where there is no room
 */
export function fileFault(
  action: 'read' | 'write',
  path: string,
  error: unknown,
  wayOut = 'free some space there',
): OnnxPruneError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return new OnnxPruneError('bad-file', path, sentence(action, path, code, messageOf(error), wayOut), error);
}

function sentence(action: 'read' | 'write', path: string, code: string, detail: string, wayOut: string): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return action === 'read'
        ? `${path} does not exist.`
        : `${path} cannot be written: its folder does not exist; create it first.`;
    case 'EACCES':
    case 'EPERM':
      return `${path} cannot be ${action === 'read' ? 'read' : 'written'}: permission denied.`;
    case 'EROFS':
      return `${path} cannot be written: the file system is read-only.`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `${path} cannot be written: no space is left on the device; ${wayOut}.`;
    case 'EFBIG':
      return `${path} cannot be written: the file system, or a limit such as that of "ulimit -f", allows no file of this size; raise the limit, or write to another file system.`;
    case 'EISDIR':
      return `${path} is a directory, expected a file.`;
    default:
      return `${path} cannot be ${action === 'read' ? 'read' : 'written'}: ${detail}.`;
  }
}
