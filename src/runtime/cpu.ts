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

let exact: boolean | undefined;

/**
 * Whether this CPU adds up products of bytes in 32 bits, so that int8 kernels cannot overflow. Read once.
 */
export function addsBytesExactly(): boolean {
  exact ??= addsExactly(process.arch, process.platform === 'linux' ? cpuFlags() : '');
  return exact;
}

/**
 * The same for an architecture (Node's name) and the text of its CPU flags.
 *
 * x64 without VNNI adds pairs of products of a uint8 and an int8 in 16 bits, saturating (VPMADDUBSW: Intel 64 and IA-32
 * Architectures Software Developer's Manual, vol. 2); onnxruntime's kernels use it there. Others have no such instruction.
 */
export function addsExactly(arch: string, flags: string): boolean {
  return arch !== 'x64' || /\bavx(512)?_vnni\b/.test(flags);
}

function cpuFlags(): string {
  try {
    return /^flags\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0] ?? '';
  } catch {
    // Some sandboxes hide /proc; the smaller block is never wrong, only less selective.
    return '';
  }
}
