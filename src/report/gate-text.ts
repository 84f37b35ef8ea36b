import { formatBytes, formatCosine, formatError, formatMilliseconds, formatPercent, formatRatio } from './format.ts';
import type { GateReport } from './gates.ts';

/** A figure of a gate in its unit: its limit, or what was found. */
export function gateFigure({ unit, gate }: GateReport, value: number): string {
  switch (unit) {
    case 'fraction':
      return gate === '--max-drop' ? pointsText(value) : formatPercent(value);
    case 'ratio':
      return formatRatio(value);
    case 'bytes':
      return formatBytes(value);
    case 'ms':
      return formatMilliseconds(value);
    case 'number':
      return gate === '--min-cosine' ? formatCosine(value) : formatError(value);
  }
}

/** A figure of a gate that may be missing. */
export function gateFigureOr(gate: GateReport, value: number | null): string {
  return value === null ? 'no number' : gateFigure(gate, value);
}

/** How a gate came out and by how much: "passed by 0.0004", "failed by 1.20 points", "failed: no number". */
export function gateVerdict(gate: GateReport): string {
  const { passed, margin } = gate;
  if (margin === null) return 'failed: no number';
  const word = passed ? 'passed' : 'failed';
  if (margin === 0) return `${word}, with nothing to spare`;
  return `${word} by ${marginText(gate, Math.abs(margin))}`;
}

/** The gates that failed, in one sentence without its full stop; undefined where none did. */
export function failedGates(gates: readonly GateReport[]): string | undefined {
  const failed = gates.filter(({ passed }) => !passed);
  if (failed.length === 0) return undefined;
  return failed
    .map((gate) => {
      const { found, of, limit } = gate;
      const shown = limit === null ? '' : ` ${gateFigure(gate, limit)}`;
      return found === null
        ? `${gate.gate}${shown} failed: ${of}`
        : `${gate.gate}${shown} failed by ${marginText(gate, Math.abs(gate.margin ?? 0))}: found ${gateFigure(gate, found)} (${of})`;
    })
    .join('; ');
}

function marginText(gate: GateReport, value: number): string {
  if (gate.unit === 'fraction') return pointsText(value);
  if (gate.unit === 'number') return formatError(value);
  // What is failed by is never shown as nothing.
  if (gate.unit === 'ratio' && value > 0 && value < LEAST) return `<${LEAST}×`;
  return gateFigure(gate, value);
}

/** The least that two decimals show. */
const LEAST = 0.01;

function pointsText(fraction: number): string {
  const points = fraction * 100;
  const text = points.toFixed(2);
  if (points !== 0 && Number(text) === 0) return points < 0 ? `>-${LEAST} points` : `<${LEAST} points`;
  return `${text} points`;
}
