/**
 * Writes a model and is killed on the way: `writer.mjs MODEL TARGET KIND [STEP]`. KIND is `single`, `pair` or `gzip`. Without a step
 * it says "ready" and writes when told to, by a byte on stdin; with one, it kills itself just before that many changes to files have
 * been made, and in the middle of those that write. What it writes with is the built package.
 */
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const [source, target, kind, step] = process.argv.slice(2);
let left = step === undefined ? Number.POSITIVE_INFINITY : Number(step);

/** One more change: the last is not made. */
function count() {
  left -= 1;
  if (left === 0) die();
}

function die() {
  process.kill(process.pid, 'SIGKILL');
  // The signal is delivered before this returns; nothing after it may happen.
  for (;;);
}

if (step !== undefined) {
  for (const name of ['link', 'rename', 'rm', 'writeFile']) {
    const original = promises[name];
    promises[name] = (...args) => {
      count();
      return original(...args);
    };
  }
  const open = promises.open;
  promises.open = async (path, flags, ...rest) => {
    if (flags === 'r') return open(path, flags, ...rest);
    count();
    const handle = await open(path, flags, ...rest);
    const writev = handle.writev.bind(handle);
    handle.writev = (parts) => {
      left -= 1;
      if (left > 0) return writev(parts);
      fs.writeSync(handle.fd, parts[0].subarray(0, parts[0].length >> 1));
      return die();
    };
    return handle;
  };
  syncBuiltinESMExports();
}

const { readModelFile } = await import(new URL('../../../dist/src/onnx/read.js', import.meta.url));
const { writeModelFile } = await import(new URL('../../../dist/src/onnx/write.js', import.meta.url));
const { model } = await readModelFile(source);
if (step === undefined) {
  process.stdout.write('ready\n');
  fs.readSync(0, new Uint8Array(1));
}
await writeModelFile(target, model, { externalData: kind === 'pair', gzip: kind === 'gzip' });
