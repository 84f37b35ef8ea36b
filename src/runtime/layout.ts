/**
 * How a model lies on the disk where it is not one file with its data inside or beside it: what onnxruntime cannot know
 * by itself, and our process for it is told. The path that a layout is for stands for the model.
 */
export interface ModelLayout {
  /** The folder that the locations of external data start from. */
  readonly dataRoot: string;
  /** Files of parts that give, one after the other, what the model gives: values go from part to part by name. */
  readonly segments: readonly string[];
  /** The outputs of the whole, in their order. */
  readonly outputs: readonly string[];
}

/** Layouts by path. */
export type Layouts = ReadonlyMap<string, ModelLayout>;

const known = new Map<string, ModelLayout>();

/** Takes note of layouts, in the process of onnxruntime. */
export function learnLayouts(layouts: Layouts): void {
  for (const [path, layout] of layouts) known.set(path, layout);
}

/** The layout of the model that a path stands for; undefined where it is a plain file. */
export function layoutOf(path: string): ModelLayout | undefined {
  return known.get(path);
}
