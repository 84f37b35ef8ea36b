import { describe, expect, it } from 'vitest';
import { branching, looping } from '../support/bodies.ts';
import type { ModelBuilder } from '../support/build.ts';
import { Desk } from './support/desk.ts';
import { at, itemsAt } from './support/read.ts';
import { DRY, reasons, reportOf, widths } from './support/reports.ts';

function deskWith(net: ModelBuilder): Desk {
  const desk = new Desk();
  desk.write('m.onnx', net.bytes());
  return desk;
}

describe('layers inside bodies', { timeout: 60_000 }, () => {
  it('are pruned with the rest, written and proven', async () => {
    const desk = deskWith(branching());
    const { code, stdout, stderr } = await desk.run('m.onnx', '--structured', '50%', '--align', 'none', '--no-bench');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/yes\.up\s+12 →\s+6/);
    expect(stdout).toMatch(/no\.up\s+20 →\s+10/);
    expect(stdout).toContain('cut equals masked');
    const { code: compared } = await desk.run('compare', 'm.onnx', 'm.pruned.onnx', '--no-bench', '-q');
    expect(compared).toBe(0);
  });

  it.each([
    ['a weight', '--exclude', 'no.up'],
    ['a node', '--exclude', 'no/up'],
    ['a glob', '--exclude', 'no*up'],
  ])('go by the name of %s', async (_, option, pattern) => {
    const args = ['m.onnx', '--structured', '50%', '--align', 'none', option, pattern];
    const report = await reportOf(deskWith(branching()), ...args, ...DRY);
    expect(widths(report)).toEqual({ first: '8 → 4', 'yes.up': '12 → 6', 'yes.down': '8 → 4' });
    expect(reasons(report)).toMatchObject({ [`${option} "${pattern}"`]: ['no.up'] });
  });

  it('are listed by inspect, whose recipe names them', async () => {
    const report = await reportOf(deskWith(looping()), 'inspect', 'm.onnx', '--json');
    const layers = itemsAt(report, 'layers').map((layer) => at(layer, 'node'));
    expect(layers).toEqual(expect.arrayContaining(['first/MatMul', 'body/up', 'body/down']));
    const matches = itemsAt(report, 'recipe', 'layers').map((layer) => at(layer, 'match'));
    expect(matches).toEqual(['first', 'body.up']);
  });
});
