import { messageOf } from '../../src/errors.ts';
import type { Case } from './case.ts';
import type { Outcome } from './outcome.ts';
import { Proving } from './trial.ts';

/** What the process that tries cases is asked. */
export interface Request {
  readonly case: Case;
  /** Whether mutations that onnxruntime refuses are left out first. */
  readonly sound: boolean;
}

/** What it answers: the case that was tried, and what became of it. */
export interface Answer {
  readonly case: Case;
  readonly outcome: Outcome;
}

const proving = new Proving();
let stray: unknown;
process.on('unhandledRejection', (reason) => {
  stray = reason;
});

process.on('message', (request: Request) => {
  void answer(request);
});
process.on('disconnect', () => {
  void proving.close();
});

async function answer(request: Request): Promise<void> {
  stray = undefined;
  const each = request.sound ? await proving.sound(request.case) : request.case;
  const outcome = await proving.try(each);
  process.send?.({ case: each, outcome: stray === undefined ? outcome : strayed(stray) } satisfies Answer);
}

function strayed(reason: unknown): Outcome {
  const stack = reason instanceof Error ? reason.stack : undefined;
  return { kind: 'finding', message: `nobody caught: ${messageOf(reason)}`, stack };
}

process.send?.('ready');
