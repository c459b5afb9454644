/** The pages of the tour, held against the story that they were written from: all but what the kernel answered. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { type Chapter, nothingLeft, programs, stepsOf } from '../../scripts/story/chapter.ts';
import { page, pageName, withContents } from '../../scripts/story/page.ts';
import { story } from '../../scripts/story/story.ts';

const read = (name: string) => readFileSync(`docs/tour/${name}`, 'utf8');

/** The page with every command and without what came of it. */
function unanswered(text: string): string {
  return text.replace(/^```console\n(.*\n)(?:.*\n)*?```$/gm, '```console\n$1```');
}

for (const chapter of story) {
  test(`${chapter.name}: the page tells the chapter`, (t) => {
    t.is(unanswered(read(pageName(story, chapter))), page(story, chapter), 'npm run tour writes it anew');
  });

  test(`${chapter.name}: proofs can fail`, (t) => {
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

test('there is a page for each chapter and no other, in the list and on disk', (t) => {
  t.is(withContents(read('README.md'), story), read('README.md'));
  t.deepEqual(
    readdirSync('docs/tour').sort(),
    [...story.map((chapter) => pageName(story, chapter)), 'README.md'].sort(),
  );
});

test('the programs are those of the story', (t) => {
  for (const [name, code] of Object.entries(programs))
    t.true(read('README.md').includes(`\n${name}='${code}'\n`), name);
});
