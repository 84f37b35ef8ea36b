import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { prune } from '../support/shared-runtime.ts';

const folder = new URL('../../fixtures/', import.meta.url);
const nets = readdirSync(folder).filter((name) => name.endsWith('.onnx') && !name.includes('.pruned.'));
const scratch = mkdtempSync(join(tmpdir(), 'every-fixture-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each(nets)('%s', (name) => {
  const input = new URL(name, folder).pathname;

  test.each([25, 50, 75])('at %i percent is proven and really smaller', async (percent) => {
    const output = join(scratch, `${percent}-${name}`);
    const report = await prune(input, { structured: `${percent}%`, align: 'none', bench: false, output });
    expect(report.proof?.passed).toBe(true);
    expect(report.proof?.cut.every((proof) => proof.informative)).toBe(true);
    for (const group of report.pruning.groups) {
      const units = group.before / group.unit;
      const kept = Math.max(1, units - Math.round((units * percent) / 100));
      expect(group.after, group.name).toBe(kept * group.unit);
    }
    // Widths multiply, so parameters fall faster than channels, save for what the graph's ends hold.
    const { before, after } = report.size;
    expect(after.parameters / before.parameters).toBeLessThan(1 - (0.8 * percent) / 100);
    expect(after.macs / before.macs).toBeLessThan(1 - (0.6 * percent) / 100);
    expect(after.fileBytes).toBeLessThan(before.fileBytes);
  });
});
