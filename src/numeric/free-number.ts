/**
 * A number from 1 up that is free, the least one where those below it are all taken and those above are not: found by doubling
 * and halving, since a hundred thousand nodes may wish for the same name.
 */
export function freeNumber(isTaken: (number: number) => boolean): number {
  let free = 1;
  while (isTaken(free)) free *= 2;
  let taken = Math.floor(free / 2);
  while (free - taken > 1) {
    const middle = Math.floor((free + taken) / 2);
    if (isTaken(middle)) taken = middle;
    else free = middle;
  }
  return free;
}
