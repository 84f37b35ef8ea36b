import { describe, expect, test } from 'vitest';
import { LAYER_NETS } from './layer-nets.ts';
import { MOVING_NETS } from './moving-nets.ts';
import { NamedNet } from './nets.ts';
import { operatorCounts, Quantizer } from './quantized.ts';

const quantizer = new Quantizer();

/** Operator sets from the first in which all of these nets can be written. */
const [LEAST, ...OTHERS] = [13, 15, 17, 19, 21];

const NETS = [...LAYER_NETS, ...MOVING_NETS];

/** How often operators run, but for those that bring elements into the order that the runtime wants. */
async function runsOf(net: NamedNet): Promise<Record<string, number>> {
  const { fusion, optimised } = await quantizer.fuse(net);
  expect(fusion.overruled).toEqual([]);
  const { Transpose: _, ...found } = operatorCounts(optimised);
  return found;
}

describe('what quantizing emits, the runtime runs on integers', { timeout: 60_000 }, () => {
  test.each(NETS)('$name', async ({ make, runs }) => {
    const n = new NamedNet({ opset: LEAST });
    n.give(...[make(n)].flat());
    expect(await runsOf(n)).toEqual(runs);
  });

  // Side by side in one model, which is loaded sooner than many.
  test.each(OTHERS)('all of them with operator set %i', async (opset) => {
    const n = new NamedNet({ opset });
    const sums: Record<string, number> = {};
    for (const { name, make, runs } of NETS) {
      n.prefix = `${name}:`;
      n.give(...[make(n)].flat());
      for (const [opType, count] of Object.entries(runs)) sums[opType] = (sums[opType] ?? 0) + count;
    }
    expect(await runsOf(n)).toEqual(sums);
  });
});
