import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, OnnxPruneError } from './errors.ts';

/**
 * A new folder among the system's temporary ones, for whoever makes it to remove.
 * @param prefix what its name begins with
 * @throws OnnxPruneError `bad-file` where none can be made
 */
export async function makeTemporaryFolder(prefix = 'onnx-prune-'): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), prefix));
  } catch (error) {
    throw new OnnxPruneError(
      'bad-file',
      tmpdir(),
      `No temporary folder could be made in ${tmpdir()} (${messageOf(error)}); set TMPDIR to a folder that can be written to.`,
      error,
    );
  }
}
