import { FORMULA_FUNCTIONS, FORMULA_VARIABLES } from '../src/formula-help.ts';
import { wrap } from './render/text.ts';

const WIDTH = 78;

/** What formulas may read and call, as lines that fit 80 columns. */
export function formulaHelp(): string {
  const names = Object.keys(FORMULA_VARIABLES);
  const column = Math.max(...names.map((name) => name.length)) + 4;
  const variables = Object.entries(FORMULA_VARIABLES).flatMap(([name, { summary, needsCalibration }]) =>
    wrap(needsCalibration ? `${summary}; needs --calibration` : summary, WIDTH - column).map(
      (line, index) => `${(index === 0 ? `  ${name}` : '').padEnd(column)}${line}`,
    ),
  );
  const functions = wrap(`and call ${FORMULA_FUNCTIONS.join(', ')}.`, WIDTH);
  return [
    '',
    'Formulas for --criterion are made of + - * / ^, comparisons and ? :, read',
    ...variables,
    ...functions,
  ].join('\n');
}
