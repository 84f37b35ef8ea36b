import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PruneHooks, PruneOptions } from '../../src/index.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { pruneIn } from '../../src/pipeline.ts';
import { makeInputs, RuntimeChild } from '../../src/runtime/index.ts';
import { imageNet, irVersionOf, OLDEST, sequenceNet } from './nets.ts';

// Prunes models in many ways and asks onnx itself (its checker and its shape inference, in Python) about the results, which
// may have a fault only where the original has the same one. Models are those of the arguments, or else the fixtures and
// nets of every operator set that Python's onnx knows. Run it by `npm run check:onnx -- [MODEL …]`.

/** What onnx says of a file. */
interface Judgement {
  readonly path: string;
  readonly faults: readonly string[];
  readonly mismatches: readonly string[];
}

const WAYS: Readonly<Record<string, PruneOptions>> = {
  structured: { structured: 0.5 },
  'structured, half stored': { structured: 0.3, fp16Storage: true, align: 'none' },
  'unstructured, sparse': { unstructured: 0.95, sparseFormat: true },
  lossless: { lossless: true },
  int8: { int8: true, rounding: 'nearest' },
  'int8, dynamic': { int8: 'dynamic', structured: 0.25 },
  'weights of 4 bits': { int8: 'weights', bits: 4, rounding: 'nearest' },
};

/** The first Python that has onnx, and the newest operator set that it knows; undefined where none has. */
function pythonWithOnnx(): { readonly python: string; readonly newest: number } | undefined {
  for (const python of [process.env['PYTHON'] ?? 'python3', '/usr/bin/python3']) {
    const code = 'import onnx.defs; print(onnx.defs.onnx_opset_version())';
    const { status, stdout } = spawnSync(python, ['-c', code], { encoding: 'utf8' });
    if (status === 0) return { python, newest: Number(stdout) };
  }
  return undefined;
}

/** Asks onnx about files. Where it dies of one, it is asked again without following data, and that is a fault if it dies again. */
function judge(python: string, paths: readonly string[]): Map<string, Judgement> {
  const judged = new Map<string, Judgement>();
  while (judged.size < paths.length) {
    const isAlive = ask(python, paths.slice(judged.size), [], judged);
    const path = paths[judged.size];
    if (isAlive || path === undefined) break;
    if (!ask(python, [path], ['plain'], judged))
      judged.set(path, { path, faults: ['onnx itself dies'], mismatches: [] });
  }
  return judged;
}

/** Asks until onnx is through, or has died, and notes what it said. @returns whether it lives */
function ask(
  python: string,
  paths: readonly string[],
  mode: readonly string[],
  judged: Map<string, Judgement>,
): boolean {
  const script = fileURLToPath(new URL('check_models.py', import.meta.url));
  const { status, signal, stdout, stderr } = spawnSync(python, [script, ...mode], {
    input: paths.map((path) => `${path}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  for (const line of stdout.split('\n').filter((each) => each !== '')) {
    const each: Judgement = JSON.parse(line);
    judged.set(each.path, each);
  }
  if (status !== 0 && signal === null) throw new Error(`${python} ${script} failed: ${stderr}`);
  return status === 0;
}

/** The fixtures, and nets of every operator set up to `newest`, written into a folder. */
function ownModels(folder: string, newest: number): string[] {
  const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));
  const paths = readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).map((name) => join(fixtures, name));
  const generated = Array.from({ length: newest - OLDEST + 1 }, (_, i) => OLDEST + i).flatMap((opset) =>
    Object.entries({ image: imageNet, sequence: sequenceNet }).map(([name, net]) => {
      const path = join(folder, `${name}-opset${opset}.onnx`);
      net({ opset, irVersion: irVersionOf(opset) }).write(path);
      return path;
    }),
  );
  return [...paths.filter((path) => path.endsWith('.onnx')).sort(), ...generated];
}

/** Eight random samples for calibration, where the model's inputs let anybody make them up. */
const hooks: PruneHooks = {
  calibration: async (specs) => {
    const feeds = makeInputs(specs, { seed: 1, batch: 8, dims: new Map() });
    const count = Math.min(8, ...Object.values(feeds).map(({ dims }) => dims[0] ?? 1));
    return { count, feeds: new Map(Object.entries(feeds)), labels: undefined };
  },
};

/** The operator sets of a file, without those of other domains than ONNX's own. */
function opsetOf(path: string): number {
  const { opsetImport = [] } = decodeModel(readFileSync(path), path);
  return Math.max(0, ...opsetImport.filter(({ domain }) => !domain).map(({ version }) => Number(version)));
}

/** A fault without the names and numbers in it, which differ between a model and the smaller one. */
function kindOf(fault: string): string {
  return fault.replaceAll(/"[^"]*"|'[^']*'|\([^)]*\)|[\d.]+/g, '·');
}

/** Prunes every model in every way, tells what onnx finds, and gives the number of results with a new fault. */
async function main(python: string, newest: number, folder: string, child: RuntimeChild): Promise<number> {
  const inputs = process.argv.length > 2 ? process.argv.slice(2) : ownModels(folder, newest);
  const results: { input: string; way: string; output: string }[] = [];
  let skipped = 0;
  for (const [i, input] of inputs.entries()) {
    if (opsetOf(input) > newest) {
      skipped++;
      continue;
    }
    for (const [way, options] of Object.entries(WAYS)) {
      const output = join(folder, `${i}`, `${results.length}-${basename(input)}`);
      mkdirSync(join(folder, `${i}`), { recursive: true });
      const given = way === 'int8' ? hooks : {};
      try {
        await pruneIn(child, input, { ...options, verify: false, bench: false, output }, given);
        results.push({ input, way, output });
      } catch (error) {
        console.log(`${basename(input)}, ${way}: not pruned: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
  const judged = judge(python, [...new Set([...inputs, ...results.map(({ output }) => output)])]);
  const [tally, bad] = [{ clean: 0, inherited: 0, newer: 0 }, new Set<string>()];
  for (const { input, way, output } of results) {
    const [before, after] = [judged.get(input), judged.get(output)];
    if (opsetOf(output) > newest) {
      tally.newer++;
      continue;
    }
    const known = new Set([...(before?.faults ?? []), ...(before?.mismatches ?? [])].map(kindOf));
    const all = [...(after?.faults ?? ['it was not judged']), ...(after?.mismatches ?? [])];
    const fresh = all.filter((fault) => !known.has(kindOf(fault)));
    for (const fault of fresh) console.log(`${basename(input)}, ${way}: ${fault}`);
    if (fresh.length > 0) bad.add(output);
    else if (all.length > 0) tally.inherited++;
    else tally.clean++;
  }
  console.log(
    `${results.length} results of ${inputs.length - skipped} models: ${tally.clean} without a fault, ${tally.inherited} with those of their original, ${tally.newer} of a newer operator set than onnx's, ${bad.size} with faults of their own; ${skipped} models are newer than opset ${newest}.`,
  );
  return bad.size;
}

const found = pythonWithOnnx();
if (found === undefined) {
  console.log(
    'No python3 with the package onnx was found, which does the checking; install it, or name one by PYTHON.',
  );
} else {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-prune-check-'));
  const child = new RuntimeChild();
  try {
    process.exitCode = (await main(found.python, found.newest, folder, child)) > 0 ? 1 : 0;
  } finally {
    child.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
