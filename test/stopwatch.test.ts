import { expect, it } from 'vitest';
import { type Progress, Stopwatch } from '../src/stopwatch.ts';

it('A step that is over tells nothing any more', async () => {
  const told: Progress[] = [];
  const clock = new Stopwatch((progress) => told.push(progress));
  let late: ((done: number, total: number) => void) | undefined;
  await clock.time('first', (tell) => {
    tell(1, 2);
    late = tell;
  });
  await clock.time('second', () => undefined);
  late?.(2, 2);
  expect(told).toEqual([{ step: 'first' }, { step: 'first', done: 1, total: 2 }, { step: 'second' }]);
});

it('A signal that came while a step computed without a pause is heard before the next one', async () => {
  const stop = new AbortController();
  const clock = new Stopwatch(undefined, stop.signal);
  const reason = new Error('enough');
  // As a signal of the system would be, it is heard of once the loop of events turns.
  await clock.time('first', () => void setImmediate(() => stop.abort(reason)));
  const second = clock.time('second', () => 'done');
  await expect(second).rejects.toBe(reason);
  await expect(clock.breathe()).rejects.toBe(reason);
});
