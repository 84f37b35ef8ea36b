import { OnnxPruneError } from '../errors.ts';
import { withWorkspace } from '../workspace.ts';
import { RuntimeCrash, RuntimeTimeout } from './child-errors.ts';
import type { CompareOptions, ModelSource, SessionSettings, UncomparedOutput } from './types.ts';
import { makeVisible, type VisibleModel } from './visible.ts';

/** Two models to be run side by side, and how. */
export interface Sides {
  readonly a: ModelSource;
  readonly b: ModelSource;
  readonly settings: { readonly a: SessionSettings | undefined; readonly b: SessionSettings | undefined };
  /** Outputs that are no tensors are passed over; else the answer only names them, where there are any. */
  readonly passOver: boolean;
}

/**
 * Asks about two models; where they have outputs that are no tensors, about copies in which those are visible, in temporary
 * files that are gone afterwards.
 *
 * @param ask asks the process, and names outputs of either model that are no tensors
 * @returns the answer, with what could not be made visible in any case
 */
export async function seeing<R extends { readonly uncompared: readonly UncomparedOutput[] }>(
  a: ModelSource,
  b: ModelSource,
  options: Pick<CompareOptions, 'a' | 'b'>,
  ask: (sides: Sides) => Promise<R>,
): Promise<R> {
  const settings = { a: options.a, b: options.b };
  const first = await ask({ a, b, settings, passOver: false });
  if (first.uncompared.length === 0) return first;
  const names = first.uncompared.map(({ name }) => name);
  return withWorkspace(async (place) => {
    const left = await makeVisible(a, names, () => place('a.onnx'));
    const right = await makeVisible(b, names, () => place('b.onnx'));
    try {
      const result = await ask({
        a: left.source,
        b: right.source,
        settings: { a: withFolder(settings.a, left), b: withFolder(settings.b, right) },
        passOver: true,
      });
      return { ...result, uncompared: byName([...left.hidden, ...right.hidden, ...renamed(left, right)]) };
    } catch (error) {
      const isRefusal = error instanceof OnnxPruneError && error.code === 'runtime-refused';
      if (!isRefusal || error instanceof RuntimeTimeout || error instanceof RuntimeCrash) throw error;
      // Either the copies are to blame, or the models do not run: then they say so under their own names.
      const result = await ask({ a, b, settings, passOver: true });
      const reason = 'onnxruntime does not run a copy of the model in which it would be a tensor';
      return { ...result, uncompared: names.map((name) => ({ name, reason })) };
    }
  });
}

function withFolder(settings: SessionSettings | undefined, { dataFolder }: VisibleModel): SessionSettings | undefined {
  return dataFolder === undefined ? settings : { ...settings, dataFolder };
}

/** Outputs whose numbers are compared, but not by the names that the models give to them. */
function renamed(a: VisibleModel, b: VisibleModel): UncomparedOutput[] {
  return [...a.classes].flatMap(([name, classes]) => {
    const others = b.classes.get(name);
    if (others === undefined || others === classes) return [];
    return [{ name, reason: `the models name its classes differently (${short(classes)} against ${short(others)})` }];
  });
}

function short(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}

function byName(outputs: readonly UncomparedOutput[]): UncomparedOutput[] {
  return [...new Map(outputs.toReversed().map((output) => [output.name, output])).values()].toReversed();
}
