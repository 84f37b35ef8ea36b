import { readModelFile } from '../../../src/onnx/read.ts';
import { writeModelFile } from '../../../src/onnx/write.ts';

// Reads a file and writes it again: what no tool that handles the file can do without. Without paths, just the imports.
const [from, to] = process.argv.slice(2);
if (from !== undefined && to !== undefined) {
  const { model } = await readModelFile(from);
  await writeModelFile(to, model);
}
