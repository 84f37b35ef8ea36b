import type { PointLatency, StudyPoint } from '../report/study.ts';
import type { Job, Outcome } from './job.ts';

/** The point of a job that ended well. @param latency null where nothing was timed */
export function measuredPoint({ amount }: Job, outcome: Outcome, latency: PointLatency | null): StudyPoint {
  const { reached, ...figures } = outcome;
  return { amount, reached, figures: { ...figures, latency }, problem: null };
}

/** The point of a job that did not. @param problem why, in a sentence */
export function failedPoint({ amount }: Job, problem: string): StudyPoint {
  return { amount, reached: 0, figures: null, problem };
}
