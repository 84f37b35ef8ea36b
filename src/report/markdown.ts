import type { AnyReport } from './json.ts';
import { isCompareReport, isInspectReport, isSensitivityReport, isSweepReport } from './kind.ts';
import { compareMarkdown } from './markdown/compare.ts';
import { inspectMarkdown } from './markdown/inspect.ts';
import { pruneMarkdown } from './markdown/prune.ts';
import { sensitivityMarkdown, sweepMarkdown } from './markdown/study.ts';

/**
 * A report as GitHub-flavoured Markdown for a comment on a pull request: the verdict and what matters first, all else folded.
 * Names cannot act as markup or mention anybody. Some 60,000 characters at most, of the 65,536 that GitHub takes: long lists are cut, which is said.
 */
export function renderMarkdown(report: AnyReport): string {
  if (isSweepReport(report)) return sweepMarkdown(report);
  if (isSensitivityReport(report)) return sensitivityMarkdown(report);
  if (isCompareReport(report)) return compareMarkdown(report);
  if (isInspectReport(report)) return inspectMarkdown(report);
  return pruneMarkdown(report);
}
