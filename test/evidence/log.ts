import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Measurement } from './measure.ts';

/**
 * Measurements by what was run: in memory, and in a file of one JSON array per line where one is given, so that a long
 * table that was stopped goes on where it was. The file knows nothing of the program's version: delete it when that changes.
 */
export class MeasurementLog {
  readonly #path: string | undefined;
  readonly #known: Map<string, Measurement>;

  constructor(path: string | undefined) {
    this.#path = path;
    const lines = path === undefined || !existsSync(path) ? [] : readFileSync(path, 'utf8').split('\n');
    this.#known = new Map(lines.filter((line) => line !== '').map((line): [string, Measurement] => JSON.parse(line)));
  }

  get(key: string): Measurement | undefined {
    return this.#known.get(key);
  }

  add(key: string, measurement: Measurement): void {
    this.#known.set(key, measurement);
    if (this.#path !== undefined) appendFileSync(this.#path, `${JSON.stringify([key, measurement])}\n`);
  }
}
