import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifest, ROOT } from './project.ts';

/** What somebody who uses the library would write: it is checked by types, and run. */
const PROGRAM = `import { OnnxPruneError, type Report, prune } from 'onnx-prune';

const report: Report = await prune('model.onnx', { structured: '50%', bench: false, output: 'by-library.onnx' });
const parameters: number = report.size.after.parameters;
// @ts-expect-error: a number of parameters is no text, which only those who see the types know.
const text: string = report.size.after.parameters;
console.log(JSON.stringify({ parameters, text, passed: report.proof?.passed }));
await prune('model.onnx', { structured: '150%' }).catch((error: unknown) => {
  if (!(error instanceof OnnxPruneError)) throw error;
});
`;

const SETTINGS = {
  compilerOptions: {
    target: 'ES2023',
    module: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    types: ['node'],
    skipLibCheck: false,
  },
  files: ['program.ts'],
};

/** What came of the use of an installed package; texts are what was printed. */
export interface Used {
  readonly version: string;
  readonly pruned: string;
  /** What the compiler complains of: nothing. */
  readonly types: string;
  readonly program: { readonly parameters: number; readonly text: number; readonly passed: boolean };
}

/**
 * Uses the package as somebody does who installed it: the command by its name, which prunes a model, and the library by
 * its name in a program whose types are checked.
 *
 * @param folder one that has the package in node_modules
 * @throws Error when a command fails.
 */
export function use(folder: string): Used {
  const command = join(folder, 'node_modules/.bin', manifest.name);
  const run = (program: string, ...words: readonly string[]): string =>
    execFileSync(program, words, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  copyFileSync(join(ROOT, 'fixtures/mnist-mlp.onnx'), join(folder, 'model.onnx'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...read(folder, 'package.json'), type: 'module' }));
  writeFileSync(join(folder, 'program.ts'), PROGRAM);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(SETTINGS));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  return {
    version: run(command, '--version').trim(),
    pruned: run(command, 'model.onnx', '--structured', '50%', '--no-bench', '-o', 'by-command.onnx'),
    types: spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' }).stdout,
    program: JSON.parse(run(process.execPath, 'program.js')),
  };
}

/** Makes a folder for `use`, a project with nothing in it. */
export function emptyProject(folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }));
}

function read(folder: string, name: string): object {
  return JSON.parse(readFileSync(join(folder, name), 'utf8'));
}
