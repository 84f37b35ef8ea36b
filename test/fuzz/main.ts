import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { build, type Case, caseOf, KINDS, type Kind } from './case.ts';
import { COMMANDS, tryCommand } from './command.ts';
import { minimise } from './minimise.ts';
import type { Outcome } from './outcome.ts';
import { Tester } from './pool.ts';
import { signatureOf } from './signature.ts';
import { Tally } from './tally.ts';

const { values } = parseArgs({
  options: {
    /** Cases are drawn from it. */
    seed: { type: 'string', default: '1' },
    /** How long to go on. */
    seconds: { type: 'string', default: '60' },
    /** One kind of mutations, or `cli` for all of them through the built command. */
    kind: { type: 'string' },
    /** A single case, as findings print it. */
    case: { type: 'string' },
    /** Keeps the model of that case under `fixtures/found/`. */
    save: { type: 'string' },
  },
});

/** How far apart the seeds of kinds are. */
const SPAN = 0x1000_0000;
/** Of 16 cases, those that onnxruntime loads all the same; the others show what refusals do. */
const SOUND: Readonly<Record<Kind, number>> = { bytes: 0, fields: 8, graph: 14 };
/** Bytes of a model that is small enough to be kept. */
const SMALL = 20_000;

/** A case that was tried: what became of it, and how it is tried again. */
interface Tried {
  readonly label: string;
  readonly case: Case;
  readonly outcome: Outcome;
  readonly again: (each: Case) => Promise<Outcome>;
}

const tester = new Tester();
const through = async (each: Case): Promise<Outcome> => (await tester.try({ case: each, sound: false })).outcome;

async function inProcess(kind: Kind, seed: number): Promise<Tried> {
  const tried = await tester.try({ case: caseOf(kind, seed), sound: seed % 16 < SOUND[kind] });
  return { ...tried, label: kind, again: through };
}

async function throughCommand(kind: Kind, seed: number): Promise<Tried> {
  const each = caseOf(kind, seed);
  const name = COMMANDS[seed % COMMANDS.length] ?? 'inspect';
  const again = (other: Case): Promise<Outcome> => tryCommand(other, name);
  return { label: `cli, ${name},`, case: each, outcome: await again(each), again };
}

async function search(first: number, seconds: number, only: string | undefined): Promise<void> {
  const kinds = KINDS.filter((kind) => only === undefined || only === 'cli' || only === kind);
  const tally = new Tally();
  for (let round = 0; tally.seconds < seconds; round++) {
    const kind = kinds[round % kinds.length] ?? 'graph';
    const seed = (first * 1_000_003 + round + KINDS.indexOf(kind) * SPAN) % 2 ** 31;
    const tried = await (only === 'cli' ? throughCommand : inProcess)(kind, seed);
    if (!tally.add(tried.label, tried.outcome)) continue;
    const sign = signatureOf(tried.outcome);
    const least = await minimise(tried.case, async (less) => {
      const outcome = await tried.again(less);
      return outcome.kind === 'finding' && signatureOf(outcome) === sign;
    });
    const { message, stack = '' } = tried.outcome;
    console.log(`\nFINDING ${tried.label} seed ${seed}: ${message}\n${stack}\n--case '${JSON.stringify(least)}'`);
  }
  console.log(`\nseed ${first}: ${tally.summary()}`);
}

/** Keeps the model of a case under `fixtures/found/`. */
function save(each: Case, name: string): void {
  const made = build(each);
  if (made === undefined || made.files.size > 0 || made.bytes.length > SMALL)
    throw new Error(`only a single file of at most ${SMALL} bytes is kept, and it has ${made?.bytes.length}`);
  writeFileSync(new URL(`../../fixtures/found/${name}.onnx`, import.meta.url), made.bytes);
}

if (values.case === undefined) {
  await search(Number(values.seed), Number(values.seconds), values.kind);
} else if (values.save === undefined) {
  const { kind, message, stack = '' } = await through(JSON.parse(values.case));
  console.log(`${kind} ${message}\n${stack}`);
} else {
  save(JSON.parse(values.case), values.save);
}
tester.close();
