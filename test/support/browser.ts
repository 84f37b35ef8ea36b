import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** Where Chromium and its relatives usually are. */
const PLACES: readonly string[] = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/chromium-browser',
  '/usr/bin/microsoft-edge',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ...[process.env['PROGRAMFILES'], process.env['PROGRAMFILES(X86)'], process.env['LOCALAPPDATA']].flatMap((folder) =>
    folder === undefined
      ? []
      : [
          join(folder, 'Google', 'Chrome', 'Application', 'chrome.exe'),
          join(folder, 'Microsoft', 'Edge', 'Application', 'msedge.exe'),
        ],
  ),
];

/** No sandbox, which containers do not allow, and no talking to anybody. */
const QUIET: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Of what the package asks for: what `QUIET` says better, what is unstable, and what would let a page do more than it may. */
const LEFT_OUT = [
  '--headless',
  '--single-process',
  '--disable-web-security',
  '--allow-running-insecure-content',
] as const;

/** A browser to start. */
export interface BrowserProgram {
  readonly path: string;
  readonly args: readonly string[];
}

/** The browser that `CHROME_PATH` names, or one in a usual place; undefined where there is none. */
export function installedBrowser(): BrowserProgram | undefined {
  const named = process.env['CHROME_PATH'];
  const path = [...(named === undefined ? [] : [named]), ...PLACES].find((place) => existsSync(place));
  return path === undefined ? undefined : { path, args: QUIET };
}

/** The browser that comes in a package, for Linux on x64; undefined elsewhere. It is unpacked to the folder for temporary files. */
export async function packagedBrowser(): Promise<BrowserProgram | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const { default: packed } = await import('@sparticuz/chromium');
  const own = packed.args.filter((arg) => !LEFT_OUT.some((each) => arg.startsWith(each)));
  return { path: await packed.executablePath(), args: [...own, ...QUIET] };
}

/** Starts a browser; undefined where this machine has none. */
export async function startBrowser(): Promise<Browser | undefined> {
  const program = installedBrowser() ?? (await packagedBrowser());
  return program && launch(program);
}

/** Starts this browser. */
export function launch({ path, args }: BrowserProgram): Promise<Browser> {
  return chromium.launch({ executablePath: path, args: [...args] });
}
