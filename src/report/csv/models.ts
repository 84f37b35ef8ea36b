import type { NodeFigures, OutlineNode } from '../outline.ts';
import type { CompareReport, InspectReport, QuantizationReport, Report } from '../report.ts';
import { dimsCell, listCell, type Sheet, textCell, type Value } from './cells.ts';

type Row = Readonly<Record<string, Value>>;
type Weights = NonNullable<Report['weights']>['layers'][number];

const PRUNE = [
  ...['layer', 'operator', 'initializer', 'group', 'kept_because'],
  ...['channels_before', 'channels_asked', 'channels_after', 'unit', 'criterion'],
  ...['parameters_before', 'parameters_after', 'non_zeros_before', 'non_zeros_after'],
  ...['macs_before', 'macs_after', 'dims_before', 'dims_after'],
  ...['weights', 'zeros_before', 'zeros_after', 'sparsity'],
  ...['integers', 'bits', 'output_off', 'float_because'],
];

/** A row for each layer of a pruning run; without an outline, one for each group, sparse tensor and layer on integers. */
export function pruneSheet(report: Report): Sheet {
  const { outline, pruning, weights, quantization } = report;
  if (outline !== null) {
    const groups = new Map(pruning.groups.map((group) => [group.name, group]));
    const sparse = new Map(weights?.layers.flatMap((layer) => layer.nodes.map((node) => [node, layer] as const)));
    const rows = outline.nodes
      .filter(({ isLayer }) => isLayer)
      .map((node) => ({
        ...nodeRow(node),
        ...groupRow(groups.get(node.group ?? '')),
        ...weightsRow(sparse.get(node.name)),
        ...integersRow(quantization, node.name),
      }));
    return { columns: PRUNE, rows };
  }
  const rows: Row[] = [
    ...pruning.groups.map((group) => ({ layer: listCell(group.producers), ...groupRow(group) })),
    ...(weights?.layers ?? []).map((layer) => ({ layer: listCell(layer.nodes), ...weightsRow(layer) })),
    ...(quantization?.layers ?? []).map(({ node, initializer }) => ({
      layer: textCell(node),
      initializer: textCell(initializer),
      ...integersRow(quantization, node),
    })),
  ];
  return { columns: PRUNE, rows };
}

function nodeRow({ name, operator, group, kept, before, after }: OutlineNode): Row {
  return {
    layer: textCell(name),
    operator: textCell(operator),
    group: group === null ? null : textCell(group),
    kept_because: kept === null ? null : textCell(kept),
    ...figuresRow(before, 'before'),
    ...(after !== null && figuresRow(after, 'after')),
  };
}

function figuresRow({ parameters, nonZeros, macs, dims }: NodeFigures, when: 'before' | 'after'): Row {
  return {
    [`parameters_${when}`]: parameters,
    [`non_zeros_${when}`]: nonZeros,
    [`macs_${when}`]: macs,
    [`dims_${when}`]: dimsCell(dims),
  };
}

function groupRow(group: Report['pruning']['groups'][number] | undefined): Row {
  if (group === undefined) return {};
  const { name, before, asked, after, unit, criterion } = group;
  return {
    group: textCell(name),
    channels_before: before,
    channels_asked: asked,
    channels_after: after,
    unit,
    criterion: textCell(criterion),
  };
}

function weightsRow(layer: Weights | undefined): Row {
  if (layer === undefined) return {};
  const { initializer, weights, zerosBefore, zerosAfter, sparsity } = layer;
  return {
    initializer: textCell(initializer),
    weights,
    zeros_before: zerosBefore,
    zeros_after: zerosAfter,
    sparsity,
  };
}

function integersRow(quantization: QuantizationReport | null, node: string): Row {
  const layer = quantization?.layers.find((each) => each.node === node);
  const float = quantization?.floats.find((each) => each.node === node);
  return {
    ...(layer !== undefined && {
      integers: layer.how,
      bits: layer.bits,
      output_off:
        layer.after === null || layer.energy === null || layer.energy <= 0 ? null : layer.after / layer.energy,
    }),
    ...(float !== undefined && { float_because: textCell(float.reason) }),
  };
}

/** A row for each layer of a model. */
export function inspectSheet({ layers }: InspectReport): Sheet {
  return {
    columns: ['layer', 'operator', 'output', 'parameters', 'macs'],
    rows: layers.map(({ node, operator, output, parameters, macs }) => ({
      layer: textCell(node),
      operator: textCell(operator),
      output: dimsCell(output),
      parameters,
      macs,
    })),
  };
}

/** A row for each output of two models, on each kind of data. */
export function compareSheet({ fidelity, onCalibration }: CompareReport): Sheet {
  const all = onCalibration === null ? [fidelity] : [fidelity, onCalibration];
  const columns = ['output', 'on', 'samples', 'type', 'dims', 'elements', 'identical', 'mismatches', 'constant'];
  const figures = ['cosine', 'relative_l2', 'max_abs_error', 'max_abs_reference', 'argmax_agreement'];
  return {
    columns: [...columns, ...figures, 'non_finite_a', 'non_finite_b', 'problem'],
    rows: all.flatMap(({ on, samples, outputs, uncompared }): Row[] => [
      ...outputs.map((output) => ({
        output: textCell(output.name),
        on,
        samples,
        type: output.type,
        dims: dimsCell(output.dims),
        elements: output.count,
        identical: output.identical,
        mismatches: output.mismatches,
        constant: output.constant,
        cosine: output.cosine,
        relative_l2: output.relativeL2,
        max_abs_error: output.maxAbsError,
        max_abs_reference: output.maxAbsReference,
        argmax_agreement: output.argmaxAgreement,
        non_finite_a: output.nonFinite.a,
        non_finite_b: output.nonFinite.b,
        problem: output.problem === undefined ? null : textCell(output.problem),
      })),
      ...uncompared.map(({ name, reason }) => ({ output: textCell(name), on, samples, problem: textCell(reason) })),
    ]),
  };
}
