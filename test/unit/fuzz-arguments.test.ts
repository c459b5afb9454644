/** Whatever is typed: a sentence or a request, never a stack trace. The long form is `npm run test:fuzz`. */
import test from 'ava';
import { commandLine } from '../support/fuzz/command-line.ts';
import { fuzz } from '../support/fuzz/fuzz.ts';
import { misread } from '../support/fuzz/parser.ts';

test('a command line is a request without a mistake, or a sentence and a known exit status', async (t) => {
  t.is(await fuzz(commandLine(), misread, { seed: 1, count: 2000 }), undefined);
});
