import { expect } from 'vitest';
import { OnnxPruneError } from '../../src/index.ts';

/** The error by which options are refused; fails where they are not. */
export function refusalBy(check: () => unknown): OnnxPruneError {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(OnnxPruneError);
    if (error instanceof OnnxPruneError) {
      expect(error.code).toBe('bad-option');
      return error;
    }
  }
  return expect.fail('it should have been refused');
}
