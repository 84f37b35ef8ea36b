import { lossOf } from './frontier.ts';
import type { Measurement, Setting } from './measure.ts';

/** A setting, and what it came to on every net: one measurement per amount. */
export interface Contender {
  readonly setting: Setting;
  readonly nets: ReadonlyMap<string, readonly Measurement[]>;
}

/** Where even the best contender loses more than this, what is left of a net says nothing of who ranks well. */
const MOST_LOST = 0.1;

/**
 * The contender with most right answers over all nets and amounts together, those left out at which every contender loses
 * more than a tenth of all answers. It is chosen on the very data that it is measured on.
 */
export function bestOf(contenders: readonly Contender[]): Contender | undefined {
  const isTelling = (net: string, index: number): boolean =>
    contenders.some(({ nets }) => {
      const measurement = nets.get(net)?.[index];
      return measurement !== undefined && lossOf(measurement) <= MOST_LOST;
    });
  const lost = ({ nets }: Contender): number => {
    let sum = 0;
    for (const [net, measurements] of nets) {
      for (const [index, each] of measurements.entries()) if (isTelling(net, index)) sum += lossOf(each);
    }
    return sum;
  };
  return contenders.toSorted((a, b) => lost(a) - lost(b))[0];
}
