import { createContext, Script } from 'node:vm';

/** Names of a model are matched within milliseconds; some expressions need more steps than there are atoms. */
const MOST_MS = 1000;

/** What the script reads; it runs among nothing else. */
const given: { expression: RegExp; names: readonly string[] } = { expression: /^/, names: [] };
const script = new Script('names.filter((name) => expression.test(name))');
createContext(given);

/**
 * The names that an expression matches; undefined where that takes longer than a second. An expression backtracks, and one
 * with stars inside stars takes time exponential in the length of a name; only a script of its own can be stopped while it does.
 */
export function matchingIn(expression: RegExp, names: readonly string[]): ReadonlySet<string> | undefined {
  Object.assign(given, { expression, names });
  try {
    const found: unknown = script.runInContext(given, { timeout: MOST_MS });
    return new Set(Array.isArray(found) ? found.filter((each) => typeof each === 'string') : []);
  } catch (error) {
    if (isTimeout(error)) return undefined;
    throw error;
  }
}

/** The error is one of the script's own world, where Error is another class. */
function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}
