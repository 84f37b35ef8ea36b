import type { Outcome } from './outcome.ts';

/** What outcomes of one cause have in common: the message without names and numbers, and the line that threw it. */
export function signatureOf({ message, stack = '' }: Outcome): string {
  const place = /\/(src\/[^\s)]*?:\d+):\d+/.exec(stack)?.[1] ?? '';
  const words = message.replace(/"[^"]*"|'[^']*'|\/\S*/g, '…').replace(/\d[\d.e+-]*/g, '#');
  return `${words.slice(0, 160)} @ ${place}`;
}
