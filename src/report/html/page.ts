import type { AnyReport } from '../json.ts';
import { isCompareReport, isInspectReport, isPruneReport, isSweepReport } from '../kind.ts';
import { comparePage } from './compare-page.ts';
import { renderDocument } from './document.ts';
import { inspectPage } from './inspect-page.ts';
import { prunePage } from './prune-page.ts';
import type { PageContent } from './section.ts';
import { sensitivityPage } from './sensitivity-page.ts';
import { sweepPage } from './sweep-page.ts';

/**
 * A report as a web page: one file with all that it needs inside, which opens without a network, in light and dark, on small screens
 * and on paper. Whatever stands in the report is shown as text. Names of models may hold anything.
 */
export async function renderHtml(report: AnyReport): Promise<string> {
  return renderDocument(await contentOf(report));
}

function contentOf(report: AnyReport): Promise<PageContent> {
  if (isPruneReport(report)) return prunePage(report);
  if (isInspectReport(report)) return inspectPage(report);
  if (isCompareReport(report)) return comparePage(report);
  return isSweepReport(report) ? sweepPage(report) : sensitivityPage(report);
}
