import { expect, test } from 'vitest';
import { seededRandom } from '../../src/numeric/random.ts';
import { turns } from '../../src/runtime/turns.ts';

/** The first rounds of so many things. */
function rounds(things: number, count: number): (readonly number[])[] {
  const orders = turns(
    Array.from({ length: things }, (_, index) => index),
    seededRandom(1),
  );
  return Array.from({ length: count }, () => orders.next().value);
}

test('each round has all, and each second one goes back the way the first came', () => {
  const all = rounds(5, 20);
  for (const [index, order] of all.entries()) {
    expect([...order].sort()).toEqual([0, 1, 2, 3, 4]);
    if (index % 2 === 1) expect(order).toEqual(all[index - 1]?.toReversed());
  }
});

test('none is more often in the middle, or twice in a row, than others', () => {
  const all = rounds(3, 6000).flat();
  const counts = (is: (at: number) => boolean): number[] =>
    [0, 1, 2].map((thing) => all.filter((each, at) => each === thing && is(at)).length);
  // A round and its way back have the same in the middle, so that 3,000 are drawn; within five standard deviations of a third.
  const room = 5 * 2 * Math.sqrt(3000 * (2 / 9));
  for (const count of counts((at) => at % 3 === 1)) expect(Math.abs(count - 2000)).toBeLessThan(room);
  const twice = counts((at) => all[at - 1] === all[at]);
  const mean = twice.reduce((sum, each) => sum + each, 0) / 3;
  for (const count of twice) expect(Math.abs(count - mean)).toBeLessThan(5 * Math.sqrt(mean));
});
