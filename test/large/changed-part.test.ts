import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { PruneOptions, Report } from '../../src/index.ts';
import { changedPart } from '../../src/ir/changed-part.ts';
import { cloneModel } from '../../src/ir/model.ts';
import { Tensor } from '../../src/ir/tensor.ts';
import { pruneIn } from '../../src/pipeline.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { buildNet, problems } from '../ops/generated-net.ts';
import { fixture, freshFolder } from '../pipeline/folder.ts';
import { ModelBuilder } from '../support/build.ts';
import { normalised, valueNamed } from '../support/model-parts.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** x → a0 … a5 → y, each a product, a sum and a rectifier, around which what flows is added. */
function chain(): ModelBuilder {
  const b = new ModelBuilder();
  let x = b.input('x', 'float32', ['N', 6]);
  for (let i = 0; i < 6; i++) {
    const hidden = b.node('MatMul', [x, b.weight(`up${i}`, [6, 16])], {}, { name: `up${i}`, outputs: [`u${i}`] });
    const bent = b.node('Relu', [hidden], {}, { outputs: [`r${i}`] });
    const back = b.node('MatMul', [bent, b.weight(`down${i}`, [16, 6])], {}, { name: `down${i}`, outputs: [`d${i}`] });
    x = b.node('Add', [x, back], {}, { outputs: [`x${i}`] });
  }
  b.output(x);
  return b;
}

async function pruned(model: string, options: PruneOptions): Promise<Report> {
  const output = freshFolder().path('out.onnx');
  return pruneIn(child, model, { ...options, output, changedOnly: true }, {});
}

describe('the part of a model that changed', { timeout: 60_000 }, () => {
  it('is nothing where nothing did', async () => {
    const property = fc.asyncProperty(problems, async (problem) => {
      const model = await normalised(buildNet(problem), child);
      const part = changedPart(model, cloneModel(model).model);
      // Nodes with bodies are taken for different.
      const bodies = [...model.graph.nodes].some((node) =>
        [...node.attributes.values()].some(({ graphs }) => graphs.length > 0),
      );
      if (!bodies) expect(part).toBeUndefined();
    });
    await fc.assert(property, { numRuns: 6 });
  });

  it('is what lies between two changes, and no more', async () => {
    const before = await normalised(chain().bytes(), child);
    const after = cloneModel(before).model;
    const replace = (name: string): void => {
      const value = valueNamed(after, name);
      const { dims = [], size = 0 } = value.tensor ?? {};
      after.graph.setTensor(value, Tensor.ofFloats(new Float32Array(size).fill(0.5), dims));
    };
    replace('up2');
    expect(changedPart(before, after)).toEqual({ given: ['x1'], wanted: ['u2'], nodes: 1, ofNodes: 24 });
    replace('down2');
    expect(changedPart(before, after)).toEqual({ given: ['x1'], wanted: ['d2'], nodes: 3, ofNodes: 24 });
    replace('up4');
    expect(changedPart(before, after)).toEqual({ given: ['x1'], wanted: ['x3', 'u4'], nodes: 9, ofNodes: 24 });
  });

  it('is all that is proven and compared, and it is named', async () => {
    const path = freshFolder().write('m.onnx', chain().bytes());
    const report = await pruned(path, { structured: 0.5, only: ['up2'], align: 'none' });
    expect(report.proof?.cut.map(({ name, passed, informative }) => ({ name, passed, informative }))).toEqual([
      { name: 'd2', passed: true, informative: true },
    ]);
    expect(report.fidelity?.on).toBe('random inputs of the part that changed');
    expect(report.fidelity?.outputs.map(({ name }) => name)).toEqual(['d2']);
    expect(report.fidelity?.outputs[0]?.relativeL2).toBeGreaterThan(0.01);
    expect(report.latency).toBeNull();
  });

  it.each<[string, PruneOptions]>([
    ['cifar-resnet20.onnx', { structured: 0.3 }],
    ['mobilenetv2-025.onnx', { structured: 0.3 }],
    ['structural/if-subgraph.onnx', { structured: 0.5 }],
    ['mnist-mlp.onnx', { unstructured: 0.5, memory: '30KB' }],
    ['mnist-mlp.onnx', { structured: 0.5, memory: '30KB' }],
  ])('of %s proves what the whole proves', async (name, options) => {
    const report = await pruned(fixture(name), options);
    if (options.structured !== undefined) expect(report.proof?.passed).toBe(true);
    expect(report.fidelity?.outputs.length).toBeGreaterThan(0);
    expect(report.fidelity?.outputs.every(({ problem }) => problem === undefined)).toBe(true);
  });

  it('cannot be asked for together with what needs the whole', async () => {
    const input = fixture('mnist-mlp.onnx');
    const test = { testData: () => Promise.reject(new Error('never asked')) };
    await expect(pruneIn(child, input, { structured: 0.5, changedOnly: true }, test)).rejects.toThrow(
      /--changed-only compares on/,
    );
    await expect(pruned(input, { structured: 0.5, verify: false })).rejects.toThrow(
      /--changed-only says what is proven/,
    );
    await expect(pruned(input, { structured: 0.5, minSpeedup: 1 })).rejects.toThrow(/--min-speedup/);
  });
});
