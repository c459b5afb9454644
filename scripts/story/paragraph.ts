/** Wraps prose between words. Lines after the first one have the indent `furtherIn`. */
export function paragraph(text: string, width: number, indent = '', furtherIn = indent): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(`${lines.length === 0 ? indent : furtherIn}${word}`);
  }
  return lines.join('\n');
}
