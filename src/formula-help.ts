/** What formulas may read and call, for help texts: light enough to be loaded at start-up. */
export { FORMULA_FUNCTIONS } from './criteria/formula/translate.ts';
export { FORMULA_VARIABLES } from './criteria/formula/variables.ts';
