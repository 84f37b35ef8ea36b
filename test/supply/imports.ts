import { posix } from 'node:path';

/** Static imports and exports of a compiled module, which stand at the beginning of a line and end one. */
const STATIC = /^(?:import|(?:import|export)\b[^'"=;]*\bfrom) '([^']+)';$/gm;
/** Those made while running: `import()`, the `load` that this project calls what createRequire gives, and `import()` types. */
const DYNAMIC = /\b(?:import|load)\('([^']+)'\)/g;
/** The module beside this one that another process or thread runs, as src/runtime/launch.ts has it. */
const STARTED = /\bworkerLaunch\(import\.meta\.url\)/;

/** All that a compiled module or its declarations name as coming from elsewhere. */
export function importsOf(text: string): readonly string[] {
  const named = [STATIC, DYNAMIC].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, specifier = '']) => specifier),
  );
  return STARTED.test(text) ? [...named, './worker.js'] : named;
}

/** The file that a relative import of a file means, both as paths in the package. In declarations the compiler leaves `.ts`. */
export function fileOf(specifier: string, from: string): string {
  const file = posix.join(posix.dirname(from), specifier);
  return from.endsWith('.d.ts') ? file.replace(/\.ts$/, '.d.ts') : file;
}

/** The package that a bare import is of: the first word, or two where it has a scope. */
export function packageOf(specifier: string): string {
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
}
