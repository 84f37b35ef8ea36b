import type { MathNode } from 'mathjs';
import { messageOf, OnnxPruneError } from '../../errors.ts';
import { nearestWord } from '../../numeric/nearest-word.ts';
import { FUNCTIONS, OPERATIONS } from './kernels.ts';
import { Program } from './program.ts';
import { CONSTANTS, FORMULA_VARIABLES } from './variables.ts';

/** mathjs takes about half a second to load, so it is loaded when the first formula is read. */
type MathJs = typeof import('mathjs/number');

/** Functions that a formula may call. */
export const FORMULA_FUNCTIONS: readonly string[] = [...FUNCTIONS.keys()];

/** Functions that take any number of arguments, from one up. */
const VARIADIC: ReadonlySet<string> = new Set(['min', 'max']);

/** Powers that a multiplication or two give, several times as fast. */
const POWERS: ReadonlyMap<number, string> = new Map([
  [2, 'square'],
  [3, 'cube'],
]);

/** Far beyond any formula that a person writes; nesting as deep as this fits the call stack. */
const LONGEST = 1000;

const VOCABULARY =
  'a formula is made of numbers, variables, + - * / ^, comparisons, and, or, not, ? : and functions such as abs';

/** What is refused, by the type of mathjs's node, in words. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['AccessorNode', 'reads a property or an index'],
  ['ArrayNode', 'has a matrix'],
  ['AssignmentNode', 'assigns with = (to compare, write ==)'],
  ['BlockNode', 'has more than one expression'],
  ['FunctionAssignmentNode', 'defines a function'],
  ['IndexNode', 'reads a property or an index'],
  ['ObjectNode', 'has an object'],
  ['RangeNode', 'has a range'],
]);

/**
 * Turns the text of a formula into steps.
 * @throws OnnxPruneError `bad-option` naming what does not belong into a formula
 */
export async function translate(text: string): Promise<Program> {
  if (text.replace(/#.*/g, '').trim() === '') {
    throw new OnnxPruneError('bad-option', text, 'The formula is empty; give one such as "abs(w)".');
  }
  if (text.length > LONGEST) {
    const shown = `${text.slice(0, 40)}…`;
    throw new OnnxPruneError(
      'bad-option',
      shown,
      `Formula "${shown}" has ${text.length} characters, but may have at most ${LONGEST}; shorten it.`,
    );
  }
  const mathjs = await import('mathjs/number');
  const translation = new Translation(text, mathjs);
  translation.read(parse(text, mathjs));
  return translation.program;
}

function parse(text: string, mathjs: MathJs): MathNode {
  try {
    return mathjs.parse(text);
  } catch (error) {
    const why = messageOf(error).replace(/ \(char (\d+)\)$/, ' at character $1');
    throw refusal(text, text, `cannot be read (${why})`, VOCABULARY);
  }
}

/** One formula on its way from mathjs's nodes to steps. */
class Translation {
  readonly program = new Program();
  readonly #text: string;
  readonly #mathjs: MathJs;

  constructor(text: string, mathjs: MathJs) {
    this.#text = text;
    this.#mathjs = mathjs;
  }

  /** Adds the steps of an expression and gives the place of its result. */
  read(node: MathNode): number {
    const is = this.#mathjs;
    if (is.isParenthesisNode(node)) return this.read(node.content);
    if (is.isConstantNode(node)) return this.#constant(node.value);
    if (is.isSymbolNode(node)) return this.#symbol(node.name);
    if (is.isOperatorNode(node)) return this.#operator(node.op, node.fn, node.args);
    if (is.isRelationalNode(node)) return this.#chain(node.conditionals, node.params);
    if (is.isFunctionNode(node)) return this.#function(node.fn, node.args);
    if (is.isConditionalNode(node)) {
      return this.#call('select', [node.condition, node.trueExpr, node.falseExpr]);
    }
    throw this.#refusal(node.toString(), REFUSED.get(node.type) ?? `has a ${node.type}`, VOCABULARY);
  }

  #constant(value: unknown): number {
    if (typeof value === 'number' && Number.isFinite(value)) return this.program.number(value);
    const found = typeof value === 'string' ? JSON.stringify(value) : String(value);
    throw this.#refusal(found, `has ${found}, which is no finite number`, VOCABULARY);
  }

  #symbol(name: string): number {
    if (Object.hasOwn(FORMULA_VARIABLES, name)) return this.program.variable(name);
    const constant = CONSTANTS.get(name);
    if (constant !== undefined) return this.program.number(constant);
    if (FUNCTIONS.has(name)) throw this.#refusal(name, `names ${name} without an argument`, `write ${name}(…)`);
    const names = [...Object.keys(FORMULA_VARIABLES), ...CONSTANTS.keys()];
    throw this.#refusal(name, `reads ${name}, which is unknown${guess(name, names)}`, `there are ${names.join(', ')}`);
  }

  #operator(op: string, fn: string, args: readonly MathNode[]): number {
    const [first, second] = args;
    if (fn === 'unaryPlus' && first !== undefined) return this.read(first);
    if (!OPERATIONS.has(fn)) throw this.#refusal(op, `uses the operator ${op}`, VOCABULARY);
    const power = fn === 'pow' && this.#mathjs.isConstantNode(second) ? POWERS.get(second.value) : undefined;
    if (power !== undefined && first !== undefined) return this.#call(power, [first]);
    return this.#call(fn, args);
  }

  /** a < b < c means that both hold. */
  #chain(conditionals: readonly string[], params: readonly MathNode[]): number {
    const places = params.map((param) => this.read(param));
    const each = conditionals.map((name, i) => this.program.call(name, places.slice(i, i + 2)));
    return each.reduce((all, place) => this.program.call('and', [all, place]));
  }

  #function(fn: MathNode, args: readonly MathNode[]): number {
    const name = this.#mathjs.isSymbolNode(fn) ? fn.name : fn.toString();
    const operation = FUNCTIONS.get(name);
    if (operation === undefined) {
      if (Object.hasOwn(FORMULA_VARIABLES, name) || CONSTANTS.has(name)) {
        throw this.#refusal(name, `calls ${name}, which is no function`, `to multiply, write ${name} * (…)`);
      }
      const known = FORMULA_FUNCTIONS.join(', ');
      throw this.#refusal(
        name,
        `calls ${name}, which is unknown${guess(name, FORMULA_FUNCTIONS)}`,
        `there are ${known}`,
      );
    }
    const [first, ...rest] = args;
    if (VARIADIC.has(name) && first !== undefined) {
      return rest.reduce((place, arg) => this.program.call(name, [place, this.read(arg)]), this.read(first));
    }
    if (args.length !== operation.arity) {
      const takes = VARIADIC.has(name) ? 'one or more' : operation.arity;
      throw this.#refusal(name, `gives ${name} ${args.length} arguments`, `it takes ${takes}`);
    }
    return this.#call(name, args);
  }

  #call(name: string, args: readonly MathNode[]): number {
    return this.program.call(
      name,
      args.map((arg) => this.read(arg)),
    );
  }

  #refusal(subject: string, what: string, wayOut: string): OnnxPruneError {
    return refusal(this.#text, subject, what, wayOut);
  }
}

function refusal(text: string, subject: string, what: string, wayOut: string): OnnxPruneError {
  return new OnnxPruneError('bad-option', subject, `Formula "${text}" ${what}; ${wayOut}.`);
}

function guess(name: string, names: readonly string[]): string {
  const near = nearestWord(name, names);
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}
