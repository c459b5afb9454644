/** Prints the story on a terminal, in up to a hundred columns. Colour only on a terminal, not on a pipe. */
import type { Chapter, Section, Step } from './chapter.ts';
import { paragraph } from './paragraph.ts';
import type { Listener } from './run-chapter.ts';

const width = 100;
const colored = process.stdout.isTTY === true && !process.env.NO_COLOR;
const style = (code: number) => (text: string) => (colored ? `\x1b[${code}m${text}\x1b[0m` : text);
export const bold = style(1);
export const red = style(31);
const faint = style(2);
const green = style(32);

export function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

export function prose(text: string): void {
  say(paragraph(text, width, '  '));
}

export function beginning({ title, question, answer, drawing }: Chapter, number: number): void {
  say(`\n${bold(`${number}. ${title}`)}\n`);
  prose(question);
  say();
  prose(answer);
  draw(drawing);
}

function draw(drawing: string): void {
  say();
  for (const line of drawing.replace(/^\n/, '').split('\n')) say(`      ${line}`.trimEnd());
}

export const onTerminal: Listener = {
  section({ heading, says, drawing }: Section) {
    say(`\n  ${bold(heading)}`);
    if (says !== undefined) prose(says);
    if (drawing !== undefined) draw(drawing);
  },
  typing({ says, at = 'host', types }: Step) {
    say();
    if (says !== undefined) prose(says);
    say(`  ${faint(`${at} $`)} ${bold(types)}`);
  },
  answered(_: Step, lines: readonly string[]) {
    for (const line of lines)
      say(line.length + 4 > width ? paragraph(line.trim(), width, '    ', '      ') : `    ${line}`);
  },
  proved(sentence: string) {
    say(`  ${green('✓')} ${paragraph(sentence, width - 4, '', '    ')}`);
  },
};
