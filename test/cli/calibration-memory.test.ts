import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, createDeflateRaw } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { npyBytes } from '../support/npy-bytes.ts';
import { numberAt, parse } from './support/read.ts';
import { zipFrame } from './support/zip-bytes.ts';

const MODULE = new URL('../../dist/cli/calibration-data.js', import.meta.url).href;
const ROWS = 4096;
const COLUMNS = 32 * 1024;
const SIZE = ROWS * COLUMNS * 4;
/** A third of the data; Node itself takes half of that. */
const MOST_RESIDENT = SIZE / 3;

/**
 * Opens data in a process of its own with little room, reads all batches, and tells the sum of the last number of each row
 * and the most memory that the process had. On Linux `maxRSS` starts from the parent's, so the kernel's own mark is taken.
 */
const PROGRAM = `
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
const [path, folder] = process.argv.slice(1);
const { openCalibration } = await import(${JSON.stringify(MODULE)});
const room = { place: (name) => join(folder, name), onProgress: () => {} };
const source = await openCalibration(path, [{ name: 'x', type: 'float32', dims: ['N', ${COLUMNS}] }], room);
let sum = 0;
for (let at = 0; at < source.count; at += 32) {
  const { feeds } = await source.batch(Array.from({ length: 32 }, (_, i) => at + i));
  for (let i = 1; i <= 32; i += 1) sum += feeds.x.data[i * ${COLUMNS} - 1];
}
await source.close();
let peak = process.resourceUsage().maxRSS;
try { peak = Number(/^VmHWM:\\s+(\\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]); } catch {}
console.log(JSON.stringify({ count: source.count, sum, peak: peak * 1024 }));
`;

let folder = '';
const path = (name: string): string => join(folder, name);
const piece = Buffer.alloc(4 * 2 ** 20);
/** The last number of the last piece is 7, all others are zero. */
const last = Buffer.from(piece);
last.writeFloatLE(7, last.length - 4);
const header = npyBytes('<f4', [ROWS, COLUMNS], new Uint8Array());
const pieces = SIZE / piece.length;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'calibration-memory-'));
  mkdirSync(path('tmp'));
  writeSparse('x.npy', [header], SIZE, []);
  const checksum = checksumOfArray();
  const original = header.length + SIZE;
  const entry = { label: Buffer.from('x.npy'), method: 0, flags: 0, checksum, size: original, original };
  const stored = zipFrame(entry);
  writeSparse('stored.npz', [stored.before, header], SIZE, [stored.after]);
  const content = await deflated();
  const frame = zipFrame({ ...entry, method: 8, size: content.length });
  writeFileSync(path('deflated.npz'), Buffer.concat([frame.before, content, frame.after]));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a file in which the zeros are a hole that takes no room on the disk. */
function writeSparse(name: string, before: readonly Uint8Array[], zeros: number, after: readonly Uint8Array[]): void {
  const file = openSync(path(name), 'w');
  let at = 0;
  for (const part of before) at += writeSync(file, part, 0, part.length, at);
  at += zeros;
  writeSync(file, last, 0, last.length, at - last.length);
  for (const part of after) at += writeSync(file, part, 0, part.length, at);
  closeSync(file);
}

function checksumOfArray(): number {
  let checksum = crc32(header);
  for (let i = 1; i < pieces; i += 1) checksum = crc32(piece, checksum);
  return crc32(last, checksum);
}

async function deflated(): Promise<Buffer> {
  const stream = createDeflateRaw({ level: 1 });
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const done = new Promise((resolve) => stream.once('end', resolve));
  stream.write(header);
  for (let i = 1; i < pieces; i += 1) {
    if (!stream.write(piece)) await new Promise((resolve) => stream.once('drain', resolve));
  }
  stream.end(last);
  await done;
  return Buffer.concat(chunks);
}

describe('calibration data of half a gigabyte', { timeout: 120_000 }, () => {
  it.each(['x.npy', 'stored.npz', 'deflated.npz'])('are read in little memory: %s', (name) => {
    const args = ['--max-old-space-size=64', '--input-type=module', '-e', PROGRAM, path(name), path('tmp')];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const told = parse(stdout);
    expect([numberAt(told, 'count'), numberAt(told, 'sum')]).toEqual([ROWS, 7]);
    expect(numberAt(told, 'peak')).toBeLessThan(MOST_RESIDENT);
    const copies = readdirSync(path('tmp')).map((copy) => statSync(join(path('tmp'), copy)).size);
    expect(copies).toEqual(name === 'deflated.npz' ? [header.length + SIZE] : []);
  });
});
