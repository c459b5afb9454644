/**
 * Runs the story (story/) on the real kernel, each chapter in a new lab, and names a failed proof.
 *
 *     scripts/demo [CHAPTER…]
 *     scripts/demo --write [CHAPTER…]      also writes the pages of docs/tour
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { hasErrno } from '../src/values/errors.ts';
import type { Chapter, Step } from './story/chapter.ts';
import { alike, page, pageName, withContents } from './story/page.ts';
import { type Listener, ProofFailed, runChapter } from './story/run-chapter.ts';
import { story } from './story/story.ts';
import { beginning, bold, onTerminal, prose, red, say } from './story/terminal.ts';

/** Returns the named chapters, or all chapters without names. */
function chosen(names: readonly string[]): readonly Chapter[] {
  const unknown = names.find((name) => !story.some((chapter) => chapter.name === name));
  if (unknown === undefined) return names.length === 0 ? story : story.filter(({ name }) => names.includes(name));
  process.stderr.write(`demo: unknown chapter ${unknown}; choose from ${story.map(({ name }) => name).join(', ')}\n`);
  return process.exit(2);
}

/** Runs a chapter. Returns its page and the number of its proofs. */
async function demonstrate(chapter: Chapter): Promise<{ page: string; proofs: number }> {
  const transcript = new Map<Step, readonly string[]>();
  const normal = alike();
  let proofs = 0;
  const listener: Listener = {
    ...onTerminal,
    answered: (step, lines) => {
      transcript.set(step, lines.map(normal));
      onTerminal.answered(step, lines);
    },
    proved: (sentence) => {
      proofs++;
      onTerminal.proved(sentence);
    },
  };
  beginning(chapter, story.indexOf(chapter) + 1);
  await runChapter(chapter, listener);
  return { page: page(story, chapter, transcript), proofs };
}

async function main(write: boolean, chapters: readonly Chapter[]): Promise<void> {
  const begin = performance.now();
  let count = 0;
  say(bold('gangway: Docker’s container networks, step by step on the real kernel'));
  prose(
    'All commands run in labs: private hosts, each called "host", with a wire to "world", which plays the Internet. The network of this machine does not change.',
  );
  for (const chapter of chapters) {
    const result = await demonstrate(chapter);
    if (write) writeFileSync(`docs/tour/${pageName(story, chapter)}`, result.page);
    count += result.proofs;
  }
  const index = 'docs/tour/README.md';
  if (write) writeFileSync(index, withContents(readFileSync(index, 'utf8'), story));
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  say(`\n${bold(`All ${count} proofs hold, in ${seconds} seconds.`)} To type the commands yourself, see docs/tour.`);
}

// The reader closed the pipe: `scripts/demo | head`.
process.stdout.on('error', (error) => {
  if (!hasErrno(error, 'EPIPE')) throw error;
  process.exit(141);
});

try {
  const [first, ...rest] = process.argv.slice(2);
  const write = first === '--write';
  await main(write, chosen(write || first === undefined ? rest : [first, ...rest]));
} catch (error) {
  if (!(error instanceof ProofFailed)) throw error;
  say(`  ${red('✗')} ${error.message}`);
  process.stderr.write(`demo: this proof failed: ${error.message.split('\n')[0]}\n`);
  process.exitCode = 1;
}
