import type { FusionReport } from './quantize/fusion.ts';
import type { Quantized } from './quantize-within.ts';
import type { LatencyReport } from './report/report.ts';

/** The part of the time from which on something is why a model is slow. */
const MUCH = 0.25;
/** Nodes that a note names. */
const MOST_NAMES = 2;

/** What is known of a quantized model. */
export interface QuantizedFindings {
  readonly quantization: Quantized | null;
  readonly fusion: FusionReport | null;
  readonly latency: LatencyReport | null;
}

/** What a person should know of a model that runs on integers: where its answers may differ, and why it is no faster if it is not. */
export function quantizationNotes({ quantization, fusion, latency }: QuantizedFindings): string[] {
  if (quantization === null) return [];
  const { untouched, overflowing, portable, layers, search } = quantization;
  if (untouched !== null)
    return [`Nothing was quantized, since ${untouched}; give the float32 model it was made from.`];
  const notes: string[] = [];
  const speedUp = latency?.after.speedUp;
  if (layers.length > 0 && speedUp !== undefined && (speedUp.median < 1 || !speedUp.significant))
    notes.push(
      `The result is not faster than the original (${speedUp.median.toFixed(2)}× the speed): ${whySlow(quantization, fusion)}`,
    );
  if (overflowing > 0 && !portable)
    notes.push(
      `On x86 CPUs without int8 instructions (VNNI), sums of products may overflow in ${overflowing} of ${layers.length === 1 ? '1 layer' : `${layers.length} layers`}, and answers differ there; --portable makes them the same everywhere, with a bit less in the weights where that is needed.`,
    );
  if (search?.found === false)
    notes.push('No set of layers in float32 keeps to --max-drop; the figures are those of all layers on int8.');
  return notes;
}

/** Ends the sentence "the result is not faster: …", by what takes the time, and says what to try. */
function whySlow({ asked, layers, floats }: Quantized, fusion: FusionReport | null): string {
  if (fusion?.time == null)
    return 'run without --no-verify and --no-bench to see what onnxruntime makes of it and where the time goes.';
  const { time } = fusion;
  const converting = time.conversions + time.layout;
  const onlyStored = layers.every(({ how }) => how === 'weights');
  if (onlyStored && converting >= MUCH)
    return `weights are widened to float32 in each run, which takes ${percent(converting)} of the time; --int8 dynamic computes on int8 instead, and --int8 static with --calibration does for convolutions, too.`;
  if (converting >= MUCH && converting >= time.float) {
    const other = asked === 'dynamic' ? 'weights' : 'dynamic or --int8 weights';
    return `conversions between int8 and float32 take ${percent(converting)} of the time; try --int8 ${other}, or --float for the layers that they surround.`;
  }
  if (time.float >= MUCH && time.float >= time.integer) {
    const left = new Set(floats.map(({ node }) => node));
    const wanting = floats.some(({ reason }) => reason.includes('--calibration'));
    const names = fusion.floats
      .filter(({ node }) => wanting || !left.has(node))
      .slice(0, MOST_NAMES)
      .map(({ node }) => `"${node}"`);
    const which = names.length === 0 ? '' : ` (most of all ${names.join(', ')})`;
    const tip = wanting
      ? 'add --calibration with a few hundred inputs, so that those layers can run on int8'
      : 'more than the rest has to run on int8 to gain, or try --structured, which makes float32 faster';
    return `${percent(time.float)} of the time still goes into float32${which}; ${tip}.`;
  }
  return 'its int8 kernels take as long on this CPU as those of float32, as they do for small layers and on CPUs without int8 instructions (VNNI); time it with --threads and inputs as in use.';
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
