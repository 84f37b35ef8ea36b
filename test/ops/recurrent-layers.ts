import type { Attributes, ModelBuilder } from '../support/build.ts';

/** How many gates lie end to end in the weights of each operator. */
export const GATES: Readonly<Record<string, number>> = { RNN: 1, GRU: 3, LSTM: 4 };

/** What a recurrent layer has beyond X, W and R; sizes that it is made with. */
export interface Layer {
  readonly opType: string;
  readonly inputs?: number;
  readonly hidden?: number;
  readonly direction?: 'forward' | 'reverse' | 'bidirectional';
  readonly bias?: boolean;
  readonly lengths?: boolean;
  /** States before the first step: given as numbers, or made out of the inputs. */
  readonly states?: 'constant' | 'computed';
  readonly peepholes?: boolean;
  readonly attributes?: Attributes;
  readonly name?: string;
}

export const STEPS = 6;
export const BATCH = 2;

/** The layer's outputs Y, Y_h and, of LSTM, Y_c. */
export function recurrent(b: ModelBuilder, x: string, layer: Layer): string[] {
  const { opType, inputs = 8, hidden = 6, direction = 'forward', name = opType.toLowerCase() } = layer;
  const gates = GATES[opType] ?? 0;
  const directions = direction === 'bidirectional' ? 2 : 1;
  const weights = [
    b.weight(`${name}_w`, [directions, gates * hidden, inputs], { fanIn: inputs }),
    b.weight(`${name}_r`, [directions, gates * hidden, hidden], { fanIn: hidden }),
    layer.bias ? b.weight(`${name}_b`, [directions, 2 * gates * hidden], { std: 0.5 }) : '',
    layer.lengths ? b.constant(`${name}_lengths`, 'int32', [BATCH], [STEPS, STEPS - 2]) : '',
    layer.states ? state(b, `${name}_h`, directions, hidden, layer) : '',
    layer.states && opType === 'LSTM' ? state(b, `${name}_c`, directions, hidden, layer) : '',
    layer.peepholes ? b.weight(`${name}_p`, [directions, 3 * hidden], { std: 0.5 }) : '',
  ];
  while (weights.at(-1) === '') weights.pop();
  const attributes = { hidden_size: hidden, direction, ...layer.attributes };
  return b.nodes(opType, [x, ...weights], opType === 'LSTM' ? 3 : 2, attributes);
}

/** [directions, batch, hidden], batch first where the layer has it so. */
function state(b: ModelBuilder, name: string, directions: number, hidden: number, layer: Layer): string {
  const batchFirst = layer.attributes?.['layout'] === 1;
  const dims = batchFirst ? [BATCH, directions, hidden] : [directions, BATCH, hidden];
  if (layer.states === 'constant') return b.weight(name, dims, { std: 0.5 });
  const seed = b.input(`${name}_seed`, 'float32', dims.with(2, 3));
  return b.node('MatMul', [seed, b.weight(`${name}_make`, [3, hidden], { fanIn: 3 })]);
}
