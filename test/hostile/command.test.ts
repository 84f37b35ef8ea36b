import { describe, expect, it } from 'vitest';
import { Desk } from '../cli/support/desk.ts';
import { zipBytes } from '../cli/support/zip-bytes.ts';
import { bend, nodeOf, tensorOf } from '../support/bent-model.ts';
import { npyFile } from '../support/npy-bytes.ts';

const EVIL = '\u001b[2J\u0007\r\n\u202e<script>alert(1)</script>|`';

/** Whether text has a character that steers a terminal, but for line ends. */
function steers(text: string): boolean {
  return [...text].some((character) => character !== '\n' && /[\p{Cc}\p{Cf}]/u.test(character));
}

/** The small net, of which every name and text ends in something evil. */
function evilNet(): Uint8Array {
  const evil = (name: string): string => `${name}${EVIL}`;
  return bend((graph, model) => {
    for (const node of graph.node) {
      node.name = evil(node.name ?? '');
      node.docString = EVIL;
      node.input = (node.input ?? []).map(evil);
      node.output = (node.output ?? []).map(evil);
    }
    for (const list of [graph.input, graph.output, graph.initializer])
      for (const each of list) each.name = evil(each.name ?? '');
    model.producerName = EVIL;
  });
}

describe('The command', { timeout: 60_000 }, () => {
  it('shows names that would steer a terminal written out, and gives programs the names themselves', async () => {
    const desk = new Desk();
    desk.write('m.onnx', evilNet());
    const shown = await desk.run('inspect', 'm.onnx');
    expect(shown).toMatchObject({ code: 0 });
    expect(shown.stdout).toContain('\\u{1b}[2J');
    expect(steers(shown.stdout) || steers(shown.stderr)).toBe(false);
    const { stdout } = await desk.run('inspect', 'm.onnx', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ inputs: [{ name: `x${EVIL}` }], groups: [{ name: `w1${EVIL}` }] });
  });

  it('shows where an error came from without steering the terminal either', async () => {
    const desk = new Desk();
    desk.write(
      'm.onnx',
      bend((graph) => Object.assign(nodeOf(graph, 'g2'), { input: [`nowhere${EVIL}`, 'w2'] })),
    );
    const { code, stderr } = await desk.run('m.onnx', '--structured', '50%', '-v');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^onnx-prune: m\.onnx: Value "nowhere\\u\{1b\}/m);
    expect(stderr).toMatch(/\n\s+at /);
    expect(steers(stderr)).toBe(false);
  });

  it('loads no library and obeys no settings that a model names', async () => {
    const desk = new Desk();
    const settings = { session_options: { optimized_model_filepath: desk.path('evil.onnx'), enable_profiling: true } };
    const metadataProps = [
      { key: 'ort_config', value: JSON.stringify(settings) },
      { key: 'custom_ops_library', value: desk.path('evil.so') },
    ];
    desk.write(
      'plain.onnx',
      bend((_, model) => Object.assign(model, { metadataProps })),
    );
    expect(await desk.run('plain.onnx', '--structured', '50%', '--no-bench', '--dry-run')).toMatchObject({ code: 0 });
    desk.write(
      'custom.onnx',
      bend((graph, model) => {
        Object.assign(model, { metadataProps });
        model.opsetImport.push({ domain: 'evil.custom', version: 1 });
        Object.assign(nodeOf(graph, 'r'), { domain: 'evil.custom' });
      }),
    );
    const { code, stderr } = await desk.run('custom.onnx', '--structured', '50%');
    expect(code).toBe(2);
    expect(stderr).toMatch(/evil\.custom:Relu\(-1\) is not a registered function\/op/);
    expect(desk.files).toEqual(['custom.onnx', 'plain.onnx']);
    expect(desk.leftovers).toEqual([]);
  });

  it('gives one sentence for a weight and for data that ask for terabytes', async () => {
    const desk = new Desk();
    desk.write(
      'm.onnx',
      bend((graph) => Object.assign(tensorOf(graph, 'w1'), { dims: [1, 2 ** 43], rawData: new Uint8Array() })),
    );
    const { code, stderr } = await desk.run('inspect', 'm.onnx');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^onnx-prune: m\.onnx: Tensor "w1" is declared as float32\[1, 8796093022208\], .*\n$/);
    desk.write(
      'good.onnx',
      bend(() => undefined),
    );
    const header = "{'descr': '<f4', 'fortran_order': True, 'shape': (1099511627776, 8), }";
    desk.write('x.npz', zipBytes([{ name: 'x.npy', kept: npyFile(header, new Uint8Array(4)) }]));
    const second = await desk.run('good.onnx', '--structured', '50%', '--calibration', 'x.npz');
    expect(second.code).toBe(2);
    expect(second.stderr).toMatch(
      /^onnx-prune: x\.npz:x\.npy declares float32 \[1099511627776, 8\], \d+ bytes, but 4 follow .*\n$/,
    );
    expect(desk.leftovers).toEqual([]);
  });
});
