/** Whatever is typed: a sentence or a request, never a stack trace. The long form is `npm run test:fuzz`. */
import test from 'ava';
import { commandLine } from '../support/fuzz/command-line.ts';
import { Facts } from '../support/fuzz/facts.ts';
import { fuzz } from '../support/fuzz/fuzz.ts';
import { judging } from '../support/fuzz/planner.ts';

test('a command line is a request without a mistake and with a plan, or a sentence and a known exit status', async (t) => {
  using facts = new Facts();
  t.is(await fuzz(commandLine(), judging(facts), { seed: 1, count: 1500 }), undefined);
});
