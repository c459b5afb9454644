/**
 * Compares the model of the firewall's policy with real packets: the long form of test/kernel/policy-model.test.ts.
 *
 *     sudo npm run test:model                  100 random topologies with a new seed
 *     sudo npm run test:model -- 42            topologies of seed 42
 *     sudo npm run test:model -- 42 10         the first ten topologies of seed 42
 *     sudo npm run test:model -- 42 10 iptables-legacy
 */
import { carriers } from '../test/kernel/ruleset-carrier.ts';
import { comparing } from '../test/support/policy/compare.ts';

const [seed = String(Date.now() % 1_000_000), count = '100', name] = process.argv.slice(2);
console.log(`seed ${seed}, ${count} topologies`);
for (const carrier of carriers.filter((each) => name === undefined || each.name === name)) {
  const complaint = await comparing(carrier, { seed: Number(seed), count: Number(count), questions: 300 });
  console.log(complaint === undefined ? `ok      ${carrier.name}` : `not ok  ${complaint}`);
  if (complaint !== undefined) process.exitCode = 1;
}
