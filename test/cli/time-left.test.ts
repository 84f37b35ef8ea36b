import { describe, expect, it } from 'vitest';
import { jsonLinesProgress } from '../../cli/terminal/json-lines.ts';
import { TimeLeft, timeLeftText } from '../../cli/terminal/time-left.ts';

describe('The time that is left', () => {
  it('follows an even pace', () => {
    const left = new TimeLeft();
    for (let done = 0; done <= 50; done++) left.update(done, 100, done * 100);
    expect(left.at(5000)).toBeCloseTo(5000);
    // It counts down while nothing is heard.
    expect(left.at(6000)).toBeCloseTo(4000);
    // What takes longer than was thought may take any time.
    expect(left.at(60_000)).toBeUndefined();
  });

  it('is not told in the first second, nor before anything was done', () => {
    const left = new TimeLeft();
    left.update(0, 100, 0);
    expect(left.at(5000)).toBeUndefined();
    left.update(10, 100, 500);
    expect(left.at(900)).toBeUndefined();
    expect(left.at(1000)).toBeDefined();
  });

  it('counts from where a step was when it was first heard of', () => {
    const left = new TimeLeft();
    left.update(80, 100, 0);
    left.update(90, 100, 2000);
    expect(left.at(2000)).toBeCloseTo(2000);
  });

  it('is that of the step that began anew, and none once it is through', () => {
    const left = new TimeLeft();
    for (const done of [0, 1, 2]) left.update(done, 2, done * 1000);
    expect(left.at(2000)).toBeUndefined();
    left.update(0, 10, 3000);
    expect(left.at(5000)).toBeUndefined();
    left.update(1, 10, 7000);
    expect(left.at(7000)).toBeCloseTo(36_000);
  });

  it('is not misled by the first of several parts that are done side by side', () => {
    const left = new TimeLeft();
    left.update(0, 6, 0);
    left.update(1, 6, 10_000);
    left.update(2, 6, 10_100);
    expect(left.at(10_100)).toBeCloseTo(20_200);
  });

  it('does not jump where the pace changes at once', () => {
    const left = new TimeLeft();
    for (let done = 0; done <= 10; done++) left.update(done, 100, done * 1000);
    const before = left.at(10_000) ?? 0;
    // One part takes ten times as long: by itself it would put the end off by 91 s.
    left.update(11, 100, 20_000);
    const after = left.at(20_000) ?? 0;
    expect(after - (before - 10_000)).toBeGreaterThan(0);
    expect(after - (before - 10_000)).toBeLessThan(0.31 * 91_000);
  });

  it.each([
    [200, 'about 1 s left'],
    [12_300, 'about 13 s left'],
    [89_000, 'about 89 s left'],
    [150_000, 'about 3 min left'],
    [3 * 3_600_000, 'about 3 h left'],
  ])('%d ms are %s', (ms, text) => {
    expect(timeLeftText(ms)).toBe(text);
  });
});

it('Lines of JSON tell a step at most ten times a second, but its beginning and its end always', () => {
  const lines: string[] = [];
  let now = 0;
  const progress = jsonLinesProgress({ write: (text) => lines.push(text) }, () => now);
  for (let done = 0; done <= 100; done++, now += 10) progress.step('prove', done, 100);
  progress.step('write');
  const told = lines.map((line) => JSON.parse(line));
  expect(told[0]).toEqual({ type: 'progress', step: 'prove', done: 0, total: 100, seconds: 0 });
  expect(told.at(-2)).toEqual({ type: 'progress', step: 'prove', done: 100, total: 100, seconds: 1 });
  expect(told.at(-1)).toEqual({ type: 'progress', step: 'write', seconds: 0 });
  expect(told.length).toBe(12);
});
