import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { messageOf, OnnxPruneError } from '../errors.ts';
import type { PointFigures, StudyPoint } from '../report/study.ts';

/** What the first line of a journal is known by. */
const KIND = 'onnx-prune study';

/** A point that a journal keeps, by the id of its job. */
interface Entry {
  /** Fingerprint of the study: another one may have begun the file anew while this one still writes to it. */
  readonly of: string;
  readonly id: string;
  readonly point: Kept;
}

/** A point that was measured. */
type Kept = StudyPoint & { readonly figures: PointFigures };

/**
 * The finished points of a study, a line of JSON for each, so that a study that was stopped goes on where it was. The first line
 * says what the points depend on: model, data, settings, program and machine.
 */
export class Journal {
  readonly path: string;
  readonly #fingerprint: string;
  readonly #points: ReadonlyMap<string, Kept>;

  private constructor(path: string, fingerprint: string, points: ReadonlyMap<string, Kept>) {
    this.path = path;
    this.#fingerprint = fingerprint;
    this.#points = points;
  }

  /** The point of a job where it was measured before. */
  find(id: string): Kept | undefined {
    return this.#points.get(id);
  }

  /**
   * Opens a journal, or begins one. One of another study is put aside under the name PATH.old and a new one begun.
   * @param fingerprint what points depend on
   * @param fresh whether what it holds is not to be used
   * @throws OnnxPruneError `bad-option` for a file that is no journal, `bad-file` where it cannot be read or written
   */
  static open(path: string, fingerprint: string, fresh: boolean): { journal: Journal; putAside: boolean } {
    const header = `${JSON.stringify({ kind: KIND, fingerprint })}\n`;
    try {
      // A pipe never ends, nor do some devices.
      if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) throw notOne(path);
      // What was being written when the process was killed has no end of line, and does not count.
      const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
      const [first, ...lines] = text.split('\n').slice(0, -1);
      const found = first === undefined && header.startsWith(text) ? undefined : headerOf(first ?? text, path);
      if (found === fingerprint && !fresh) {
        // Cut off rather than written anew, so that no point is lost if this process is killed, too.
        if (!text.endsWith('\n')) truncateSync(path, Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1)));
        return { journal: new Journal(path, fingerprint, pointsOf(lines, fingerprint)), putAside: false };
      }
      if (found !== undefined) renameSync(path, `${path}.old`);
      writeFileSync(path, header);
      return { journal: new Journal(path, fingerprint, new Map()), putAside: found !== undefined && !fresh };
    } catch (error) {
      if (error instanceof OnnxPruneError) throw error;
      throw unusable(path, error);
    }
  }

  /** Keeps a point; it is on the disk when this returns. @throws OnnxPruneError `bad-file` where it cannot be written */
  keep(id: string, point: Kept): void {
    const entry: Entry = { of: this.#fingerprint, id, point };
    try {
      const file = openSync(this.path, 'a');
      try {
        // Goes on where the system takes less at once, as it does when the disk becomes full.
        writeFileSync(file, `${JSON.stringify(entry)}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      throw unusable(this.path, error);
    }
  }
}

function unusable(path: string, error: unknown): OnnxPruneError {
  return new OnnxPruneError(
    'bad-file',
    path,
    `The journal ${path} cannot be read or written: ${messageOf(error)}; name another file with --journal, or none with --no-journal.`,
    error,
  );
}

/** The fingerprint of a journal's study. @throws OnnxPruneError `bad-option` where the line is not the first of a journal */
function headerOf(line: string, path: string): string {
  const found = parsed(line);
  if (typeof found === 'object' && found !== null && 'kind' in found && found.kind === KIND && 'fingerprint' in found)
    return String(found.fingerprint);
  throw notOne(path);
}

function notOne(path: string): OnnxPruneError {
  return new OnnxPruneError(
    'bad-option',
    path,
    `${path} is not the journal of a study, so it stays as it is; name another file with --journal.`,
  );
}

function pointsOf(lines: readonly string[], fingerprint: string): ReadonlyMap<string, Kept> {
  const points = new Map<string, Kept>();
  for (const line of lines) {
    const entry = parsed(line);
    if (isEntry(entry) && entry.of === fingerprint) points.set(entry.id, entry.point);
  }
  return points;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The program wrote it itself, under the fingerprint that it says. */
function isEntry(found: unknown): found is Entry {
  return typeof found === 'object' && found !== null && 'of' in found && 'id' in found && 'point' in found;
}
