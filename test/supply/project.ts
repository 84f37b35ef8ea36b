import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the project's package.json is. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

/** What these tests read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly engines?: { readonly node?: string };
  readonly allowScripts?: Readonly<Record<string, boolean>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** What these tests read of an entry of package-lock.json, which is about one installed folder. */
export interface Locked extends Manifest {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

/** package-lock.json, version 3: the folders of node_modules by their paths; the project itself is ''. */
export interface Lockfile {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, Locked>>;
}

/** The text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The project's own package.json. */
export const manifest: Manifest = JSON.parse(textOf('package.json'));

/** The project's package-lock.json. */
export const lockfile: Lockfile = JSON.parse(textOf('package-lock.json'));

/** Everything locked but the project itself: path in the project, and entry. */
export const locked: readonly (readonly [string, Locked])[] = Object.entries(lockfile.packages).filter(
  ([path]) => path !== '',
);

/** Those that a user of the package gets: all but what is for developing alone. */
export const production: readonly (readonly [string, Locked])[] = locked.filter(([, { dev }]) => dev !== true);

/** The package.json of an installed folder; undefined for an optional package that is not for this platform. */
export function installedManifest(path: string, { optional }: Locked): Manifest | undefined {
  const file = `${path}/package.json`;
  return optional === true && !existsSync(join(ROOT, file)) ? undefined : JSON.parse(textOf(file));
}

/** The name of a package by the folder that it is installed in. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
