import { formatSeconds } from '../format.ts';
import type { EnvironmentReport } from '../report.ts';
import { shellWord } from '../shell-words.ts';
import { facts, name, part, points, type Section, section } from './section.ts';
import { type Html, html, verbatim } from './template.ts';

/** What every report says of how it was made. */
export interface RunFacts {
  readonly command?: readonly string[];
  readonly notes?: readonly string[];
  readonly options?: Readonly<Record<string, unknown>>;
  readonly environment?: EnvironmentReport;
  readonly seconds?: Readonly<Record<string, number>>;
}

/** The last sections of every page: remarks, and how to get the same again. */
export function runSections({ command, notes = [], options = {}, environment, seconds = {} }: RunFacts): Section[] {
  const total = Object.values(seconds).reduce((sum, value) => sum + value, 0);
  return [
    ...section('notes', 'Notes', points(notes)),
    ...section(
      'again',
      'How it was made',
      command !== undefined && part('The command that does it again', commandBox(command)),
      part(
        'Options as understood',
        facts(Object.entries(options).map(([option, value]) => [option, optionText(value)])),
      ),
      environment !== undefined &&
        part(
          'Environment',
          facts([
            ['Node.js', environment.node],
            ['Platform', environment.platform],
            ['Processor', environment.cpu],
            ['Channels per kernel block', String(environment.kernelBlock)],
          ]),
        ),
      part(
        'Time taken',
        facts([
          ...Object.entries(seconds).map(([stage, value]) => [stage, formatSeconds(value)] as const),
          ...(total > 0 ? [['in all', html`<strong>${formatSeconds(total)}</strong>`] as const] : []),
        ]),
      ),
    ),
  ];
}

function commandBox(command: readonly string[]): Html {
  const words = command.map(
    (word, index) => html`${index > 0 && ' '}<span class="word">${verbatim(shellWord(word))}</span>`,
  );
  return html`<div class="command"><pre><code id="command">${words}</code></pre><button class="button" type="button" data-copy="command" hidden>Copy</button><span class="visually-hidden" role="status"></span></div>`;
}

function optionText(value: unknown): Html | null {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value))
    return value.length === 0
      ? html`none`
      : html`${value.map((each, index) => html`${index > 0 && ', '}${optionText(each)}`)}`;
  if (typeof value === 'boolean') return html`${value ? 'yes' : 'no'}`;
  return name(typeof value === 'object' ? JSON.stringify(value) : String(value));
}
