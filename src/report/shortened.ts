/** Text cut in the middle to at most so many characters, with an ellipsis for what is left out. */
export function shortened(text: string, most: number): string {
  // Characters may take two units, never more.
  if (text.length <= most) return text;
  const characters = [...text];
  if (characters.length <= most) return text;
  const half = Math.floor((most - 1) / 2);
  return `${characters.slice(0, half).join('')}…${characters.slice(-half).join('')}`;
}
