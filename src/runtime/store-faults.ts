import { dirname } from 'node:path';
import { messageOf, OnnxPruneError } from '../errors.ts';

/** The error for activations that are asked for after their process was stopped, or after their store was closed. */
export function storeGone(): OnnxPruneError {
  return new OnnxPruneError(
    'internal',
    'the activations',
    'The activations are not kept any more, because their process was stopped or their store was closed; store them again in a new one.',
  );
}

/** What each file operation was to do, and what to do about it. */
const ACTIONS = {
  write: ['kept in', 'free some space there, allow more memory or use less calibration data'],
  read: ['read back from', 'leave the files there alone until the run is over'],
  remove: ['removed from', 'remove the folder by hand'],
} as const;

/**
 * The error for activations that a file could not take or give back.
 * @param folder of the store; named is the one around it, which its caller knows
 * @param error what the file system threw
 */
export function spillFault(action: keyof typeof ACTIONS, folder: string, error: unknown): OnnxPruneError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  const why = full ? 'no space is left on the device' : messageOf(error);
  const [what, wayOut] = ACTIONS[action];
  const place = dirname(folder);
  return new OnnxPruneError('bad-file', place, `Activations could not be ${what} ${place}: ${why}; ${wayOut}.`, error);
}
