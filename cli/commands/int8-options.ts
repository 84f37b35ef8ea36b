import { Option } from 'commander';
import { optionalWord } from './optional-word.ts';
import { collect } from './shared-options.ts';

/** What options about integers give. */
export interface Int8CommandOptions {
  readonly int8?: string | boolean;
  readonly ranges?: string;
  readonly rounding?: string;
  readonly bits?: string;
  readonly portable?: boolean;
  readonly equalize?: boolean;
  readonly float: readonly string[];
}

/** Options that say what runs on integers, for every command that makes a model. @param isDefault whether integers are the command's business anyway */
export function int8Options(isDefault = false): Option[] {
  return [
    optionalWord(
      '--int8 [mode]',
      `quantize to int8: static (ranges of activations from --calibration), dynamic (ranges found in each run; matrix products only), weights (stored as int8, computed in float32), or auto: what suits each layer (default${isDefault ? '' : ' where no mode is named'})`,
      isDefault ? 'onnx-prune quantize' : undefined,
    ),
    new Option(
      '--ranges <how>',
      'how ranges of activations are chosen from calibration data: minmax, percentile, entropy, or mse (default)',
    ),
    new Option(
      '--rounding <how>',
      'how weights are rounded: nearest, or gptq, so that errors cancel on --calibration (default where weights have 4 bits)',
    ),
    new Option('--bits <n>', 'bits of weights under --int8 weights: 8 (default) or 4'),
    new Option(
      '--portable',
      'give the same answers on CPUs without int8 instructions (VNNI), too (default: where this CPU has none)',
    ),
    new Option('--no-portable', 'use all 8 bits of weights whatever the CPU'),
    new Option(
      '--equalize',
      'scale channels to like ranges first, which changes no output (default: where their ranges are far apart)',
    ),
    new Option('--no-equalize', 'leave channels as they are'),
    new Option('--float <glob>', 'layers that stay in float32, by node or initializer name; repeatable')
      .default([], 'none')
      .argParser(collect),
  ];
}
