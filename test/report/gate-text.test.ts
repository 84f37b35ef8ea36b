import { describe, expect, it } from 'vitest';
import { failedGates, gateFigure, gateVerdict } from '../../src/report/gate-text.ts';
import type { GateName, GateReport } from '../../src/report/gates.ts';

/** A gate from the limit downwards, or upwards for those that begin with --min-. */
function gateOf(gate: GateName, unit: GateReport['unit'], limit: number, found: number): GateReport {
  const margin = gate.startsWith('--min-') ? found - limit : limit - found;
  return { gate, unit, limit, found, passed: margin >= 0, margin, of: '"logits", on test data' };
}

const AGREEMENT = gateOf('--min-agreement', 'fraction', 0.99, 0.978);
const SIZE = gateOf('--max-size', 'bytes', 500_000, 400_000);
const BROKEN: GateReport = { ...AGREEMENT, found: null, margin: null, of: 'output "logits": B lacks it' };

describe('gates in words', () => {
  it.each<[GateReport, string]>([
    [AGREEMENT, 'failed by 1.20 points'],
    [SIZE, 'passed by 100 kB'],
    [BROKEN, 'failed: no number'],
    [gateOf('--max-error', 'number', 1e-3, 1e-3), 'passed, with nothing to spare'],
    [gateOf('--min-cosine', 'number', 0.75, 0.5), 'failed by 0.25'],
    [gateOf('--min-speedup', 'ratio', 1.5, 2), 'passed by 0.50×'],
    [gateOf('--max-latency', 'ms', 2, 5), 'failed by 3.00 ms'],
    [gateOf('--max-drop', 'fraction', 0.01, -0.01), 'passed by 2.00 points'],
  ])('say how it came out: %#', (gate, verdict) => {
    expect(gateVerdict(gate)).toBe(verdict);
  });

  it.each<[GateReport, string]>([
    [gateOf('--min-agreement', 'fraction', 0.99, 0.98999), 'failed by <0.01 points'],
    [gateOf('--max-drop', 'fraction', 0.01, 0.01001), 'failed by <0.01 points'],
    [gateOf('--min-speedup', 'ratio', 1.5, 1.4996), 'failed by <0.01×'],
    [gateOf('--min-cosine', 'number', 0.5, 0.5 - 2 ** -20), 'failed by 9.5e-7'],
    [gateOf('--max-size', 'bytes', 500_000, 500_001), 'failed by 1 B'],
  ])('never show a failure as one by nothing: %#', (gate, verdict) => {
    expect(gateVerdict(gate)).toBe(verdict);
  });

  it('show lost answers as points, and gained ones below nothing', () => {
    const drop = gateOf('--max-drop', 'fraction', 0.01, 0);
    expect([0, 0.005, -0.005, 0.00001, -0.00001].map((value) => gateFigure(drop, value))).toEqual([
      '0.00 points',
      '0.50 points',
      '-0.50 points',
      '<0.01 points',
      '>-0.01 points',
    ]);
    expect(gateFigure(AGREEMENT, 0.978)).toBe('97.80%');
  });

  it('name those that failed, and no others', () => {
    expect(failedGates([SIZE])).toBeUndefined();
    expect(failedGates([])).toBeUndefined();
    expect(failedGates([AGREEMENT, SIZE])).toBe(
      '--min-agreement 99.00% failed by 1.20 points: found 97.80% ("logits", on test data)',
    );
    expect(failedGates([AGREEMENT, SIZE, BROKEN])).toBe(
      '--min-agreement 99.00% failed by 1.20 points: found 97.80% ("logits", on test data); --min-agreement 99.00% failed: output "logits": B lacks it',
    );
    expect(failedGates([{ ...BROKEN, limit: null, gate: '--max-latency', of: 'speed was not measured' }])).toBe(
      '--max-latency failed: speed was not measured',
    );
  });
});
