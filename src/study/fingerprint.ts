import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { environment } from '../environment.ts';
import type { LoadedModel } from '../load.ts';
import { packageVersion } from '../version.ts';
import { canonical } from './job.ts';

/**
 * What all points of a study depend on, besides what each was told: the bytes of the model, the data, the program and the machine.
 * @param data digest of the data
 * @param threads of the runs that are timed
 */
export async function fingerprintOf({ path, dataFiles }: LoadedModel, data: string, threads: number): Promise<string> {
  const hash = createHash('sha256');
  for (const file of [path, ...dataFiles]) {
    for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 22 })) hash.update(chunk);
  }
  hash.update(canonical({ data, threads, version: packageVersion(), environment: environment() }));
  return hash.digest('hex');
}
