import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { OnnxPruneError } from '../../src/errors.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { pruneIn } from '../../src/pipeline.ts';
import { baseOf, FIXED } from './bases.ts';
import { build, type Case, caseOf, KINDS } from './case.ts';
import { COMMANDS, tryCommand } from './command.ts';
import { minimise } from './minimise.ts';
import { Proving } from './trial.ts';

// The same cases in every run; `npm run fuzz` looks further.
const SEED = 20_260;
/** Cases of each kind, and command lines: what 20 seconds of one core allow. */
const CASES = { bytes: 24, fields: 16, graph: 9, cli: 3 } as const;

const proving = new Proving();
afterAll(() => proving.close());

const seeds = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => SEED + index);

test.each(KINDS)(`%s mutated, seeds from ${SEED} on: refused in one sentence, or done and proven`, async (kind) => {
  const findings: string[] = [];
  const kinds = new Set<string>();
  for (const seed of seeds(CASES[kind])) {
    const drawn = caseOf(kind, seed);
    const each = kind === 'graph' ? await proving.sound(drawn) : drawn;
    const { kind: outcome, message } = await proving.try(each);
    kinds.add(outcome);
    if (outcome === 'finding') findings.push(`seed ${seed}: ${message} --case '${JSON.stringify(each)}'`);
  }
  expect(findings).toEqual([]);
  // Cases that all end at the door would say nothing of what lies behind it.
  expect(kinds).toContain('done');
});

test(`commands on mutated models, seeds from ${SEED} on: documented exit states, one sentence, nothing left`, async () => {
  for (const seed of seeds(CASES.cli)) {
    const each = caseOf(KINDS[seed % KINDS.length] ?? 'fields', seed);
    const name = COMMANDS[seed % COMMANDS.length] ?? 'inspect';
    const outcome = await tryCommand(each, name);
    expect(outcome.kind, `${name}, seed ${seed}: ${outcome.message}`).not.toBe('finding');
  }
});

test('the same seed gives the same bytes', () => {
  for (const kind of KINDS) {
    for (const seed of seeds(8)) {
      const each = caseOf(kind, seed);
      expect(caseOf(kind, seed)).toEqual(each);
      expect(build(each), `${kind} ${seed}`).toEqual(build(each));
    }
  }
});

test('mutations change what they are given, and leave the models that they start from alone', () => {
  const before = FIXED.map((name) => Buffer.from(baseOf(name).bytes));
  const changed = KINDS.flatMap((kind) =>
    seeds(20).map((seed) => {
      const each = caseOf(kind, seed);
      const made = build(each);
      return made === undefined || Buffer.compare(made.bytes, baseOf(each.base).bytes) !== 0;
    }),
  );
  expect(changed.filter((yes) => yes).length).toBeGreaterThan(0.8 * changed.length);
  expect(FIXED.map((name) => Buffer.from(baseOf(name).bytes))).toEqual(before);
});

/** Faults by what they do in place of pruning a model, once it is pruned. */
const FAULTS: Readonly<Record<string, (output: string) => void>> = {
  'a bare error': () => {
    throw new TypeError('x is not a function');
  },
  'an internal error': () => {
    throw new OnnxPruneError('internal', 'x', 'Internal error: x is missing.');
  },
  'a message that is no sentence': () => {
    throw new OnnxPruneError('bad-model', 'x', 'not good');
  },
  'a result that is no model': (output) => writeFileSync(output, 'nothing'),
  'a result that onnxruntime refuses': (output) => {
    const model = decodeModel(readFileSync(output));
    for (const node of model.graph?.node ?? []) node.opType = 'Nonsense';
    writeFileSync(output, encodeModel(model));
  },
  'a file beside the result': (output) => writeFileSync(`${output}.part`, ''),
  'a file in the temporary folder': () => writeFileSync(join(tmpdir(), 'left'), ''),
};

test('whatever goes wrong is a finding', async () => {
  let fault = (_: string): void => undefined;
  const faulty = new Proving(async (child, input, options, hooks) => {
    const report = await pruneIn(child, input, options, hooks);
    fault(options.output ?? '');
    return report;
  });
  onTestFinished(() => faulty.close());
  expect(await faulty.tryFiles(baseOf('tiny'), 'structured')).toMatchObject({ kind: 'done' });
  for (const [name, each] of Object.entries(FAULTS)) {
    fault = each;
    const { kind, message } = await faulty.tryFiles(baseOf('tiny'), 'structured');
    expect(kind, `${name}: ${message}`).toBe('finding');
  }
});

test('a failing case keeps the mutations that it needs', async () => {
  const steps = ['a', 'b', 'c', 'd', 'e'].map((edit, seed) => ({ edit, seed }));
  const first: Case = { base: 'tiny', steps, way: 'lossless' };
  const least = await minimise(first, async (each) =>
    ['b', 'd'].every((name) => each.steps.some(({ edit }) => edit === name)),
  );
  expect(least.steps.map(({ edit }) => edit)).toEqual(['b', 'd']);
});
