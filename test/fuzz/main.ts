import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { build, type Case, caseOf, KINDS, type Kind } from './case.ts';
import { minimise } from './minimise.ts';
import { Tester } from './pool.ts';
import type { Outcome } from './trial.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    kind: { type: 'string' },
    case: { type: 'string' },
    save: { type: 'string' },
  },
});

/** How far apart the seeds of kinds are. */
const SPAN = 0x1000_0000;

/** Of 16 cases, those that onnxruntime loads all the same; the others show what refusals do. */
const SOUND: Readonly<Record<Kind, number>> = { bytes: 0, fields: 8, graph: 14 };

/** Kinds of refusals that are listed. */
const MOST_REFUSALS = 25;

/** What failures of one cause have in common: the message without names and numbers, and the place that it is thrown at. */
function signature({ message, stack = '' }: Outcome): string {
  const place =
    /\((?:file:\/\/)?\S*\/(src\/[^)]*:\d+):\d+\)/.exec(stack)?.[1] ?? /\/(src\/\S*:\d+):\d+/.exec(stack)?.[1];
  const words = message.replace(/"[^"]*"|'[^']*'|\/\S*/g, '…').replace(/\d[\d.e+-]*/g, '#');
  return `${words.slice(0, 160)} @ ${place ?? ''}`;
}

const tester = new Tester();
const started = performance.now();
const kinds: readonly Kind[] = values.kind === undefined ? KINDS : KINDS.filter((kind) => kind === values.kind);
const outcomes = new Map<string, number>();
const refusals = new Map<string, number>();
const findings = new Set<string>();

async function report(each: Case, outcome: Outcome, seed: number): Promise<void> {
  const sign = signature(outcome);
  if (findings.has(sign)) return;
  findings.add(sign);
  const least = await minimise(each, async (less) => {
    const { outcome: found } = await tester.try({ case: less, sound: false });
    return found.kind === 'finding' && signature(found) === sign;
  });
  console.log(`\nFINDING seed ${seed}: ${outcome.message}\n${outcome.stack ?? ''}\n--case '${JSON.stringify(least)}'`);
}

/** Bytes of a model that is small enough to be kept. */
const SMALL = 20_000;

/** Keeps the model of a case under `fixtures/found/`. */
function save(each: Case, name: string): void {
  const made = build(each);
  if (made === undefined || made.files.size > 0 || made.bytes.length > SMALL)
    throw new Error(`only a single file of at most ${SMALL} bytes is kept, and it has ${made?.bytes.length}`);
  writeFileSync(new URL(`../../fixtures/found/${name}.onnx`, import.meta.url), made.bytes);
}

if (values.case !== undefined && values.save !== undefined) {
  save(JSON.parse(values.case), values.save);
} else if (values.case !== undefined) {
  const { outcome } = await tester.try({ case: JSON.parse(values.case), sound: false });
  console.log(`${outcome.kind} ${outcome.message}\n${outcome.stack ?? ''}`);
} else {
  let cases = 0;
  for (let round = 0; performance.now() - started < Number(values.seconds) * 1000; round++) {
    const kind = kinds[round % kinds.length] ?? 'graph';
    const seed = (Number(values.seed) * 1_000_003 + round + KINDS.indexOf(kind) * SPAN) % 2 ** 31;
    const sound = seed % 16 < SOUND[kind];
    const { case: each, outcome } = await tester.try({ case: caseOf(kind, seed), sound });
    cases++;
    const name = `${kind} ${outcome.kind}`;
    outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
    if (outcome.kind === 'finding') await report(each, outcome, seed);
    else if (outcome.message !== '') {
      const refusal = `${outcome.kind} ${signature({ ...outcome, stack: '' })}`;
      refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
    }
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `\nseed ${values.seed}: ${cases} cases in ${seconds.toFixed(0)} s, ${(cases / seconds).toFixed(1)} per second`,
  );
  for (const [name, count] of [...outcomes].sort()) console.log(`  ${name}: ${count}`);
  console.log('Refusals:');
  const often = [...refusals].sort((a, b) => b[1] - a[1]).slice(0, MOST_REFUSALS);
  for (const [words, count] of often) console.log(`  ${count} ${words}`);
  console.log(`${findings.size} findings`);
}
tester.close();
