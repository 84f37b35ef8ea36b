import { randomBytes } from 'node:crypto';
import { link, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { checkRoom } from './disk-room.ts';
import { withPlacingLock } from './placing-lock.ts';
import type { FileContent } from './replace-files.ts';
import {
  attempt,
  discard,
  type Parts,
  type Staged,
  type StageOptions,
  stagingPlace,
  syncFolders,
  temporaryBeside,
  writeStaged,
} from './staged-file.ts';

/** A model file, and the data file beside it that it names. */
export interface PairContent {
  readonly model: FileContent;
  readonly data: FileContent;
  /** The model file where it names another data file in its folder; asked for only where a pair is replaced. */
  readonly modelNaming: (location: string) => Parts;
}

/**
 * Writes a model file and its data file so that, whenever the process is killed or the power fails, the model is the old one with its
 * old data or the new one with its new data; and so that of several processes that write the same pair at once, one has both in the end.
 *
 * Two files cannot be renamed at once. Where there is no pair yet, the data go first, and until the model follows nobody asks for
 * them. Where there is one, the new data get a name that no model has used, `<model>.<12 digits>.data`; a model that names those takes the
 * place of the old one, which is the moment of the change; then the data get their usual name as well (a hard link), the model that
 * names that follows, and the other name goes. On a file system without hard links the name with the digits stays.
 *
 * The model may be behind a symbolic link, which is followed; one in the place of the data file is replaced, since models elsewhere may
 * use what it leads to.
 *
 * @throws OnnxPruneError `bad-file` naming the path that could not be written, and why; the signal's reason where aborted
 */
export async function replacePair({ model, data, modelNaming }: PairContent, options: StageOptions): Promise<void> {
  const staged: Staged[] = [];
  const stage = async (place: Staged, parts: Parts): Promise<void> => {
    staged.push(place);
    await attempt(place.path, options, () => writeStaged(place, parts, options));
  };
  try {
    const modelPlace = await attempt(model.path, options, () => stagingPlace(model.path));
    const found = await attempt(data.path, options, () => stagingPlace(data.path));
    const dataPlace = { ...found, target: data.path, temporary: temporaryBeside(data.path) };
    await checkRoom(
      [
        { place: dataPlace, bytes: data.bytes },
        { place: modelPlace, bytes: model.bytes },
      ],
      options,
    );
    await stage(dataPlace, data.parts);
    await stage(modelPlace, model.parts);
    await attempt(model.path, options, () =>
      withPlacingLock(modelPlace.target, model.path, async () => {
        const isPair = (await isThere(modelPlace.target)) && (await isThere(dataPlace.target));
        const inUse = isPair ? await changeOver(modelPlace, dataPlace) : await placeBoth(modelPlace, dataPlace);
        await removeInterim(model.path, inUse);
      }),
    );
  } finally {
    await discard(staged);
  }

  async function changeOver(modelPlace: Staged, dataPlace: Staged): Promise<string> {
    const name = interimName(model.path);
    const interim = join(dirname(data.path), name);
    const bridge = { ...modelPlace, temporary: temporaryBeside(modelPlace.target) };
    await stage(bridge, modelNaming(name));
    await rename(dataPlace.temporary, interim);
    try {
      await syncFolders([interim]);
      await rename(bridge.temporary, modelPlace.target);
    } catch (error) {
      await rm(interim, { force: true });
      throw error;
    }
    await syncFolders([modelPlace.target]);
    return (await settle(modelPlace, dataPlace, interim)) ? basename(data.path) : name;
  }
}

/** One of some data files that {@link replacePair} would clear away, because it left them under such a name before; or none. */
export function interimOf(modelPath: string, files: readonly string[]): string | undefined {
  const folder = resolve(dirname(modelPath));
  return files.find((file) => resolve(dirname(file)) === folder && isInterimName(modelPath, basename(file)));
}

/** Whether this is what {@link replacePair} calls data while their usual name is taken. */
function isInterimName(modelPath: string, name: string): boolean {
  const start = `${basename(modelPath)}.`;
  return name.startsWith(start) && /^[0-9a-f]{12}\.data$/.test(name.slice(start.length));
}

function interimName(modelPath: string): string {
  return `${basename(modelPath)}.${randomBytes(6).toString('hex')}.data`;
}

/** Puts both in their places where no pair is there. @returns the name of the data file */
async function placeBoth(model: Staged, data: Staged): Promise<string> {
  const isFresh = !(await isThere(data.target));
  await rename(data.temporary, data.target);
  try {
    await syncFolders([data.target]);
    await rename(model.temporary, model.target);
  } catch (error) {
    if (isFresh) await rm(data.target, { force: true });
    throw error;
  }
  await syncFolders([model.target]);
  return basename(data.target);
}

/** Gives data that are in use under an interim name the usual one. @returns whether that worked; if not, all is as good as before */
async function settle(model: Staged, data: Staged, interim: string): Promise<boolean> {
  const twin = temporaryBeside(data.target);
  try {
    await link(interim, twin);
    await rename(twin, data.target);
    await syncFolders([data.target]);
    await rename(model.temporary, model.target);
    await syncFolders([model.target]);
    return true;
  } catch {
    await rm(twin, { force: true });
    // No model that is there names it any more.
    await rm(data.target, { force: true }).catch(() => undefined);
    return false;
  }
}

/** Removes data of this model that were left under interim names by processes that were killed. */
async function removeInterim(modelPath: string, inUse: string): Promise<void> {
  const folder = dirname(modelPath);
  const names = await readdir(folder).catch(() => []);
  const old = names.filter((name) => name !== inUse && isInterimName(modelPath, name));
  await Promise.allSettled(old.map((name) => rm(join(folder, name), { force: true })));
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
