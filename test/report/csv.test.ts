import { csvParse } from 'd3-dsv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderCsv } from '../../src/report/csv.ts';
import { quantization } from '../cli/support/int8-reports.ts';
import { compared, comparison, inspected, pruned } from './support/models.ts';
import { sensitivity, sweep } from './support/studies.ts';

describe('renderCsv', () => {
  it('gives a row for each layer of a run, joined with its group', async () => {
    const rows = csvParse(await renderCsv(pruned));
    expect(rows.map(({ layer }) => layer)).toEqual(['conv', 'fc']);
    expect(rows[0]).toMatchObject({
      group: 'conv.weight',
      channels_before: '16',
      channels_after: '8',
      criterion: 'l2',
      parameters_before: '128',
      parameters_after: '64',
      dims_after: 'N×8×4×4',
      kept_because: '',
    });
    expect(rows[1]).toMatchObject({ channels_before: '', kept_because: 'it is the graph output "logits"' });
  });

  it('joins sparse tensors and integers by the layer that has them', async () => {
    const { weights, outline } = pruned;
    if (weights === null || outline === null) throw new Error('the sample has both');
    const [tensor] = weights.layers;
    const [int8] = quantization.layers;
    if (tensor === undefined || int8 === undefined) throw new Error('the sample has both');
    const report = {
      ...pruned,
      weights: { ...weights, layers: [{ ...tensor, nodes: ['other', 'conv'] }] },
      quantization: {
        ...quantization,
        layers: [{ ...int8, node: 'conv' }],
        floats: [{ node: 'fc', operator: 'Gemm', reason: '--float "fc" says so' }],
      },
    };
    const [conv, fc] = csvParse(await renderCsv(report));
    expect(conv).toMatchObject({
      zeros_after: '9216',
      sparsity: '0.5',
      integers: 'static',
      bits: '8',
      output_off: '0.0025',
    });
    expect(fc).toMatchObject({ integers: '', float_because: '\'--float "fc" says so' });
  });

  it('gives groups and tensors under the same columns where there is no outline', async () => {
    const rows = csvParse(await renderCsv({ ...pruned, outline: null }));
    expect(rows.columns).toEqual(csvParse(await renderCsv(pruned)).columns);
    expect(rows.map(({ group, initializer }) => group || initializer)).toEqual([
      'conv.weight',
      'conv.weight',
      'fc.weight',
      'same.weight',
    ]);
  });

  it('gives layers of a model and outputs of a comparison', async () => {
    const layers = csvParse(await renderCsv(inspected));
    expect(layers.map(({ layer, macs }) => [layer, macs])).toEqual([
      ['/conv1/Conv', '884736'],
      ['/fc/Gemm', ''],
    ]);
    const outputs = csvParse(await renderCsv({ ...compared, onCalibration: compared.fidelity }));
    expect(outputs.map(({ output }) => output)).toEqual(['logits', 'gone', 'list', 'logits', 'gone', 'list']);
    expect(outputs[0]).toMatchObject({ cosine: '0.9987', argmax_agreement: '0.98', identical: 'false', problem: '' });
    expect(outputs[2]).toMatchObject({ problem: 'it is a sequence', cosine: '' });
  });

  it('gives every point of a sweep with figures to the last digit', async () => {
    const rows = csvParse(await renderCsv(sweep));
    expect(rows).toHaveLength(1 + 5 + 3);
    expect(rows[0]).toMatchObject({ series: 'original', accuracy: '0.97', median_ms: '' });
    expect(rows[3]).toMatchObject({
      series: 'channels, l2',
      of: 'channels',
      choice_criterion: 'l2',
      amount: '0.4',
      speed_up: String(1 / 0.6),
      significant: 'true',
    });
    expect(rows[5]).toMatchObject({
      amount: '0.8',
      accuracy: '',
      problem: 'The run took longer than 10 s; raise --timeout.',
    });
  });

  it('gives every layer and amount of a study of sensitivity', async () => {
    const rows = csvParse(await renderCsv(sensitivity));
    expect(new Set(rows.columns).size).toBe(rows.columns.length);
    expect(rows.map(({ layer, amount }) => [layer, amount])).toEqual(
      sensitivity.rows.flatMap(({ name, points }) => points.map(({ amount }) => [name, String(amount)])),
    );
    expect(Number(rows[1]?.['drop'])).toBeCloseTo(0.27, 12);
    expect(rows[1]).toMatchObject({ made_by: '/stem/Conv', nodes: '10', bears: '0' });
    expect(Number(rows[1]?.['parameters_freed'])).toBeCloseTo(0.5, 12);
    expect(Number(rows[1]?.['drop_standard_error'])).toBeCloseTo(Math.sqrt((0.3 - 0.27 ** 2) / 1000), 12);
    expect(rows[2]).toMatchObject({ drop: '', parameters_freed: '' });
  });

  it('keeps any name in its cell, and lets none be a formula', async () => {
    const name = fc.string({ unit: fc.constantFrom(...'=+-@,"\n\r\t;a|ß 1') });
    await fc.assert(
      fc.asyncProperty(name, async (each) => {
        const outputs = [comparison(each), comparison('last')];
        const [row, last] = csvParse(await renderCsv({ ...compared, fidelity: { ...compared.fidelity, outputs } }));
        expect(row?.['output']).toBe(/^[=+\-@\t\r]/.test(each) ? `'${each}` : each);
        expect(last?.['output']).toBe('last');
      }),
    );
  });

  it('leaves numbers below 0 alone', async () => {
    const outputs = [comparison('logits', { cosine: -0.25 })];
    const [row] = csvParse(await renderCsv({ ...compared, fidelity: { ...compared.fidelity, outputs } }));
    expect(row?.['cosine']).toBe('-0.25');
  });
});
