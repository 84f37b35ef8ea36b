import { Option } from 'commander';
import { collect } from './shared-options.ts';

/** Options that say what runs on integers, for every command that makes a model. @param isDefault whether integers are the command's business anyway */
export function int8Options(isDefault = false): Option[] {
  return [
    new Option(
      '--int8 [mode]',
      `run on 8-bit integers: static (scales from --calibration), dynamic (scales as data come; matrix products), weights (stored alone), or auto: what suits each operator${isDefault ? '' : ' (default where no mode is named)'}`,
    ),
    new Option(
      '--ranges <how>',
      'ranges of activations, of what calibration data make of them: minmax, percentile, entropy, or mse (default)',
    ),
    new Option(
      '--rounding <how>',
      'weights to the nearest integer (nearest), or so that outputs stay (gptq, default with --calibration)',
    ),
    new Option('--bits <n>', 'bits of weights under --int8 weights: 8 (default) or 4'),
    new Option('--portable', 'keep sums of products exact on CPUs without int8 instructions, too').default(
      undefined,
      'where this CPU has none',
    ),
    new Option('--no-portable', 'use all 8 bits whatever the CPU'),
    new Option('--equalize', 'scale channels before, so that their ranges are alike').default(
      undefined,
      'where they are far from it',
    ),
    new Option('--no-equalize', 'leave them as they are'),
    new Option('--float <glob>', 'layers that stay in float, by node or initializer name; repeatable')
      .default([], 'none')
      .argParser(collect),
  ];
}
