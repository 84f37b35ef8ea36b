import { arch, cpus, platform } from 'node:os';
import type { EnvironmentReport } from './report/report.ts';
import { kernelBlock } from './runtime/index.ts';

/** The machine that makes the figures of a report. */
export function environment(): EnvironmentReport {
  return {
    node: process.version,
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    kernelBlock: kernelBlock(),
  };
}
