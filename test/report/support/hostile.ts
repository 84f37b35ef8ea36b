import type { CompareReport, InspectReport, Report } from '../../../src/report/report.ts';
import type { SensitivityReport, SweepReport } from '../../../src/report/study.ts';

/** Names that would do something in a page if they were not text there. */
export const HOSTILE: readonly string[] = [
  '</script><img src=x onerror="document.title=1">',
  '"><svg onload=alert(1)>',
  "' autofocus onfocus='alert(1)",
  '</style><script>document.title=1</script>',
  '</title></svg></table><iframe src="https://example.com">',
  '<!--',
  'javascript:alert(1)',
  '&lt;b&gt; {{1+1}} `x`',
  '\u202egpj.exe\u0000\ud800',
];

/** The same report with every string in it replaced by hostile ones, but for those that decide what it is. */
export function hostile<T extends Report | InspectReport | CompareReport | SweepReport | SensitivityReport>(
  report: T,
): T {
  let next = 0;
  const KEPT: ReadonlySet<string> = new Set([
    'kind',
    'of',
    'by',
    'on',
    'unit',
    'gate',
    'type',
    'how',
    'part',
    'method',
  ]);
  const spoil = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return KEPT.has(key) ? value : `${HOSTILE[next++ % HOSTILE.length] ?? ''} ${next}`;
    if (Array.isArray(value)) return value.map((each) => spoil(each, ''));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, spoil(each, name)]));
  };
  // Only strings have become other strings.
  return spoil(report, '') as T;
}
