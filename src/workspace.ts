import { rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { OnnxPruneError } from './errors.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';

/** A temporary folder that is gone afterwards, whatever happens but a kill. */
export async function withWorkspace<T>(work: (path: (name: string) => string) => Promise<T>): Promise<T> {
  const folder = await makeTemporaryFolder();
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
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

/** Files in the folder are named without it in messages: nobody who reads them will find it. */
function withoutFolder(error: unknown, folder: string): unknown {
  if (!(error instanceof OnnxPruneError) || !error.message.includes(folder)) return error;
  const message = error.message.replaceAll(`${folder}${sep}`, '');
  return new OnnxPruneError(error.code, error.subject.replaceAll(`${folder}${sep}`, ''), message, error);
}
