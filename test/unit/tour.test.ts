/** Compares the pages of the tour with the story, except for the output of commands. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { type Chapter, nothingLeft, programs, stepsOf } from '../../scripts/story/chapter.ts';
import { page, pageName, withContents } from '../../scripts/story/page.ts';
import { story } from '../../scripts/story/story.ts';

const read = (name: string) => readFileSync(`docs/tour/${name}`, 'utf8');

/** Returns the page with its commands and without their output. */
function unanswered(text: string): string {
  return text.replace(/^```console\n(.*\n)(?:.*\n)*?```$/gm, '```console\n$1```');
}

for (const chapter of story) {
  test(`${chapter.name}: the page matches the story`, (t) => {
    t.is(unanswered(read(pageName(story, chapter))), page(story, chapter), 'run npm run tour');
  });

  test(`${chapter.name}: each proof has a condition`, (t) => {
    const idle = stepsOf(chapter).filter(
      ({ proves, expects }) => proves !== undefined && proves !== nothingLeft && expects === undefined,
    );
    t.deepEqual(idle, []);
    t.true(count(chapter) >= 5);
  });
}

function count(chapter: Chapter): number {
  return stepsOf(chapter).filter(({ proves }) => proves !== undefined).length;
}

test('has one page for each chapter, in the table and on disk', (t) => {
  t.is(withContents(read('README.md'), story), read('README.md'));
  t.deepEqual(
    readdirSync('docs/tour').sort(),
    [...story.map((chapter) => pageName(story, chapter)), 'README.md'].sort(),
  );
});

test('shows the programs of the story', (t) => {
  for (const [name, code] of Object.entries(programs))
    t.true(read('README.md').includes(`\n${name}='${code}'\n`), name);
});
