import { afterAll, describe, expect, it } from 'vitest';
import { buildChannelMap } from '../src/channels/build.ts';
import type { ChannelMap, Group } from '../src/channels/group.ts';
import type { UnitRanking } from '../src/criteria/criterion.ts';
import { cloneModel, importModel } from '../src/ir/model.ts';
import { KnownRankings, type MeasuredRanking } from '../src/known-rankings.ts';
import { normalise } from '../src/normalise/normalise.ts';
import { decodeModel } from '../src/onnx/codec.ts';
import { ruleOf } from '../src/ops/rules.ts';
import { createEngine, RuntimeChild } from '../src/runtime/index.ts';
import { smallNet } from './cli/support/models.ts';

const model = importModel(decodeModel(smallNet().bytes()));
const child = new RuntimeChild();
afterAll(() => child.close());
await normalise(model, createEngine(child));
const mapOf = (): ChannelMap => buildChannelMap(cloneModel(model).model.graph, ruleOf);

/** Ranks by drawing a new number every time, and counts. */
class Measuring {
  runs = 0;
  ranked: string[] = [];

  readonly measure = async (): Promise<MeasuredRanking> => {
    this.runs++;
    return ({ name, count }: Group): UnitRanking | undefined => {
      this.ranked.push(name);
      return { scores: new Float64Array(count).fill(this.ranked.length), losses: new Float64Array(count) };
    };
  };
}

describe('rankings that are known', () => {
  it('are measured by the first run alone, and each group once', async () => {
    const known = new KnownRankings();
    const measuring = new Measuring();
    const scores: (UnitRanking | undefined)[] = [];
    for (let run = 0; run < 3; run++) {
      const map = mapOf();
      const rank = await known.of(map, measuring.measure);
      for (const group of [...map.groups, ...map.groups]) scores.push(rank?.(group));
    }
    expect(measuring.runs).toBe(1);
    expect(measuring.ranked).toHaveLength(1);
    expect(measuring.ranked).toEqual(mapOf().groups.map(({ name }) => name));
    expect(new Set(scores).size).toBe(mapOf().groups.length);
  });

  it('are those of one model: other groups are measured anew', async () => {
    const known = new KnownRankings();
    const measuring = new Measuring();
    const map = mapOf();
    await known.of(map, measuring.measure);
    await known.of({ ...map, groups: [] }, measuring.measure);
    expect(measuring.runs).toBe(2);
  });

  it('are none where nothing is measured', async () => {
    const known = new KnownRankings();
    for (let run = 0; run < 2; run++) expect(await known.of(mapOf(), async () => undefined)).toBeUndefined();
  });
});
