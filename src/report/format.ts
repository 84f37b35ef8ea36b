const LARGE = [
  { size: 1e12, letter: 'T' },
  { size: 1e9, letter: 'G' },
  { size: 1e6, letter: 'M' },
  { size: 1e3, letter: 'k' },
] as const;

/** Below this, counts are given to the last digit. */
const EXACT_BELOW = 10_000;

/** A whole number with thousands separators: `1,716,234`. */
export function formatInteger(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** A count with its noun: `1 sample`, `2,000 samples`. */
export function formatCount(value: number, noun: string, plural = `${noun}s`): string {
  return `${formatInteger(value)} ${value === 1 ? noun : plural}`;
}

/** An amount to three digits: `9,408`, `1.72 M`, `4.09 G`. */
export function formatAmount(value: number): string {
  return Math.abs(value) < EXACT_BELOW ? formatInteger(value) : scaled(value, '');
}

/** Bytes in powers of ten, as disks and networks count them: 1 MB = 1,000,000 bytes. */
export function formatBytes(bytes: number): string {
  return Math.abs(bytes) < 1000 ? `${formatInteger(bytes)} B` : scaled(bytes, 'B');
}

function scaled(value: number, unit: string): string {
  // 999,600 is 1.00 M rather than 1000 k.
  const { size, letter } = LARGE.find((step) => Math.abs(value) >= step.size * 0.9995) ?? { size: 1, letter: '' };
  return `${threeDigits(value / size)} ${letter}${unit}`;
}

function threeDigits(value: number): string {
  const rounded = Number(value.toPrecision(3));
  const decimals = Math.abs(rounded) >= 100 ? 0 : Math.abs(rounded) >= 10 ? 1 : 2;
  return rounded.toFixed(decimals);
}

/** A fraction as a percentage, `98.73%`; what is only nearly none or nearly all is never shown as none or all. */
export function formatPercent(fraction: number): string {
  if (!Number.isFinite(fraction)) return 'n/a';
  const percent = fraction * 100;
  const text = percent.toFixed(2);
  if (percent > 0 && text === '0.00') return '<0.01%';
  if (percent < 100 && text === '100.00') return '>99.99%';
  return `${Number(text) === 0 ? '0.00' : text}%`;
}

/** How far `after` is from `before`, `-68.60%`, its sign kept where it rounds to nothing; undefined where there was nothing before. */
export function formatChange(before: number, after: number): string | undefined {
  if (before === 0) return undefined;
  const percent = (after / before - 1) * 100;
  if (percent === 0) return '0.00%';
  // Only what vanished is 100% less.
  const shown = percent < 0 && after > 0 ? Math.min(-percent, 99.99) : Math.abs(percent);
  return `${percent < 0 ? '-' : '+'}${shown.toFixed(2)}%`;
}

/** A ratio: `3.19×`. */
export function formatRatio(value: number): string {
  return Number.isFinite(value) ? `${value >= 1000 ? formatInteger(value) : threeDigits(value)}×` : 'n/a';
}

/** An error measure to two digits: `0`, `1.8e-7`, `0.053`, `12`. */
export function formatError(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return 'infinite';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e-2 && size < 1000) return String(Number(value.toPrecision(2)));
  return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
}

/** A cosine to six digits; only equality is shown as 1. */
export function formatCosine(value: number): string {
  const text = value.toFixed(6);
  return value < 1 && text === '1.000000' ? '>0.999999' : text;
}

/** Milliseconds as a person reads them: `0.0123 ms`, `1.23 ms`, `456 ms`, `2.35 s`. */
export function formatMilliseconds(ms: number): string {
  if (Math.abs(ms) >= 999.5) return formatSeconds(ms / 1000);
  return `${millisecondDigits(ms)} ms`;
}

/** A span of times in one unit: `1.20–1.31 ms`. */
export function formatMillisecondSpan(from: number, to: number): string {
  if (Math.abs(to) >= 999.5) return `${threeDigits(from / 1000)}–${threeDigits(to / 1000)} s`;
  return `${millisecondDigits(from)}–${millisecondDigits(to)} ms`;
}

function millisecondDigits(ms: number): string {
  return Math.abs(ms) >= 0.1 || ms === 0 ? threeDigits(ms) : String(Number(ms.toPrecision(2)));
}

/** Seconds: `0.31 s`, `12.4 s`, `2 min 05 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 99.95) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** An amount to the last digit: `37.7%`. */
export function formatShare(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(6))}%`;
}

/** A change of a fraction in percentage points, signed: `-0.80 points`, `+0.10 points`; `same` where there is none. */
export function formatPoints(change: number): string {
  if (change === 0) return 'same';
  const points = Math.abs(change * 100);
  return `${change < 0 ? '-' : '+'}${points < 0.005 ? '<0.01' : points.toFixed(2)} points`;
}

/** A loss to three digits: `0.105`, `2.30`, `1.20e-5`. */
export function formatLoss(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || value === 0) return formatError(value);
  return size >= 1e-3 && size < 1000 ? value.toPrecision(3) : value.toExponential(2).replace('e+', 'e');
}
