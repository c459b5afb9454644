/**
 * The model of the policy against real packets: networks and ports at random, questions from everywhere to everything.
 *
 * The world and what stands in it are drawn in test/support/policy/worlds.ts. The long form is `npm run test:model`.
 */
import test from 'ava';
import { comparing } from '../support/policy/compare.ts';
import { backEnds } from './ruleset-carrier.ts';

for (const carrier of backEnds) {
  test.serial(`${carrier.name}: what a packet meets is what the model says`, async (t) => {
    t.timeout(240_000);
    t.is(await comparing(carrier, { seed: 1, count: 6, questions: 250 }), undefined);
  });
}
