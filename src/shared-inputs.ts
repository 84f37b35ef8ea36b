import { OnnxPruneError } from './errors.ts';
import type { InputSpec } from './runtime/index.ts';

/**
 * The inputs of both models: a length that only one of them fixes is fixed for both.
 * @throws OnnxPruneError `bad-data` where they take different inputs
 */
export function sharedInputs(a: string, ofA: readonly InputSpec[], b: string, ofB: readonly InputSpec[]): InputSpec[] {
  const pairs = ofA.map((spec) => ({ spec, twin: ofB.find(({ name }) => name === spec.name) }));
  if (ofA.length !== ofB.length || !pairs.every(({ spec, twin }) => twin !== undefined && agree(spec, twin))) {
    throw new OnnxPruneError(
      'bad-data',
      b,
      `The models take different inputs, so they cannot be compared: ${a} takes ${listed(ofA)}; ${b} takes ${listed(ofB)}.`,
    );
  }
  return pairs.map(({ spec, twin }) => ({
    ...spec,
    dims: spec.dims.map((dim, axis) => (typeof dim === 'number' ? dim : fixedOr(dim, twin?.dims[axis]))),
  }));
}

/** Whether one tensor fits both inputs; no dims are dims that nobody declared. */
function agree(a: InputSpec, b: InputSpec): boolean {
  if (a.type !== b.type) return false;
  if (a.dims.length === 0 || b.dims.length === 0) return true;
  return (
    a.dims.length === b.dims.length &&
    a.dims.every((dim, axis) => typeof dim !== 'number' || typeof b.dims[axis] !== 'number' || dim === b.dims[axis])
  );
}

function fixedOr(dim: InputSpec['dims'][number], other: InputSpec['dims'][number]): InputSpec['dims'][number] {
  return typeof other === 'number' ? other : dim;
}

function listed(specs: readonly InputSpec[]): string {
  const each = specs.map(({ name, type, dims }) => `"${name}" ${type}[${dims.map((dim) => dim ?? '?').join(', ')}]`);
  return each.length === 0 ? 'none' : each.join(', ');
}
