/** Draws sentences at random, and formats them as a table for a reader to judge. */
import { createHash } from 'node:crypto';
import type { Sentence } from './sentence-sources.ts';

/** A kind of sentence, and how many of them to draw. */
export interface Lot {
  readonly kind: string;
  readonly count: number;
  readonly sentences: readonly Sentence[];
}

/** Draws from each lot, the same sentences for the same seed, and returns a Markdown table. Short sentences are skipped. */
export function drawTable(lots: readonly Lot[], seed: string): string {
  const rows = lots.flatMap(({ kind, count, sentences }) =>
    shuffle(sentences.filter(isLong), seed)
      .slice(0, count)
      .map(({ path, line, text }) => `${path}:${line} | ${kind} | ${cell(text)} | |`),
  );
  const head = '| number | place | kind | sentence | understood |\n|---|---|---|---|---|\n';
  return head + rows.map((row, index) => `| ${index + 1} | ${row}\n`).join('');
}

const isLong = ({ text }: Sentence) => text.trim().split(/\s+/).length >= 4;

const cell = (text: string) => text.trim().replace(/\s+/g, ' ').replaceAll('|', '\\|');

/** Orders sentences by a hash with the seed. */
function shuffle(sentences: readonly Sentence[], seed: string): Sentence[] {
  const hash = (sentence: Sentence) =>
    createHash('sha256')
      .update(seed + JSON.stringify(sentence))
      .digest('hex');
  const keyed = sentences.map((sentence) => [hash(sentence), sentence] as const);
  return keyed.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, sentence]) => sentence);
}
