import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { buildNet, problems } from '../ops/generated-net.ts';
import { branching, looping, scanning } from '../support/bodies.ts';
import { ModelBuilder } from '../support/build.ts';
import { languageModel } from '../support/transformer.ts';
import { lastStateNet, mixedNet, plantedNet } from '../support/weight-nets.ts';

/** A model that mutations start from, and the files beside it. */
export interface Base {
  readonly bytes: Uint8Array;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const FIXTURES = new URL('../../fixtures/', import.meta.url);

/** Small models of the bundled ones. */
const FILES: readonly string[] = [
  ...readdirSync(new URL('structural/', FIXTURES))
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => `structural/${name}`)
    .sort(),
  'shared-mini.onnx',
  'grouped-mini.onnx',
  'unet-mini.onnx',
];

/** A dense net of a few hundred bytes, whose bytes are mostly structure. */
function tiny(): ModelBuilder {
  const b = new ModelBuilder({ opset: 17, seed: 5 });
  const x = b.input('x', 'float32', ['N', 4]);
  const hidden = b.node('Relu', [b.node('Gemm', [x, b.weight('w', [6, 4]), b.vector('b', 6)], { transB: 1 })]);
  b.output(b.node('Gemm', [hidden, b.weight('v', [3, 6])], { transB: 1 }), 'float32', ['N', 3]);
  return b;
}

/** IR version 3, where every initializer is an input, so that bodies have Constant nodes alone. */
function oldBranches(): ModelBuilder {
  const b = new ModelBuilder({ opset: 8, irVersion: 3, seed: 6, initializersAsInputs: true });
  const x = b.input('x', 'float32', ['N', 4]);
  const condition = b.input('condition', 'bool', []);
  const hidden = b.node('Relu', [b.node('Gemm', [x, b.weight('w', [6, 4]), b.vector('b', 6)], { transB: 1 })]);
  const [v, c] = [b.weight('v', [3, 6]), b.vector('c', 3)];
  const taken = b.subgraph('taken');
  taken.output(taken.node('Gemm', [hidden, v, c], { transB: 1 }), 'float32', ['N', 3]);
  const other = b.subgraph('other');
  const half = other.constantNode({ value: { dtype: 'float32', dims: [1, 6], values: [1, 2, 3, 4, 5, 6] } });
  const scaled = other.node('Mul', [hidden, half]);
  other.output(other.node('Gemm', [scaled, v, c], { transB: 1 }), 'float32', ['N', 3]);
  const branches = { then_branch: { graph: taken }, else_branch: { graph: other } };
  b.output(b.node('If', [condition], branches), 'float32', ['N', 3]);
  return b;
}

const BUILT: Readonly<Record<string, () => ModelBuilder>> = {
  tiny,
  oldBranches,
  branching,
  looping,
  scanning,
  mixed: mixedNet,
  planted: plantedNet,
  lastState: lastStateNet,
  transformer: () => languageModel({ blocks: 1 }),
  decomposed: () => languageModel({ blocks: 1, norm: 'apart' }),
};

/** The name of the net that a seed generates. */
export const generated = (seed: number): string => `generated/${seed}`;

/** The names of the models that stay the same. */
export const FIXED: readonly string[] = [...FILES, ...Object.keys(BUILT)];

const loaded = new Map<string, Base>();

/** A model by its name: a file under `fixtures/`, one of those built here, or `generated/SEED`. */
export function baseOf(name: string): Base {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const base = load(name);
  if (FIXED.includes(name)) loaded.set(name, base);
  return base;
}

function load(name: string): Base {
  if (name.startsWith('generated/')) return plain(netOfSeed(Number(name.slice('generated/'.length))));
  const built = BUILT[name];
  if (built !== undefined) return plain(built().bytes());
  const read = (file: string): Uint8Array => readFileSync(new URL(file, FIXTURES));
  const beside = name.endsWith('external.onnx') ? [['external.data', read('structural/external.data')] as const] : [];
  return { bytes: read(name), files: new Map(beside) };
}

function netOfSeed(seed: number): Uint8Array {
  const [problem] = fc.sample(problems, { seed, numRuns: 1 });
  if (problem === undefined) throw new Error('fast-check gave no problem');
  return buildNet(problem);
}

function plain(bytes: Uint8Array): Base {
  return { bytes, files: new Map() };
}
