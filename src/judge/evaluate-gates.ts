import { messageOf } from '../errors.ts';
import type { GateLimits } from '../options/gate-options.ts';
import { limitOf } from '../options/target.ts';
import type { GateName, GateReport } from '../report/gates.ts';
import type { DropReport, FidelityReport, LatencyReport, SizeTrial } from '../report/report.ts';
import { sizeText } from '../report/size-text.ts';
import { isFloating, type OutputComparison } from '../runtime/index.ts';
import { dropOf } from './drop.ts';

/** What gates are held against. */
export interface GateEvidence {
  /** Null where outputs were not compared, since something else failed before. */
  readonly fidelity: FidelityReport | null;
  /** How the models did at further sizes of open axes; left out where nobody tried any. */
  readonly sizes?: readonly SizeTrial[] | undefined;
  readonly latency: LatencyReport | null;
  /** Of the files. */
  readonly bytes: { readonly before: number; readonly after: number };
}

/** Digits that say something: 1 − 0.99 is 0.01. */
const DIGITS = 12;

/** Holds limits against what was measured, in a fixed order; the worst output decides. */
export function evaluateGates(limits: GateLimits, evidence: GateEvidence): GateReport[] {
  const { latency, bytes } = evidence;
  const reports: GateReport[] = [];
  const { minAgreement, minCosine, maxError, minSpeedup, maxSize, maxLatency } = limits;
  if (minAgreement !== undefined)
    reports.push(overOutputs('--min-agreement', 'fraction', minAgreement, evidence, agreementOf));
  if (minCosine !== undefined)
    reports.push(overOutputs('--min-cosine', 'number', minCosine, evidence, (each) => each.cosine));
  if (maxError !== undefined)
    reports.push(overOutputs('--max-error', 'number', maxError, evidence, (each) => each.maxAbsError));
  if (minSpeedup !== undefined) reports.push(speedGate(minSpeedup, latency));
  if (maxLatency !== undefined) reports.push(latencyGate(maxLatency, latency));
  if (maxSize !== undefined)
    reports.push(
      gateOf('--max-size', 'bytes', limitOf({ limit: maxSize }, bytes.before), bytes.after, 'the files of the result'),
    );
  return reports;
}

/** The gate of `--max-drop` where two models are compared. @param labelled whether the data came with labels */
export function evaluateDrop(
  limit: number,
  { fidelity, sizes }: { readonly fidelity: FidelityReport; readonly sizes?: readonly SizeTrial[] },
  labelled: boolean,
): GateReport {
  // Labels count answers that are missing as wrong; without any, those of another output might be counted instead.
  const broken = (labelled ? undefined : brokenIn(fidelity)) ?? brokenAt(sizes);
  if (broken !== undefined) return gateOf('--max-drop', 'fraction', limit, null, broken);
  try {
    const { by, output, value, total } = dropOf(fidelity, labelled);
    return gateOf('--max-drop', 'fraction', limit, value, dropText(by, output, fidelity.on, total));
  } catch (error) {
    return gateOf('--max-drop', 'fraction', limit, null, messageOf(error).replace(/\.$/, ''));
  }
}

/** The gate of `--max-drop` that a run has as its goal. */
export function gateOfDrop({ limit, reached, by, output, on, answers }: DropReport): GateReport {
  return gateOf('--max-drop', 'fraction', limit, reached, dropText(by, output, on, answers));
}

function dropText(by: DropReport['by'], output: string, on: string, answers: number): string {
  const what = by === 'accuracy' ? 'right answers lost' : 'answers unlike the original';
  return `${what}, output "${output}", ${answers.toLocaleString('en-US')} answers on ${on}`;
}

/** Gates that begin with --min- are kept to from the limit upwards, all others downwards. */
function gateOf(
  gate: GateName,
  unit: GateReport['unit'],
  limit: number | null,
  found: number | null,
  of: string,
): GateReport {
  if (limit === null || found === null || Number.isNaN(found))
    return { gate, unit, limit, found: null, passed: false, margin: null, of };
  const distance = gate.startsWith('--min-') ? found - limit : limit - found;
  const margin = Number.isFinite(distance) ? Number(distance.toPrecision(DIGITS)) : distance;
  // A distance of less than the last digit of what it is a distance of is none.
  const isNone = Math.abs(distance) <= Math.abs(limit) * 10 ** -DIGITS;
  return { gate, unit, limit, found, passed: isNone || margin >= 0, margin: isNone ? 0 : margin, of };
}

/** Why outputs cannot be compared. */
function brokenIn({ outputs }: FidelityReport): string | undefined {
  const broken = outputs.find(({ problem }) => problem !== undefined);
  return broken && `output "${broken.name}": ${broken.problem}`;
}

/** At which sizes of open axes the second model does not do what the first does, and why. */
function brokenAt(sizes: readonly SizeTrial[] = []): string | undefined {
  const broken = sizes.find(({ fits }) => !fits);
  return broken && `at ${sizeText(broken)}, where the original runs: ${broken.problem?.replace(/\.$/, '')}`;
}

function overOutputs(
  gate: GateName,
  unit: GateReport['unit'],
  limit: number,
  { fidelity, sizes }: Pick<GateEvidence, 'fidelity' | 'sizes'>,
  figureOf: (output: OutputComparison) => number | undefined,
): GateReport {
  const none = (why: string): GateReport => gateOf(gate, unit, limit, null, why);
  if (fidelity === null) return none('outputs were not compared');
  const { outputs, uncompared, on, samples } = fidelity;
  const broken = brokenIn(fidelity) ?? brokenAt(sizes);
  if (broken !== undefined) return none(broken);
  const strange = outputs.find(({ nonFinite }) => !nonFinite.agree);
  if (strange !== undefined)
    return none(`output "${strange.name}" has NaN or infinite elements at other places than the original’s`);
  const [unseen] = uncompared;
  if (unseen !== undefined) return none(`output "${unseen.name}" was not compared: ${unseen.reason}`);
  // Of nothing, and of NaN alone, every figure is perfect.
  const telling = outputs.filter(({ count, nonFinite }) => count > nonFinite.a);
  const [first] = outputs;
  if (telling.length === 0 && first !== undefined)
    return none(
      `${outputs.length === 1 ? `output "${first.name}" has` : `all ${outputs.length} outputs have`} no elements on ${on}, or none that is finite; give data on which there are some, with --test`,
    );
  const figures = telling.flatMap((output) => {
    const figure = figureOf(output);
    return figure === undefined ? [] : [{ name: output.name, figure }];
  });
  const others = outputs.filter((output) => !figures.some(({ name }) => name === output.name));
  const changed =
    gate === '--max-error'
      ? telling.find((output) => figureOf(output) === undefined && output.mismatches > 0)
      : undefined;
  if (changed !== undefined) {
    const [some, all] = [changed.mismatches, changed.count].map((each) => each.toLocaleString('en-US'));
    return none(`output "${changed.name}" holds ${changed.type}s, of which ${some} of ${all} differ`);
  }
  const sign = gate.startsWith('--min-') ? 1 : -1;
  // NaN is worse than any number, and must not get lost in sorting.
  const worst =
    figures.find(({ figure }) => Number.isNaN(figure)) ?? figures.toSorted((a, b) => sign * (a.figure - b.figure))[0];
  if (worst === undefined)
    return none(
      gate === '--min-agreement'
        ? 'no output has numbers of more than one class along its last axis, so there are no answers; --min-cosine and --max-error judge such outputs'
        : `no output has ${gate === '--max-error' ? '' : 'floating-point '}numbers`,
    );
  const where = outputs.length === 1 ? '' : 'the worst output, ';
  const passedOver = others.length === 0 ? '' : `; not judged by it: ${listed(others.map(({ name }) => `"${name}"`))}`;
  return gateOf(
    gate,
    unit,
    limit,
    worst.figure,
    `${where}"${worst.name}", on ${on}, ${samples.toLocaleString('en-US')} ${samples === 1 ? 'sample' : 'samples'}${passedOver}`,
  );
}

/** The first few, and how many there are besides. */
function listed(names: readonly string[]): string {
  const more = names.length - NAMED;
  return more <= 0 ? names.join(', ') : `${names.slice(0, NAMED).join(', ')} and ${more} more`;
}

const NAMED = 3;

/** The share of answers that are the same: of classes, where an output has some; of elements that are no measure, such as numbers of classes, all. */
function agreementOf({ type, argmaxAgreement, mismatches, count }: OutputComparison): number | undefined {
  if (isFloating(type)) return argmaxAgreement;
  return count === 0 ? 1 : Number((1 - mismatches / count).toPrecision(DIGITS));
}

/** A change that is lost in the spread counts as none: else a gate would pass or fail by chance. */
function speedGate(limit: number, latency: LatencyReport | null): GateReport {
  const speedUp = latency?.after.speedUp;
  if (latency === null || speedUp === undefined)
    return gateOf('--min-speedup', 'ratio', limit, null, 'speed was not measured');
  const { median, p25, p75, significant } = speedUp;
  const spread = `quartiles ${p25.toFixed(2)} to ${p75.toFixed(2)}${significant ? '' : `: ${NO_CHANGE}, whatever the median of ${median.toFixed(2)}`}`;
  return gateOf('--min-speedup', 'ratio', limit, significant ? median : 1, `${conditions(latency)}, ${spread}`);
}

/** A share of the original's time is a comparison with it, as a speed-up is; a time is that of the result alone. */
function latencyGate(limit: Parameters<typeof limitOf>[0]['limit'], latency: LatencyReport | null): GateReport {
  if (latency === null) {
    return gateOf('--max-latency', 'ms', 'absolute' in limit ? limit.absolute : null, null, 'speed was not measured');
  }
  const { before, after } = latency;
  const isSame = 'fraction' in limit && after.speedUp?.significant === false;
  const spread = `p10 ${after.p10.toPrecision(3)} to p90 ${after.p90.toPrecision(3)} ms`;
  const same = isSame ? `: ${NO_CHANGE}, whatever the median of ${after.median.toPrecision(3)} ms` : '';
  const found = isSame ? before.median : after.median;
  return gateOf(
    '--max-latency',
    'ms',
    limitOf({ limit }, before.median),
    found,
    `${conditions(latency)}, ${spread}${same}`,
  );
}

const NO_CHANGE = 'no significant change';

function conditions({ rounds, threads, batch }: LatencyReport): string {
  return `median of ${rounds.toLocaleString('en-US')} rounds, ${threads === 1 ? '1 thread' : `${threads} threads`}, batch of ${batch}`;
}
