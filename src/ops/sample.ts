import { ints } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf, lengthOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, input, isRanked, output, pinAll, pinUnranked, pinValue, rankOf } from './coupling.ts';
import { fromFront, intsParameter, setIntsParameter } from './parameters.ts';
import type { Coupling, OpRule } from './rule.ts';

/** Images [samples, channels, …] → [samples or boxes, channels, …]: every channel is looked at in the same places. */
function coupleSampled(node: Node): CouplingBuilder {
  const [data, out] = [input(node, 0), output(node)];
  const coupling = new CouplingBuilder();
  coupling.same(axis(data, 1), axis(out, 1));
  for (const value of [data, out])
    coupling.pins.push(...pinValue(value, `${node.opType} samples an image along it`, (dim) => dim > 1));
  return coupling;
}

/** Pins on every axis of the further inputs, which say where to look. */
function pinPlaces(coupling: CouplingBuilder, node: Node): CouplingBuilder {
  for (const value of node.inputs.slice(1)) {
    if (value !== undefined) coupling.pins.push(...pinValue(value, `it says where ${node.opType} looks`));
  }
  return coupling;
}

/**
 * data [N, C, in…], grid [N, out…, 2 or 3], output [N, C, out…]. Both domains have it.
 * Source: ONNX operator GridSample, after torch.nn.functional.grid_sample.
 */
function gridSample(domain: string): OpRule {
  return {
    domain,
    opTypes: ['GridSample'],
    couple(node) {
      if (!isRanked(node)) return pinUnranked(node);
      const [data, grid, out] = [input(node, 0), input(node, 1), output(node)];
      const coupling = coupleSampled(node).same(axis(data, 0), axis(out, 0)).same(axis(grid, 0), axis(out, 0));
      coupling.pins.push(...pinValue(grid, `it says where ${node.opType} looks`, (dim) => dim > 0));
      return coupling;
    },
  };
}

/** data [N, C, H, W] and boxes [R, 4 or 5] → [R, C, height, width]. Samples are picked by the boxes. */
function boxes(domain: string, opTypes: readonly string[], samples?: number): OpRule {
  return {
    domain,
    opTypes,
    couple(node) {
      if (!isRanked(node)) return pinUnranked(node);
      const coupling = coupleSampled(node);
      for (const value of [input(node, 0), output(node)])
        coupling.pin(value, 0, `${node.opType} takes boxes out of it`);
      return pinPlaces(coupling, node);
    },
    ...(samples === undefined
      ? {}
      : {
          indexes: (node) => {
            const [picked, bound] = [node.inputs[samples], lengthOf(axis(input(node, 0), 0))];
            return picked === undefined || bound === undefined ? [] : [{ input: picked, bound }];
          },
        }),
  };
}

/** The place of the sample that a box is in, among the inputs of RoiAlign and CropAndResize. */
const SAMPLE_OF_BOX = 2;

/**
 * data [N, C · window, places] → [N, C, image…]: windows are laid back and what overlaps is summed, each channel for itself.
 * Source: ONNX operator Col2Im, after torch.nn.Fold.
 */
const col2Im: OpRule = {
  domain: '',
  opTypes: ['Col2Im'],
  couple(node) {
    if (!isRanked(node)) return pinUnranked(node);
    const [data, out] = [input(node, 0), output(node)];
    const [columns, channels] = [lengthOf(axis(data, 1)), lengthOf(axis(out, 1))];
    if (columns === undefined || channels === undefined)
      return pinAll(node, 'the number of channels at Col2Im is unknown');
    const coupling = new CouplingBuilder();
    coupling.same(axis(data, 0), axis(out, 0));
    coupling.links.push({
      a: axis(out, 1),
      b: axis(data, 1),
      map: { kind: 'factor', outer: 1, inner: columns / channels },
    });
    for (const value of [data, out])
      coupling.pins.push(...pinValue(value, 'Col2Im lays windows of an image along it', (dim) => dim > 1));
    return pinPlaces(coupling, node);
  },
};

const TARGET = { attribute: 'shape', input: 1 };

/** The axes that a CenterCropPad names, all of them where it names none. */
function croppedAxes(node: Node, data: Value): number[] {
  const rank = rankOf(data) ?? 0;
  return ints(node, 'axes')?.map((each) => fromFront(each, rank)) ?? [...Array(rank).keys()];
}

/**
 * Cuts or pads axes evenly on both sides. What is even changes with the length, so an axis that it cuts or pads stays;
 * one that has its length already passes.
 * Source: ONNX operator CenterCropPad.
 */
function coupleCenter(node: Node): Coupling {
  if (!isRanked(node)) return pinUnranked(node);
  const [data, out] = [input(node, 0), output(node)];
  const named = croppedAxes(node, data);
  const constant = Array.isArray(intsParameter(node, TARGET));
  const coupling = new CouplingBuilder();
  dimsOf(data)?.forEach((_, dim) => {
    const length = lengthOf(axis(data, dim));
    const passes = constant && length !== undefined && length === lengthOf(axis(out, dim));
    if (!named.includes(dim) || passes) coupling.same(axis(data, dim), axis(out, dim));
    else
      for (const value of [data, out]) coupling.pin(value, dim, 'CenterCropPad cuts or pads it evenly on both sides');
  });
  return coupling;
}

const centerCropPad: OpRule = {
  domain: '',
  opTypes: ['CenterCropPad'],
  couple: coupleCenter,
  repair(node, kept, graph) {
    const target = intsParameter(node, TARGET);
    if (!Array.isArray(target)) return;
    const named = croppedAxes(node, input(node, 0));
    const lengths = target.map((length, i) => kept(axis(output(node), named[i] ?? i))?.length ?? length);
    if (lengths.some((length, i) => length !== target[i])) setIntsParameter(graph, node, TARGET, lengths);
  },
};

export const sampleRules: readonly OpRule[] = [
  gridSample(''),
  gridSample('com.microsoft'),
  boxes('', ['RoiAlign'], SAMPLE_OF_BOX),
  boxes('', ['MaxRoiPool']),
  boxes('com.microsoft', ['CropAndResize'], SAMPLE_OF_BOX),
  col2Im,
  centerCropPad,
];
