import { describe, expect, it } from 'vitest';
import { inMemory } from '../../cli/byte-source.ts';
import { entryBytes, readZipDirectory, ZipDamage } from '../../cli/zip-directory.ts';
import { zipBytes } from './support/zip-bytes.ts';

const kept = Buffer.from('the content');
const other = Buffer.from('something else');

async function contents(archive: Uint8Array): Promise<Record<string, string>> {
  const source = inMemory(archive);
  const found: Record<string, string> = {};
  for (const entry of await readZipDirectory(source)) {
    const bytes = await entryBytes(source, entry);
    found[entry.name] = Buffer.from(await bytes.read(0, bytes.size)).toString();
  }
  return found;
}

describe('the directory of a zip archive', () => {
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('says where contents are: zip64 fields %s, zip64 end %s', async (field, end) => {
    const entries = [
      { name: 'a', kept, zip64: field },
      { name: 'b', kept: other, zip64: field },
    ];
    expect(await contents(zipBytes(entries, { zip64: end }))).toEqual({ a: `${kept}`, b: `${other}` });
  });

  it('may have a comment, which may look like its end', async () => {
    const comment = `PK\x05\x06${'x'.repeat(30)}`;
    expect(await contents(zipBytes([{ name: 'a', kept }], { comment }))).toEqual({ a: `${kept}` });
  });

  it('has names in UTF-8 where it says so, else one byte per letter', async () => {
    const utf8 = { name: 'größe', kept };
    const latin1 = { name: Buffer.from('größe', 'latin1'), kept, flags: 0 };
    for (const entry of [utf8, latin1]) expect(Object.keys(await contents(zipBytes([entry])))).toEqual(['größe']);
  });

  it('tells how each entry is kept', async () => {
    const archive = zipBytes([{ name: 'a', kept, content: other, method: 8, flags: 1 }]);
    expect(await readZipDirectory(inMemory(archive))).toMatchObject([
      { name: 'a', method: 8, encrypted: true, size: kept.length, originalSize: other.length, offset: 0 },
    ]);
  });

  it.each([
    [false, 'plain'],
    [true, 'zip64'],
  ])('is not there when the archive is cut off, however it is (zip64 %s)', async (zip64) => {
    const archive = zipBytes([{ name: 'a', kept, zip64 }], { zip64 });
    for (let length = 0; length < archive.length; length += 1) {
      await expect(contents(archive.subarray(0, length))).rejects.toBeInstanceOf(ZipDamage);
    }
  });

  it('lies in no way that is not noticed, or reads something that is there', async () => {
    const archive = zipBytes([{ name: 'a', kept, zip64: true }], { zip64: true });
    for (let at = 30; at < archive.length; at += 1) {
      for (const flip of [1, 0x80, 0xff]) {
        const damaged = Buffer.from(archive);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        const outcome: unknown = await contents(damaged).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ZipDamage);
      }
    }
  });
});
