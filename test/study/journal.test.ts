import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Journal } from '../../src/study/journal.ts';

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'journal-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'j.jsonl');
}

const size = { parameters: 1, nonZeros: 1, macs: 1, macsUnknown: 0, nodes: 1, fileBytes: 1, gzipBytes: null };
const quality = { accuracy: 0.5, top5: null, loss: 1, agreement: 1, cosine: 1 };
const pointAt = (amount: number) => ({
  amount,
  reached: amount,
  figures: { size, quality, latency: null },
  problem: null,
});

/** A journal with two points. */
function begun(path: string): void {
  const { journal } = Journal.open(path, 'print', false);
  journal.keep('a', pointAt(0.1));
  journal.keep('b', pointAt(0.2));
}

describe('A journal', () => {
  it('gives back what it was told, to whoever opens it again', () => {
    const path = place();
    begun(path);
    const { journal, putAside } = Journal.open(path, 'print', false);
    expect(putAside).toBe(false);
    expect(journal.find('a')).toEqual(pointAt(0.1));
    expect(journal.find('b')).toEqual(pointAt(0.2));
    expect(journal.find('c')).toBeUndefined();
  });

  it('forgets a line that was being written when its process was killed, and goes on behind the others', () => {
    const path = place();
    begun(path);
    const whole = readFileSync(path, 'utf8');
    // Wherever in the last line that was.
    for (const cut of [1, 10, 60]) {
      writeFileSync(path, whole.slice(0, -cut));
      const { journal } = Journal.open(path, 'print', false);
      expect(journal.find('a')).toEqual(pointAt(0.1));
      expect(journal.find('b')).toBeUndefined();
      journal.keep('c', pointAt(0.3));
      expect(Journal.open(path, 'print', false).journal.find('c')).toEqual(pointAt(0.3));
    }
  });

  it('begins anew where not even its first line was written whole', () => {
    const path = place();
    begun(path);
    const header = `${readFileSync(path, 'utf8').split('\n')[0]}`;
    for (const torn of ['', header.slice(0, 12), header]) {
      writeFileSync(path, torn);
      const { journal, putAside } = Journal.open(path, 'print', false);
      expect(putAside).toBe(false);
      journal.keep('a', pointAt(0.1));
      expect(Journal.open(path, 'print', false).journal.find('a')).toEqual(pointAt(0.1));
    }
  });

  it('of another study is put aside and nothing of it taken', () => {
    const path = place();
    begun(path);
    const before = readFileSync(path, 'utf8');
    const { journal, putAside } = Journal.open(path, 'another print', false);
    expect(putAside).toBe(true);
    expect(journal.find('a')).toBeUndefined();
    expect(readFileSync(`${path}.old`, 'utf8')).toBe(before);
  });

  it('takes nothing that another study wrote after it was put aside', () => {
    const path = place();
    const { journal } = Journal.open(path, 'print', false);
    const { journal: other } = Journal.open(path, 'another print', false);
    journal.keep('a', pointAt(0.1));
    other.keep('b', pointAt(0.2));
    const again = Journal.open(path, 'another print', false).journal;
    expect(again.find('a')).toBeUndefined();
    expect(again.find('b')).toEqual(pointAt(0.2));
  });

  it('is measured anew under --fresh', () => {
    const path = place();
    begun(path);
    const { journal, putAside } = Journal.open(path, 'print', true);
    expect(putAside).toBe(false);
    expect(journal.find('a')).toBeUndefined();
  });

  it.each(['hello\nworld\n', '{"some":"json"}\n', '{"torn'])('is no other file: %j stays as it is', (text) => {
    const path = place();
    writeFileSync(path, text);
    expect(() => Journal.open(path, 'print', false)).toThrow(/is not the journal of a study, so it stays as it is/);
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(existsSync(`${path}.old`)).toBe(false);
  });

  it.each(['/dev/zero', tmpdir()])('is no %s, which has no end or no bytes', (path) => {
    expect(() => Journal.open(path, 'print', false)).toThrow(/is not the journal of a study/);
  });

  it('says the way out where it cannot be written', () => {
    const path = join(place(), 'nowhere', 'j.jsonl');
    expect(() => Journal.open(path, 'print', false)).toThrow(/--journal, or none with --no-journal\.$/);
  });
});
