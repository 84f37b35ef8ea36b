import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderSensitivity } from '../../cli/render/sensitivity.ts';
import { renderSweep } from '../../cli/render/sweep.ts';
import { displayWidth } from '../../cli/render/text.ts';
import type { SensitivityReport, StudyPoint, SweepReport } from '../../src/report/study.ts';
import { failedPoint, point, quality, sensitivity, sweep } from '../report/support/studies.ts';

const plain = { colors: false, width: 100, verbose: false };
const ESCAPE = String.fromCharCode(27);

const amounts = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const many: SensitivityReport = {
  ...sensitivity,
  amounts,
  rows: Array.from({ length: 40 }, (_, index) => ({
    name: `backbone.layer${index}.residual_branch.convolution_with_a_long_name.weight`,
    nodes: [`node${index}`],
    size: 1024,
    unit: 1,
    part: null,
    bears: 0.1,
    points: amounts.map((amount) => point(amount, 0.97 - amount / 2)),
  })),
};

const hostile: SweepReport = {
  ...sweep,
  input: { path: `evil${ESCAPE}[31m\n\u202e.onnx` },
  series: sweep.series.map((series) => ({
    ...series,
    name: `${series.name}${ESCAPE}[2J\r${'x'.repeat(300)}`,
    points: [...series.points, failedPoint(0.95, `${ESCAPE}]0;title\u0007 ${'y'.repeat(300)}`)],
  })),
  notes: [`note${ESCAPE}[1A`],
};

describe('a sweep in a terminal', () => {
  it('answers first, then shows each line of it', () => {
    const text = renderSweep(sweep, plain);
    const order = [
      'my model.onnx',
      'Answer',
      '✓ channels, l2: 40% of channels can leave',
      '\nchannels, l2\n',
      '\nweights\n',
      'Notes',
    ];
    const places = order.map((part) => text.indexOf(part));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(text).toContain(
      'original: accuracy 97.00% · loss 0.100 · file 4.00 MB · gzip 3.70 MB; on test data, 1,000 samples',
    );
    expect(text).toContain('3 points taken from the journal of an earlier run; took 12.5 s');
    expect(text).toContain('The journal is "my model.sweep.jsonl"');
  });

  it('marks speeds that mean nothing, and says why a point failed', () => {
    const text = renderSweep(sweep, plain);
    expect(text).toMatch(/ 50% .* ≈ 1\.01×/);
    expect(text).toMatch(/ 40% .* 96\.20% +-0\.80 .* 1\.67×/);
    expect(text).toContain('≈: no significant change');
    expect(text).toMatch(/ 40% .* 1\.67× +1\.63–1\.72× /);
    expect(text).toContain('✗ 80%: The run took longer than 10 s; raise --timeout.');
  });

  it('leaves out what was not measured', () => {
    const series = sweep.series.map((each) => ({
      ...each,
      points: each.points.map((one) =>
        one.figures === null
          ? one
          : { ...one, figures: { ...one.figures, latency: null, size: { ...one.figures.size, gzipBytes: null } } },
      ),
    }));
    const text = renderSweep({ ...sweep, series, threads: null, resumed: 0 }, plain);
    expect(text).not.toMatch(/median|significant|journal of an earlier/);
    expect(text).toContain('speed not measured');
  });

  it('says that random inputs are no test data', () => {
    const original = { ...sweep.original, quality: { ...quality, accuracy: null, top5: null, loss: null } };
    const text = renderSweep({ ...sweep, on: 'random inputs', original }, { ...plain, width: 200 });
    expect(text).toContain('No --test data were given');
    expect(text).toContain('agreement');
    expect(text).not.toContain('accuracy 9');
    expect(text).toMatch(/amount +agreement +points +cosine/);
  });

  it('goes by the error where labels are numbers', () => {
    const numbers = { ...quality, accuracy: null, top5: null, loss: 0.2 };
    const at = (amount: number, loss: number | null): StudyPoint =>
      point(amount, 0, { quality: { ...numbers, loss }, latency: null });
    const [first] = sweep.series;
    if (first === undefined) throw new Error('the sample has a line');
    const series = [{ ...first, points: [at(0.2, 0.2), at(0.4, 0.21), at(0.6, 0.4), at(0.8, null)] }];
    const text = renderSweep({ ...sweep, original: { ...sweep.original, quality: numbers }, series }, plain);
    expect(text).toMatch(/amount +loss +change +file/);
    expect(text).toMatch(/ 20% +0\.200 +0\.00% .* █{12}\n/);
    expect(text).toMatch(/ 60% +0\.400 +\+100\.00% .* █{6}\n/);
    expect(text).toMatch(/ 80% +– +n\/a /);
    expect(text).toContain('there is no accuracy');
  });

  it('says what was reached where that is not what was asked for', () => {
    const series = sweep.series.map((each) => ({ ...each, points: [point(0.2, 0.97, { reached: 0.1375 })] }));
    expect(renderSweep({ ...sweep, series }, plain)).toMatch(/amount +left .*\n.*\n +20% +13\.75%/);
    expect(renderSweep(sweep, plain)).not.toMatch(/ left /);
  });
});

describe('a study of sensitivity in a terminal', () => {
  it('shows points lost by layer and amount, and what each bears', () => {
    const text = renderSensitivity(sensitivity, plain, {
      recipe: 'my model.recipe.json',
      calibration: 'cal.npz',
    });
    expect(text).toMatch(/stem\.weight +nothing +2\.0 +27\.0 +✗ +50\.00% +0\.00% +16/);
    expect(text).toMatch(/layer1\.conv1\.weight +50% +0\.0 +0\.5 +7\.0 +75\.00% +0\.00% +64/);
    expect(text).toContain('✗ stem.weight at 75%: The run took longer');
    expect(text).toContain('✓ together it keeps to 1 point of accuracy');
    expect(text).toContain("onnx-prune 'my model.onnx' --recipe 'my model.recipe.json' --calibration cal.npz");
  });

  it('paints what is hot, and writes no colours where none are wanted', () => {
    const painted = renderSensitivity(sensitivity, { ...plain, colors: true });
    expect(painted).toContain(`${ESCAPE}[32m0.5${ESCAPE}[39m`);
    expect(painted).toContain(`${ESCAPE}[31m27.0`);
    expect(stripVTControlCharacters(painted)).toBe(renderSensitivity(sensitivity, plain));
  });

  it('folds rows but for -v, and says which amounts have no room', () => {
    const narrow = renderSensitivity(many, { ...plain, width: 60 });
    expect(narrow).toContain('… and 16 more groups');
    expect(narrow).toMatch(/4 of 9 amounts have room here/);
    expect(narrow).toMatch(/bears +10% .* 90%/);
    const wide = renderSensitivity(many, { colors: false, width: 160, verbose: true });
    expect(wide).not.toMatch(/more groups|have room here/);
    expect(wide.match(/backbone\.layer\d+\./g)?.length).toBeGreaterThanOrEqual(40);
  });

  it('says that a recipe does not hold', () => {
    const { suggestion } = sensitivity;
    if (suggestion === null) throw new Error('the sample has one');
    const text = renderSensitivity({ ...sensitivity, suggestion: { ...suggestion, holds: false } }, plain);
    expect(text).toContain('! together it does not keep to 1 point of accuracy');
    expect(text).not.toContain('written to');
  });
});

describe.each([40, 60, 80, 100, 137, 200])('at %d columns', (width) => {
  it.each([
    ['a sweep', () => renderSweep(sweep, { colors: true, width, verbose: true })],
    ['a sweep with hostile names', () => renderSweep(hostile, { colors: true, width, verbose: false })],
    [
      'a study',
      () => renderSensitivity(sensitivity, { colors: true, width, verbose: true }, { recipe: 'a recipe.json' }),
    ],
    ['a long study', () => renderSensitivity(many, { colors: true, width, verbose: false })],
  ])('every line of %s fits, and nothing steers the terminal', (_, render) => {
    const text = render();
    const lines = text.split('\n');
    expect(lines.filter((line) => displayWidth(line) > width)).toEqual([]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(stripVTControlCharacters(text)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are all that may be there
    expect(text.replace(/\u001b\[\d+(;\d+)*m/g, '')).not.toContain(ESCAPE);
  });
});
