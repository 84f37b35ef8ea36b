import type { DataRoom, InputSpec, SampleSource } from '../src/index.ts';
import { openArrayFiles } from './array-files.ts';
import type { MakeScratch } from './byte-source.ts';
import { DiskBytes } from './disk-bytes.ts';
import { type NpyFile, openNpy } from './npy-file.ts';
import { convertedFor, fitSamples } from './samples.ts';
import { asSampleInputs, asTensor } from './test-data.ts';

/**
 * Opens data for a model without reading them into memory: headers are held against the model's inputs now, and numbers are
 * read and converted when a batch is asked for. What has to be written anew before (deflated entries of a .npz file,
 * arrays in Fortran order) goes into temporary files.
 *
 * @throws OnnxPruneError `bad-file`, `bad-data` in one sentence; see `fitSamples`
 */
export async function openCalibration(
  path: string,
  inputs: readonly InputSpec[],
  { place, onProgress }: DataRoom,
): Promise<SampleSource> {
  const disk = new DiskBytes();
  let copies = 0;
  const scratch: MakeScratch = (size, what) => disk.create(place(`calibration-${copies++}.npy`), size, what);
  try {
    const arrays = new Map<string, NpyFile>();
    for (const [name, file] of await openArrayFiles(path, disk, { scratch, onProgress })) {
      arrays.set(name, await openNpy(file, scratch, onProgress));
    }
    const { count, feeds, labels } = fitSamples(path, arrays, asSampleInputs(inputs));
    return {
      count,
      labelled: labels !== undefined,
      batch: async (samples) => {
        const tensors: [string, ReturnType<typeof asTensor>][] = [];
        for (const { input, array } of feeds) {
          tensors.push([input.name, asTensor(convertedFor(path, input, await array.rows(samples)))]);
        }
        return { feeds: Object.fromEntries(tensors), labels: labels && asTensor(await labels.rows(samples)) };
      },
      close: () => disk.close(),
    };
  } catch (error) {
    await disk.close();
    throw error;
  }
}
