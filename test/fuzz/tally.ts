import type { Outcome } from './outcome.ts';
import { signatureOf } from './signature.ts';

/** Kinds of refusals that are listed. */
const MOST_REFUSALS = 25;

/** Counts what became of cases. */
export class Tally {
  readonly #start = performance.now();
  readonly #outcomes = new Map<string, number>();
  readonly #refusals = new Map<string, number>();
  readonly #findings = new Set<string>();
  #cases = 0;

  /** Seconds since the first case. */
  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  /** Counts an outcome. @returns whether it is a finding of a kind that was not seen before */
  add(label: string, outcome: Outcome): boolean {
    this.#cases++;
    count(this.#outcomes, `${label} ${outcome.kind}`);
    if (outcome.kind !== 'finding') {
      if (outcome.message !== '') count(this.#refusals, `${outcome.kind} ${signatureOf(outcome)}`);
      return false;
    }
    const sign = signatureOf(outcome);
    const isNew = !this.#findings.has(sign);
    this.#findings.add(sign);
    return isNew;
  }

  /** All of it, for people. */
  summary(): string {
    const { seconds } = this;
    const refusals = [...this.#refusals].sort((a, b) => b[1] - a[1]).slice(0, MOST_REFUSALS);
    return [
      `${this.#cases} cases in ${seconds.toFixed(0)} s, ${(this.#cases / seconds).toFixed(1)} per second`,
      ...[...this.#outcomes].sort().map(([name, number]) => `  ${name}: ${number}`),
      'Refusals:',
      ...refusals.map(([words, number]) => `  ${number} ${words}`),
      `${this.#findings.size} findings`,
    ].join('\n');
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
