const LARGE = [
  { size: 1e12, letter: 'T' },
  { size: 1e9, letter: 'G' },
  { size: 1e6, letter: 'M' },
  { size: 1e3, letter: 'k' },
] as const;

/** Typographic minus, which is as wide as a plus. */
const MINUS = '\u2212';

/** Number of digits behind the point so that three digits show. */
function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 || value === 0 ? 0 : size >= 9.995 ? 1 : 2);
}

/** A count, in as few characters as a chart has room for: `940`, `1.72M`, `640k`. */
export function countText(value: number): string {
  const step = LARGE.find(({ size }) => Math.abs(value) >= size * 0.9995);
  return step === undefined ? String(Math.round(value)) : `${threeDigits(value / step.size)}${step.letter}`;
}

/** The unit in which bytes are best read, and how many bytes it has. */
export function byteUnit(largest: number): { readonly name: string; readonly size: number } {
  const step = LARGE.find(({ size }) => Math.abs(largest) >= size * 0.9995);
  return step === undefined ? { name: 'B', size: 1 } : { name: `${step.letter}B`, size: step.size };
}

/** An amount that was asked for, without needless digits: `12.5%`, `50%`. */
export function amountText(fraction: number): string {
  return `${Number((fraction * 100).toFixed(2))}%`;
}

/** A difference of fractions in points of percent with its sign: `+0.25`, `−1.30`, `0.00`. */
export function pointsText(difference: number, decimals = 2): string {
  const text = Math.abs(difference * 100).toFixed(decimals);
  if (Number(text) === 0) return text;
  return `${difference < 0 ? MINUS : '+'}${text}`;
}

/** A change against a value before, in percent: `−47%`; empty where there was nothing before. */
export function changeText(before: number, after: number): string {
  if (before === 0) return '';
  const percent = (after / before - 1) * 100;
  if (percent === 0) return '±0%';
  // Only what vanished is 100% less.
  const shown = percent < 0 && after > 0 ? Math.min(-percent, 99.9) : Math.abs(percent);
  return `${percent < 0 ? MINUS : '+'}${shown.toFixed(shown < 10 || shown > 99 ? 1 : 0)}%`;
}

/** A plain number to four digits, `0.07312`, `2.301`. */
export function numberText(value: number): string {
  return String(Number(value.toPrecision(4)));
}
