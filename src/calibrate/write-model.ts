import { exportModel, type Model } from '../ir/model.ts';
import { writeModelFile } from '../onnx/write.ts';

/** Writes a model for the runtime. @returns the path that it goes by */
export type WriteModel = (name: string, model: Model) => Promise<string>;

/** Writes models as files with their data inside. @param place gives a path for a name */
export function writingTo(place: (name: string) => string): WriteModel {
  return async (name, model) => {
    const path = place(name);
    await writeModelFile(path, exportModel(model, 'embed'), { temporary: true });
    return path;
  };
}
