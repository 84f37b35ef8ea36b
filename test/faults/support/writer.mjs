/**
 * Writes a model: `writer.mjs MODEL TARGET KIND [SNAPSHOTS]`. KIND is `single`, `pair` or `gzip`. It says "ready" and writes when told to,
 * by a byte on stdin. Where a folder for snapshots is named, it copies the folder of the target there before each change that it
 * makes to files, and in the middle of those that write: what a kill at that moment would have left. What it writes with is the
 * built package.
 */
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';

const [source, target, kind, snapshots] = process.argv.slice(2);
let count = 0;

function snapshot() {
  count += 1;
  fs.cpSync(dirname(target), join(snapshots, String(count)), { recursive: true });
}

if (snapshots !== undefined) {
  for (const name of ['link', 'rename', 'rm', 'writeFile']) {
    const original = promises[name];
    promises[name] = (...args) => {
      snapshot();
      return original(...args);
    };
  }
  const { open } = promises;
  promises.open = async (path, flags, ...rest) => {
    if (flags === 'r') return open(path, flags, ...rest);
    snapshot();
    const handle = await open(path, flags, ...rest);
    const writev = handle.writev.bind(handle);
    handle.writev = async ([first, ...others]) => {
      snapshot();
      const half = fs.writeSync(handle.fd, first.subarray(0, first.length >> 1));
      snapshot();
      const { bytesWritten } = await writev([first.subarray(half), ...others]);
      return { bytesWritten: half + bytesWritten };
    };
    return handle;
  };
  syncBuiltinESMExports();
}

const { readModelFile } = await import(new URL('../../../dist/src/onnx/read.js', import.meta.url));
const { writeModelFile } = await import(new URL('../../../dist/src/onnx/write.js', import.meta.url));
const { model } = await readModelFile(source);
process.stdout.write('ready\n');
fs.readSync(0, new Uint8Array(1));
await writeModelFile(target, model, { externalData: kind === 'pair', gzip: kind === 'gzip' });
