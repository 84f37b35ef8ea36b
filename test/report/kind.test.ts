import { describe, expect, it } from 'vitest';
import {
  isCompareReport,
  isInspectReport,
  isPruneReport,
  isSensitivityReport,
  isSweepReport,
  kindOf,
} from '../../src/report/kind.ts';
import { report as pruned } from '../cli/support/weight-reports.ts';
import { compared, inspected } from './support/models.ts';
import { sensitivity, sweep } from './support/studies.ts';

const guards = [isPruneReport, isInspectReport, isCompareReport, isSweepReport, isSensitivityReport];

describe('kindOf', () => {
  it.each([
    ['prune', pruned],
    ['inspect', inspected],
    ['compare', compared],
    ['sweep', sweep],
    ['sensitivity', sensitivity],
  ] as const)('tells %s from the others, and so does its guard alone', (kind, report) => {
    expect(kindOf(report)).toBe(kind);
    expect(guards.filter((guard) => guard(report))).toHaveLength(1);
  });
});
