import { floatsOf } from './measure.ts';
import type { HostTensor } from './types.ts';

/** Whether every row along the last axis is one 1 among zeros. */
export function isOneHot({ type, dims, data }: HostTensor): boolean {
  const classes = dims.at(-1) ?? 1;
  if (type === 'string' || type === 'float16' || classes < 2) return false;
  for (let start = 0; start + classes <= data.length; start += classes) {
    let [ones, others] = [0, 0];
    for (let i = start; i < start + classes; i++) {
      const value = Number(data[i]);
      if (value === 1) ones++;
      else if (value !== 0) others++;
    }
    if (ones !== 1 || others > 0) return false;
  }
  return true;
}

/** The numbers of the classes that one-hot rows stand for: int32, without the last axis. */
export function classesOfOneHot({ dims, data }: HostTensor): HostTensor {
  const classes = dims.at(-1) ?? 1;
  const numbers = new Int32Array(data.length / classes);
  for (let i = 0; i < data.length; i++) if (Number(data[i]) === 1) numbers[Math.floor(i / classes)] = i % classes;
  return { type: 'int32', dims: dims.slice(0, -1), data: numbers };
}

/** Of one probability p of a yes per sample, those of no and yes: float64 [N, 2], 1 − p beside p. */
export function withBothClasses(output: HostTensor): HostTensor {
  const values = floatsOf(output) ?? new Float64Array();
  const both = new Float64Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    const yes = values[i] as number;
    both[2 * i] = 1 - yes;
    both[2 * i + 1] = yes;
  }
  return { type: 'float64', dims: [values.length, 2], data: both };
}
