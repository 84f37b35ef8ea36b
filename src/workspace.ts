import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { messageOf, OnnxPruneError } from './errors.ts';

/** A temporary folder that is gone afterwards, whatever happens but a kill. */
export async function withWorkspace<T>(work: (path: (name: string) => string) => Promise<T>): Promise<T> {
  const folder = await makeFolder();
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    return await work((name) => join(folder, name));
  } catch (error) {
    throw withoutFolder(error, folder);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

async function makeFolder(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'onnx-prune-'));
  } catch (error) {
    throw new OnnxPruneError(
      'bad-file',
      tmpdir(),
      `No temporary folder could be made in ${tmpdir()} (${messageOf(error)}); set TMPDIR to a folder that can be written to.`,
      error,
    );
  }
}

/** Files in the folder are named without it in messages: nobody who reads them will find it. */
function withoutFolder(error: unknown, folder: string): unknown {
  if (!(error instanceof OnnxPruneError) || !error.message.includes(folder)) return error;
  const message = error.message.replaceAll(`${folder}${sep}`, '');
  return new OnnxPruneError(error.code, error.subject.replaceAll(`${folder}${sep}`, ''), message, error);
}
