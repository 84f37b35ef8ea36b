import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { holdsFrom } from './engine-ranges.ts';
import {
  installedManifest,
  type Locked,
  locked,
  lockfile,
  manifest,
  nameOf,
  production,
  ROOT,
  textOf,
} from './project.ts';

/** Packages with scripts that run when they are installed, all known: nothing but these may run anything then. */
const KNOWN_SCRIPTS: readonly string[] = [
  // Checks that the binary of the platform runs.
  'node_modules/esbuild',
  // Prints a note on versions.
  'node_modules/onnx-proto/node_modules/protobufjs',
  // Fetches libraries for GPUs from the net, unless .npmrc says not to.
  'node_modules/onnxruntime-node',
];

function pathsOf(wrong: (entry: Locked) => boolean): readonly string[] {
  return locked.filter(([, entry]) => wrong(entry)).map(([path]) => path);
}

describe('package.json', () => {
  it('names every dependency by one exact version, the one that is locked', () => {
    for (const each of [manifest.dependencies, manifest.devDependencies]) {
      const named = Object.entries(each ?? {});
      expect(named.length).toBeGreaterThan(10);
      for (const [name, version] of named) {
        expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
        expect(lockfile.packages[`node_modules/${name}`]?.version, name).toBe(version);
      }
    }
  });

  it('is what the lockfile was made of', () => {
    const { dependencies, devDependencies, engines, license, name, version } = lockfile.packages[''] ?? {};
    const { dependencies: direct, devDependencies: forWork, engines: node, license: own } = manifest;
    expect({ dependencies, devDependencies, engines, license, name, version }).toEqual({
      dependencies: direct,
      devDependencies: forWork,
      engines: node,
      license: own,
      name: manifest.name,
      version: manifest.version,
    });
  });
});

describe('package-lock.json', () => {
  it('is of version 3', () => {
    expect(lockfile.lockfileVersion).toBe(3);
  });

  it('has a checksum for every package, by SHA-512', () => {
    expect(locked.length).toBeGreaterThan(production.length);
    expect(pathsOf(({ integrity = '' }) => !/^sha512-[\w+/]{86}==$/.test(integrity))).toEqual([]);
  });

  it('takes packages from the registry alone: no git, no files, no addresses of other machines', () => {
    const elsewhere = ({ resolved = 'https://registry.npmjs.org/', link, version }: Locked): boolean =>
      link === true || !resolved.startsWith('https://registry.npmjs.org/') || !/^\d+\.\d+\.\d+/.test(version);
    expect(pathsOf(elsewhere)).toEqual([]);
    for (const [path, { dependencies }] of locked) {
      for (const range of Object.values(dependencies ?? {})) expect(range, path).not.toMatch(/[:/]/);
    }
  });

  it('has no package that runs a script when it is installed, but those that are known', () => {
    expect(pathsOf(({ hasInstallScript }) => hasInstallScript === true)).toEqual(KNOWN_SCRIPTS);
    // Newer versions of npm run none of them, for package.json says so; older ones at least fetch nothing.
    expect(manifest.allowScripts).toEqual(Object.fromEntries(KNOWN_SCRIPTS.map((path) => [nameOf(path), false])));
    expect(textOf('.npmrc').split('\n')).toEqual(
      expect.arrayContaining(['onnxruntime-node-install=skip', 'save-exact=true']),
    );
  });
});

describe('What is installed', () => {
  it('is what is locked, to the version', () => {
    for (const [path, entry] of production) {
      const installed = installedManifest(path, entry);
      if (installed !== undefined) expect(installed.version, path).toBe(entry.version);
    }
  });

  it('has no problem by npm ls', () => {
    const list = execFileSync('npm', ['ls', '--all', '--json'], { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' });
    const { problems = [] }: { readonly problems?: readonly string[] } = JSON.parse(list);
    expect(problems).toEqual([]);
  });

  it('runs on every version of Node that the project says to run on', () => {
    const first = /^>=(\d+\.\d+)$/.exec(manifest.engines?.node ?? '')?.[1] ?? '';
    expect(textOf('README.md')).toContain(`Needs Node.js ${first} or newer`);
    const asked = production.flatMap(([path, entry]) => {
      const node = (installedManifest(path, entry) ?? entry).engines?.node;
      return node === undefined ? [] : [[path, node] as const];
    });
    expect(asked.length).toBeGreaterThan(50);
    expect(asked.filter(([, node]) => !holdsFrom(node, first))).toEqual([]);
  });
});

describe('A range of Node versions', () => {
  it.each([
    ['*', '20.19', true],
    ['>=20.19.0', '20.19', true],
    ['>= 10', '20.19', true],
    ['10.* || >= 12.*', '20.19', true],
    ['10.* || >= 22.x', '20.19', false],
    ['^18 || >=20.19.1', '20.19', false],
    ['^18 || >= 20.9.1', '20.19', true],
    ['>=12 <20', '20.19', false],
    ['^20', '20.19', false],
  ] as const)('%s holds all from %s on: %s', (range, first, holds) => {
    expect(holdsFrom(range, first)).toBe(holds);
  });
});
