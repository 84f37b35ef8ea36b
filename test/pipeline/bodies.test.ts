import { readFileSync } from 'node:fs';
import onnxProto from 'onnx-proto';
import { describe, expect, test } from 'vitest';
import { inspect } from '../../src/index.ts';
import { makeInputs, modelInfo, run } from '../../src/runtime/index.ts';
import { branching, looping, scanning } from '../support/bodies.ts';
import type { ModelBuilder } from '../support/build.ts';
import { prune, sharedChild } from '../support/shared-runtime.ts';
import { freshFolder } from './folder.ts';
import { weightsOf } from './replay.ts';

const NETS: Readonly<Record<string, readonly [net: () => ModelBuilder, groups: readonly string[]]>> = {
  If: [branching, ['first 8 → 4', 'yes.up 12 → 6', 'no.up 20 → 10', 'yes.down 8 → 4']],
  Loop: [looping, ['first 8 → 4', 'body.up 12 → 6']],
  Scan: [scanning, ['first 8 → 4', 'cell.up 12 → 6', 'cell.down 8 → 4']],
};

describe.each(Object.entries(NETS))(
  'a model with the body of an operator %s',
  { timeout: 60_000 },
  (opType, [net, wanted]) => {
    test('is pruned inside, and the file is one that onnxruntime reads and runs', async () => {
      const folder = freshFolder();
      const output = folder.path('out.onnx');
      const options = { structured: 0.5, align: 'none', bench: false, output } as const;
      const report = await prune(folder.write('m.onnx', net().bytes()), options);
      expect(report.proof).toMatchObject({ passed: true, judgedByFrontier: [] });
      expect(report.pruning.groups.map(({ name, before, after }) => `${name} ${before} → ${after}`).sort()).toEqual(
        wanted.toSorted(),
      );
      for (const group of report.pruning.groups)
        for (const cut of group.cuts) expect(weightsOf(output).get(cut.initializer)?.dims[cut.axis]).toBe(cut.after);
      const parameters = [...weightsOf(output).values()].reduce((sum, { values }) => sum + values.length, 0);
      expect(report.size.after.parameters).toBe(parameters);
      const { inputs } = await modelInfo(sharedChild, output);
      const outputs = await run(
        sharedChild,
        output,
        makeInputs(inputs, { seed: 1, batch: 2, dims: new Map([['T', 4]]) }),
      );
      expect(outputs['y']?.dims.at(-1)).toBe(3);
      const { graph } = onnxProto.onnx.ModelProto.decode(readFileSync(output));
      expect(graph?.node?.map((node) => node.opType)).toContain(opType);
    });

    test('lists layers and groups inside it', async () => {
      const { groups, layers, parameters, kept } = await inspect(freshFolder().write('m.onnx', net().bytes()));
      const inside = wanted.filter((group) => group.includes('.up'));
      for (const group of inside) {
        const name = group.split(' ')[0] ?? '';
        expect(groups.map((each) => each.name)).toContain(name);
        expect(layers.map(({ node }) => node)).toContain(name.replace('.', '/'));
      }
      // The number that the condition of the If compares with is no layer.
      const inLayers = layers.reduce((sum, layer) => sum + layer.parameters, 0);
      expect(inLayers).toBe(opType === 'If' ? parameters - 1 : parameters);
      expect(kept).toMatchObject([{ reason: 'it is the graph output "y"', layers: [{ initializer: 'last' }] }]);
    });

    test('is left alone inside where the names there are excluded', async () => {
      const input = freshFolder().write('m.onnx', net().bytes());
      const options = {
        structured: 0.5,
        exclude: ['*.up', '*/down'],
        align: 'none',
        bench: false,
        dryRun: true,
      } as const;
      const { pruning, proof } = await prune(input, options);
      expect(proof?.passed).toBe(true);
      const names = pruning.groups.map(({ name }) => name);
      expect(names.filter((name) => name.endsWith('.up'))).toEqual([]);
      expect(pruning.kept.map(({ reason }) => reason)).toContain('--exclude "*.up"');
    });
  },
);
