import { float, string } from '../ir/attributes.ts';
import type { DataType } from '../ir/data-type.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import { float16Bits } from '../numeric/float16.ts';
import { type Change, type Refusal, refuse, type Surroundings } from './change.ts';
import { integersToInput, setConstant } from './edit.ts';
import { typeThrough } from './float-type.ts';

/** `min` and `max` became inputs 1 and 2, of the type of the numbers, with operator set 11. */
export const boundsToInputs: Change = (node, around) => {
  const bounds = ['min', 'max'].map((name, i) => numberToInput(node, name, i + 1, around));
  return (
    bounds.find((bound) => typeof bound === 'object') ??
    (bounds.includes(true) ? 'reads its bounds from inputs' : undefined)
  );
};

/** `pads` and `value` became inputs 1 and 2 with operator set 11; other modes than `constant` have no use for a value. */
export const padsToInputs: Change = (node, around) => {
  if (float(node, 'value', 0) === 0 || string(node, 'mode', 'constant') !== 'constant') {
    node.graph.removeAttribute(node, 'value');
  }
  if (!integersToInput(node, 'pads', 1)) return refuse('it says not how much it pads');
  const value = numberToInput(node, 'value', 2, around);
  return typeof value === 'object' ? value : 'reads its pads from an input';
};

/** Turns a float attribute into a scalar input of the node's own type. @returns whether there was one, or why it cannot be */
function numberToInput(node: Node, name: string, index: number, around: Surroundings): boolean | Refusal {
  const value = float(node, name, undefined);
  if (value === undefined) return false;
  const type = typeThrough(node, around);
  const scalar = type === undefined ? undefined : scalarOf(type, value);
  if (scalar === undefined)
    return refuse(`its "${name}" becomes an input of the type of its numbers, which is not known`);
  node.graph.removeAttribute(node, name);
  setConstant(node, index, name, scalar);
  return true;
}

function scalarOf(type: DataType, value: number): Tensor | undefined {
  switch (type) {
    case 'float32':
      return Tensor.ofFloats(Float32Array.of(value), []);
    case 'float64':
      return Tensor.of(type, [], new Uint8Array(Float64Array.of(value).buffer));
    case 'float16':
      return Tensor.of(type, [], new Uint8Array(Uint16Array.of(float16Bits(value)).buffer));
    default:
      return undefined;
  }
}
