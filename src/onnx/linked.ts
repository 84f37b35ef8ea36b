import { isAbsolute, posix, relative, resolve, sep } from 'node:path';
import { externalizeWith } from './externalize.ts';
import type { ModelProto, StringStringEntryProto } from './messages.ts';
import { type Bytes, StoredBytes } from './stored-bytes.ts';

/**
 * The model with data that are in files referred to where they are, by paths from a root: nothing is copied. For a runtime
 * that is told the root; no model for anybody else.
 *
 * @param root a folder that all files are in
 * @returns undefined where a file is elsewhere, as on another drive
 */
export function linkData(model: ModelProto, root: string): ModelProto | undefined {
  let lost = false;
  const linked = externalizeWith(model, (data: Bytes | undefined): StringStringEntryProto[] | undefined => {
    if (!(data instanceof StoredBytes)) return undefined;
    const path = relative(root, resolve(data.path));
    if (isAbsolute(path) || path.startsWith('..')) lost = true;
    return [
      { key: 'location', value: path.split(sep).join(posix.sep) },
      { key: 'offset', value: String(data.offset) },
      { key: 'length', value: String(data.byteLength) },
    ];
  });
  return lost ? undefined : linked;
}
