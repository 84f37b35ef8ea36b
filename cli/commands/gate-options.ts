import { Option } from 'commander';

/** What the options that a result must keep to give. */
export interface GateCommandOptions {
  readonly minAgreement?: string;
  readonly minCosine?: string;
  readonly maxError?: string;
  readonly minSpeedup?: string;
  readonly maxSize?: string;
  readonly maxLatency?: string;
}

/** Options that a result must keep to, or the exit status is 3; the same for every command that judges one. */
export function gateOptions(): Option[] {
  return [
    new Option(
      '--min-agreement <share>',
      'answers (largest along the last axis) that must stay the same, of every output with classes, such as 99%',
    ),
    new Option('--min-cosine <number>', 'least cosine of every output with the original’s, such as 0.999'),
    new Option('--max-error <number>', 'largest absolute difference of any output, such as 1e-3'),
    new Option('--min-speedup <ratio>', 'least speed against the original, by medians, such as 1.5'),
    new Option('--max-latency <time>', 'most time of a run, by the median: 5ms, or 80% of the original’s'),
    new Option('--max-size <size>', 'largest files: 500KB, or 40% of the original’s'),
  ];
}

/** What becomes of a result that fails. */
export function keepOption(): Option {
  return new Option('--keep', 'write the result even where a gate fails; the exit status is 3 all the same');
}
