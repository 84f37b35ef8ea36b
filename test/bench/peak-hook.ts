import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Peak resident memory of this process in KiB. On Linux `maxRSS` starts from what the parent had when it forked, so the
 * kernel's own high-water mark of this program is taken instead where there is one.
 */
function peakKib(): number {
  try {
    const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kib !== undefined) return Number(kib);
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS;
}

// Loaded with --import before the program; only the process that was asked writes, not those it starts.
const target = process.env['ONNX_PRUNE_BENCH_PEAK'];
delete process.env['ONNX_PRUNE_BENCH_PEAK'];
if (target !== undefined) process.on('exit', () => writeFileSync(target, String(peakKib())));
