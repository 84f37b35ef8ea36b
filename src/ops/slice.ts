import { string } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { lengthOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, input, output, pinAll, pinUnranked, rankOf } from './coupling.ts';
import { movesIntegers } from './integers.ts';
import { fromFront, intsParameter, setIntsParameter } from './parameters.ts';
import type { Coupling, Kept, OpRule } from './rule.ts';

const STARTS = { attribute: 'starts', input: 1 };
const ENDS = { attribute: 'ends', input: 2 };
const AXES = { attribute: 'axes', input: 3 };
const STEPS = { attribute: 'steps', input: 4 };

/** The part of one axis that a Slice keeps: positions start, start + step, … below end. */
interface Window {
  readonly dim: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/**
 * What each sliced axis keeps, by position in the lists of the node: undefined where its bounds or its length are not
 * known before the model runs. Undefined as a whole where even the axes are not.
 */
function windowsOf(node: Node): { dim: number; window: Window | undefined }[] | undefined {
  const data = input(node, 0);
  const rank = rankOf(data);
  const [starts, ends, axes, steps] = [STARTS, ENDS, AXES, STEPS].map((parameter) => intsParameter(node, parameter));
  const count = Array.isArray(axes) ? axes.length : Array.isArray(starts) ? starts.length : listLength(node);
  if (rank === undefined || axes === 'dynamic' || count === undefined) return undefined;
  return Array.from({ length: count }, (_, i) => {
    const dim = fromFront(axes?.[i] ?? i, rank);
    const length = lengthOf(axis(data, dim));
    if (length === undefined || !Array.isArray(starts) || !Array.isArray(ends) || steps === 'dynamic') {
      return { dim, window: undefined };
    }
    const step = steps?.[i] ?? 1;
    const place = (wish: number): number =>
      step > 0 ? clamp(fromFront(wish, length), 0, length) : clamp(fromFront(wish, length), -1, length - 1);
    return { dim, window: { dim, start: place(starts[i] ?? 0), end: place(ends[i] ?? length), step } };
  });
}

/** How many axes are sliced, by the length of the list of starts. */
function listLength(node: Node): number | undefined {
  const starts = node.inputs[STARTS.input];
  return starts && lengthOf(axis(starts, 0));
}

function coupleSlice(node: Node): Coupling {
  const [data, out] = [input(node, 0), output(node)];
  const rank = rankOf(data);
  if (rank === undefined || rankOf(out) !== rank) return pinUnranked(node);
  const windows = windowsOf(node);
  if (windows === undefined) return pinAll(node, 'the axes of Slice are computed at run time');
  const coupling = new CouplingBuilder();
  const pinBoth = (dim: number, reason: string): CouplingBuilder =>
    coupling.pin(data, dim, reason).pin(out, dim, reason);
  for (let dim = 0; dim < rank; dim++) {
    const sliced = windows.find((each) => each.dim === dim);
    if (sliced === undefined) coupling.same(axis(data, dim), axis(out, dim));
    else if (sliced.window === undefined) pinBoth(dim, 'Slice cuts it where is not known before the model runs');
    else if (sliced.window.step !== 1) pinBoth(dim, 'Slice takes it in steps');
    else {
      const { start, end } = sliced.window;
      coupling.links.push({
        a: axis(out, dim),
        b: axis(data, dim),
        map: { kind: 'shift', from: 0, by: start, length: Math.max(0, end - start) },
      });
    }
  }
  return coupling;
}

const slice: OpRule = {
  domain: '',
  // DynamicSlice is what Slice with bounds as inputs was called while it was experimental.
  opTypes: ['Slice', 'DynamicSlice'],
  passage: () => ({ kind: 'moves', constant: true, multiples: 'any' }),
  integers: movesIntegers,
  couple: coupleSlice,
  repair(node, kept, graph) {
    const windows = windowsOf(node);
    if (windows === undefined) return;
    const [data, out] = [input(node, 0), output(node)];
    const [starts, ends] = [STARTS, ENDS].map((parameter) => intsParameter(node, parameter));
    if (!Array.isArray(starts) || !Array.isArray(ends)) return;
    let cut = false;
    windows.forEach(({ dim, window }, i) => {
      const keptData = kept(axis(data, dim));
      if (window === undefined || keptData === undefined) return;
      cut = true;
      const start = keptData.filter((position) => position < window.start).length;
      const length = kept(axis(out, dim))?.length ?? window.end - window.start;
      starts[i] = start;
      ends[i] = start + length;
    });
    if (!cut) return;
    setIntsParameter(graph, node, STARTS, starts);
    setIntsParameter(graph, node, ENDS, ends);
  },
};

const PADS = { attribute: 'pads', input: 1 };

/** Pads per axis of the data as [before, after] pairs; undefined where they are computed at run time. */
function padsOf(node: Node, rank: number): { dims: number[]; pads: number[] } | undefined {
  const pads = intsParameter(node, PADS) ?? intsParameter(node, { attribute: 'paddings', input: 1 });
  const axes = intsParameter(node, { attribute: 'axes', input: 3 });
  if (!Array.isArray(pads) || axes === 'dynamic') return undefined;
  return { dims: axes?.map((each) => fromFront(each, rank)) ?? [...Array(rank).keys()], pads };
}

function couplePad(node: Node): Coupling {
  const [data, out] = [input(node, 0), output(node)];
  const rank = rankOf(data);
  if (rank === undefined || rankOf(out) !== rank) return pinUnranked(node);
  const padded = padsOf(node, rank);
  if (padded === undefined) return pinAll(node, 'the widths of Pad are computed at run time');
  const constant = string(node, 'mode', 'constant') === 'constant';
  const coupling = new CouplingBuilder();
  for (let dim = 0; dim < rank; dim++) {
    const i = padded.dims.indexOf(dim);
    const [before, after] = i < 0 ? [0, 0] : [padded.pads[i] ?? 0, padded.pads[i + padded.dims.length] ?? 0];
    const length = lengthOf(axis(data, dim));
    if (before === 0 && after === 0) coupling.same(axis(data, dim), axis(out, dim));
    else if (constant && before >= 0 && after >= 0 && length !== undefined) {
      coupling.links.push({
        a: axis(data, dim),
        b: axis(out, dim),
        map: { kind: 'shift', from: 0, by: before, length },
      });
    } else
      coupling
        .pin(data, dim, 'Pad repeats or drops positions of it')
        .pin(out, dim, 'Pad repeats or drops positions of it');
  }
  return coupling;
}

/** Pads that are left along one axis: the new positions before and after the data's own that still stay. */
function keptPads(data: Value, out: Value, dim: number, before: number, kept: Kept): [number, number] | undefined {
  const length = lengthOf(axis(data, dim));
  const stay = kept(axis(out, dim));
  if (length === undefined || stay === undefined) return undefined;
  return [
    stay.filter((position) => position < before).length,
    stay.filter((position) => position >= before + length).length,
  ];
}

const pad: OpRule = {
  domain: '',
  opTypes: ['Pad'],
  couple: couplePad,
  repair(node, kept, graph) {
    const [data, out] = [input(node, 0), output(node)];
    const padded = padsOf(node, rankOf(data) ?? 0);
    if (padded === undefined) return;
    const pads = [...padded.pads];
    padded.dims.forEach((dim, i) => {
      const left = keptPads(data, out, dim, pads[i] ?? 0, kept);
      if (left !== undefined) [pads[i], pads[i + padded.dims.length]] = left;
    });
    if (pads.some((width, i) => width !== padded.pads[i])) setIntsParameter(graph, node, PADS, pads);
  },
};

/** The runtime's own Pad had its widths as an input before ONNX's. */
const contribPad: OpRule = { ...pad, domain: 'com.microsoft' };

export const sliceRules: readonly OpRule[] = [slice, pad, contribPad];
