import { prune } from '../../../src/index.ts';

// Prunes through the library: file, result, amount. Without them, just the imports. Prints the seconds of every stage.
const [from, output, structured] = process.argv.slice(2);
if (from !== undefined && output !== undefined && structured !== undefined) {
  const report = await prune(from, { structured, output, force: true, verify: false, bench: false });
  console.log(JSON.stringify({ ...report.seconds, resultBytes: report.size.after.fileBytes }));
}
