import { gather } from '../ir/append.ts';
import type { ModelClone } from '../ir/model.ts';
import { dimsOf } from '../ir/value.ts';
import type { NodeCoupling } from './couplings.ts';
import type { Cut } from './cut.ts';

/**
 * Makes a node of a masked model take its statistics over the channels that stay: it reads just those, and what it gives is
 * spread over the full length again. At the places of channels that left stands whatever; nobody reads them unmasked.
 *
 * @returns whether the node takes statistics over an axis that loses positions
 */
export function emulateMixing(clone: ModelClone, { node, coupling }: NodeCoupling, cut: Cut): boolean {
  const isCut = (coupling.approximate ?? []).some(({ axis }) => cut.kept(axis) !== undefined);
  if (!isCut) return false;
  const twin = clone.twinOfNode(node);
  const { graph } = twin;
  node.inputs.forEach((value, index) => {
    if (value === undefined) return;
    let current = twin.inputs[index];
    dimsOf(value)?.forEach((_, dim) => {
      const kept = cut.kept({ value, dim });
      if (kept !== undefined && current !== undefined) current = gather(graph, current, dim, kept);
    });
    if (current !== twin.inputs[index]) graph.setInput(twin, index, current);
  });
  for (const value of node.outputs) {
    const output = value && clone.twinOf(value);
    const dims = value && dimsOf(value);
    if (value === undefined || output === undefined || dims === undefined) continue;
    const narrow = dims.map((length, dim) => cut.kept({ value, dim })?.length ?? length);
    if (narrow.every((length, dim) => length === dims[dim])) continue;
    const readers = [...output.uses];
    let spread = output;
    dims.forEach((length, dim) => {
      const kept = cut.kept({ value, dim });
      if (kept === undefined || typeof length !== 'number') return;
      const places = new Array<number>(length).fill(0);
      kept.forEach((before, after) => {
        places[before] = after;
      });
      spread = gather(graph, spread, dim, places);
    });
    if (value.type !== undefined) {
      graph.setType(spread, value.type);
      graph.setType(output, { type: value.type.type, dims: narrow });
    }
    graph.replaceUses(output, spread, readers);
    // A body may give it out.
    graph.replaceOutput(output, spread);
  }
  return true;
}
