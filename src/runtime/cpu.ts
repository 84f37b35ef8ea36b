import { readFileSync } from 'node:fs';

let known: number | undefined;

/**
 * Channels per block in onnxruntime's convolution kernels on this CPU: kept channel counts that are multiples of it
 * waste
 * no work. 16 with AVX-512, else 8. Read once.
 */
export function kernelBlock(): number {
  known ??= blockOf(process.arch, process.platform === 'linux' ? cpuFlags() : '');
  return known;
}

/**
 * The block for an architecture (Node's name) and the text of its CPU flags.
 *
 * x64: MLAS lays convolutions out in blocks of 16 floats (one AVX-512 register) or 8 (AVX and below); where the flags
 * cannot be read, 8 is taken. arm64: onnxruntime's released builds leave the blocked layout out, and their matrix
 * kernels
 * work on 4-float registers in tiles of 8 columns, so 8 as well.
 */
export function blockOf(arch: string, flags: string): number {
  return arch === 'x64' && /\bavx512f\b/.test(flags) ? 16 : 8;
}

function cpuFlags(): string {
  try {
    return /^flags\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0] ?? '';
  } catch {
    // Some sandboxes hide /proc; the smaller block is never wrong, only less selective.
    return '';
  }
}
