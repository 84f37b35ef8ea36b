import { inMemory, memoryScratch } from '../../../cli/byte-source.ts';
import { type NumpyArray, parseNpy } from '../../../cli/npy.ts';
import { entryName, MOST_IN_MEMORY, openNpz } from '../../../cli/npz.ts';

/** Reads the arrays of a .npz file in memory, by name. */
export async function parseNpz(bytes: Uint8Array, source: string): Promise<ReadonlyMap<string, NumpyArray>> {
  const files = await openNpz(inMemory(bytes), source, { scratch: memoryScratch, most: MOST_IN_MEMORY });
  const arrays = new Map<string, NumpyArray>();
  for (const [name, file] of files) arrays.set(name, parseNpy(await file.read(0, file.size), entryName(source, name)));
  return arrays;
}
