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
