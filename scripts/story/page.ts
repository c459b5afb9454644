/**
 * Writes a chapter as a page of docs/tour: prose, commands and output. Values that differ from run to run are normalised.
 */
import { type Chapter, programsOf, type Section, type Step } from './chapter.ts';
import { paragraph } from './paragraph.ts';

/** Shown output of each step. */
export type Transcript = ReadonlyMap<Step, readonly string[]>;

const width = 120;

/** Returns the file name of a chapter's page: `03-bridge.md`. */
export function pageName(story: readonly Chapter[], chapter: Chapter): string {
  return `${String(story.indexOf(chapter) + 1).padStart(2, '0')}-${chapter.name}.md`;
}

/** Returns the page, without output if there is no transcript. */
export function page(story: readonly Chapter[], chapter: Chapter, transcript: Transcript = new Map()): string {
  const { title, question, answer, drawing, sections, docker, sources } = chapter;
  return [
    `# ${story.indexOf(chapter) + 1}. ${title}`,
    `*${question}*`,
    prose(answer),
    block('text', drawing),
    prose(before(chapter)),
    ...sections.flatMap((section) => sectionOf(section, transcript)),
    '## In Docker',
    prose(docker),
    prose(`Sources: ${sources.map((path) => `[${path}](../../${path})`).join(', ')}.${next(story, chapter)}`),
  ]
    .map((part) => `${part}\n`)
    .join('\n');
}

/** Returns the table of pages with their questions. */
function contents(story: readonly Chapter[]): string {
  const rows = story.map((chapter, index) => {
    const [, what = ''] = chapter.title.split(': ');
    return `| ${index + 1} | [${chapter.name}](${pageName(story, chapter)}) | ${what} | ${chapter.question} |`;
  });
  return ['| | chapter | | question |', '|---|---|---|---|', ...rows].map((row) => `${row}\n`).join('');
}

/** Replaces the first table of a text by the table of pages. */
export function withContents(text: string, story: readonly Chapter[]): string {
  return text.replace(/^(\|.*\n)+/m, contents(story));
}

function before(chapter: Chapter): string {
  const programs = programsOf(chapter).map((program) => `\`$${program}\``);
  const named = programs.length === 0 ? '' : ` That page also defines ${programs.join(' and ')}.`;
  return `To type the commands yourself, see [before you begin](README.md#before-you-begin).${named} \`sudo scripts/demo ${chapter.name}\` runs this chapter.`;
}

function next(story: readonly Chapter[], chapter: Chapter): string {
  const following = story[story.indexOf(chapter) + 1];
  return following === undefined ? '' : ` Next: [${following.title}](${pageName(story, following)}).`;
}

function sectionOf({ heading, says, drawing, steps = [] }: Section, transcript: Transcript): readonly string[] {
  return [
    `## ${heading}`,
    ...(says === undefined ? [] : [prose(says)]),
    ...(drawing === undefined ? [] : [block('text', drawing)]),
    ...steps.flatMap((step) => stepOf(step, transcript.get(step) ?? [])),
  ];
}

function stepOf({ says, at = 'host', types, proves }: Step, answer: readonly string[]): readonly string[] {
  return [
    ...(says === undefined ? [] : [prose(says)]),
    block('console', [`${at} $ ${types}`, ...answer].join('\n')),
    ...(proves === undefined ? [] : [paragraph(`✓ ${proves}`, width)]),
  ];
}

function prose(text: string): string {
  return paragraph(text, width);
}

function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text.replace(/^\n/, '')}\n\`\`\``;
}

/** Returns a function that replaces times, namespace numbers and other values that differ from run to run. */
export function alike(): (line: string) => string {
  const known: string[] = [];
  const number = (name: string): number => {
    if (!known.includes(name)) known.push(name);
    return 4026532000 + known.indexOf(name);
  };
  return (line) =>
    line
      .replace(/time=[\d.]+ ms/, 'time=0.1 ms')
      .replace(/nr_throttled \d+/, 'nr_throttled 5')
      .replace(/\[(\d{10})\]/, (_, name: string) => `[${number(name)}]`)
      .replace(/(lladdr \S+) [A-Z]+/, '$1 REACHABLE')
      .replace(/(\(id: )\d+/, '$10');
}
