import { readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { homedir } from 'node:os';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Packed, pack } from './archive.ts';
import { fileOf, importsOf, packageOf } from './imports.ts';
import { allowedLicence, licenceList, withLicences } from './licence-list.ts';
import { manifest, ROOT, textOf } from './project.ts';

let packed: Packed;
let files: readonly string[];
let built: readonly string[];

beforeAll(() => {
  packed = pack();
  files = packed.files.map(({ path }) => path).sort();
  built = files.filter((path) => path.startsWith('dist/'));
});

/** The sources in a folder, as paths in the project. */
function sourcesIn(folder: string): readonly string[] {
  return readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`);
}

/** What a built file takes from elsewhere. */
function importsIn(path: string): readonly string[] {
  return importsOf(textOf(path));
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') && builtinModules.includes(specifier.slice('node:'.length));
}

describe('The package', () => {
  it('holds the documents and what was built, and nothing else', () => {
    expect(files.filter((path) => !path.startsWith('dist/'))).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
    ]);
  });

  it('holds one module for each source, and declarations for those of the library', () => {
    const library = sourcesIn('src');
    const expected = [
      ...[...library, ...sourcesIn('cli')].map((path) => `dist/${path.replace(/\.ts$/, '.js')}`),
      ...library.map((path) => `dist/${path.replace(/\.ts$/, '.d.ts')}`),
    ];
    expect(built).toEqual(expected.sort());
  });

  it('is small: below 1 MB packed, below 5 MB unpacked', () => {
    expect(packed.size).toBeLessThan(1_000_000);
    expect(packed.unpackedSize).toBeLessThan(5_000_000);
  });

  it('says nothing of the machine that built it', () => {
    const places = [ROOT, `${homedir()}/`, '/home/', '/Users/', 'sourceMappingURL'];
    const telling = built.filter((path) => places.some((place) => textOf(path).includes(place)));
    expect(telling).toEqual([]);
  });

  it('has a command that the system can start', () => {
    const main = packed.files.find(({ path }) => path === 'dist/cli/main.js');
    expect((main?.mode ?? 0) & 0o111).toBe(0o111);
    expect(textOf('dist/cli/main.js')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});

describe('Every import of the package', () => {
  it('is a file of it, a module of Node, or a dependency, none of them for developing alone', () => {
    const dependencies = Object.keys(manifest.dependencies ?? {});
    const unknown = built.flatMap((path) =>
      importsIn(path)
        .filter((specifier) =>
          specifier.startsWith('.')
            ? !files.includes(fileOf(specifier, path))
            : !isBuiltin(specifier) && !dependencies.includes(packageOf(specifier)),
        )
        .map((specifier) => `${path}: ${specifier}`),
    );
    expect(unknown).toEqual([]);
  });

  it('reaches every module from the command and the library', () => {
    const reached = new Set<string>();
    const open = ['dist/cli/main.js', 'dist/src/index.js'];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      if (reached.has(path)) continue;
      reached.add(path);
      for (const specifier of importsIn(path)) if (specifier.startsWith('.')) open.push(fileOf(specifier, path));
    }
    // What holds nothing but types is no more than `export {}` once it is built.
    const modules = built.filter((path) => path.endsWith('.js') && textOf(path).trim() !== 'export {};');
    expect(modules.filter((path) => !reached.has(path))).toEqual([]);
  });

  it('needs every dependency', () => {
    const used = new Set(built.flatMap(importsIn).map(packageOf));
    expect(Object.keys(manifest.dependencies ?? {}).filter((name) => !used.has(name))).toEqual([]);
  });

  it('brings no way to the net, and makes no code of text', () => {
    const nets = /^node:(?:http|https|http2|dns|dns\/promises|tls|dgram|inspector)$/;
    const ways = /\b(?:fetch|eval|Function|WebSocket|XMLHttpRequest|EventSource|dlopen)\(/;
    const wrong = built.filter((path) => {
      const code = textOf(path);
      return path.endsWith('.js') && (importsIn(path).some((each) => nets.test(each)) || ways.test(code));
    });
    expect(wrong).toEqual([]);
    // The one for its type: whether a pipe to the child process can be let go of.
    expect(built.filter((path) => importsIn(path).includes('node:net'))).toEqual(['dist/src/runtime/child.js']);
    // The one for its time limit: it runs a script of its own, the same in every run, that tries an expression.
    expect(built.filter((path) => importsIn(path).includes('node:vm'))).toEqual([
      'dist/src/transforms/match-in-time.js',
    ]);
    expect(textOf('dist/src/transforms/match-in-time.js').match(/new Script\((.*)\);/)?.[1]).toBe(
      "'names.filter((name) => expression.test(name))'",
    );
  });
});

describe('The licences of all dependencies', () => {
  it('are allowed, and listed in the README as npm run licences lists them', () => {
    const readme = textOf('README.md');
    expect(withLicences(readme, licenceList())).toBe(readme);
  });

  it.each([
    ['MIT', 'MIT'],
    ['(GPL-3.0 OR MIT)', 'MIT'],
    ['(MIT OR CC0-1.0)', 'MIT'],
    ['GPL-3.0-only', undefined],
    ['MIT AND GPL-2.0', undefined],
    ['SEE LICENSE IN LICENSE.txt', undefined],
    ['', undefined],
  ])('"%s" is allowed as %s', (expression, allowed) => {
    expect(allowedLicence(expression)).toBe(allowed);
  });
});
