import test from 'ava';
import { killUntilNone } from '../../src/kernel/process.ts';

/** Larger than any number that the kernel gives: nobody can be killed by it. */
const nobody = 2 ** 22 + 1;

test('killing gives up when the time is up, and tells who is still there', async (t) => {
  t.deepEqual(await killUntilNone(() => [nobody], 5), [nobody]);
});

test('killing goes on until nobody is found', async (t) => {
  const found = [[nobody], [nobody, nobody - 1], []];
  t.deepEqual(await killUntilNone(() => found.shift() ?? [nobody]), []);
  t.is(found.length, 0);
});
