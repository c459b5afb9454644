/**
 * Tests the parser and the planner with generated command lines: the long form of test/unit/fuzz-arguments.test.ts.
 *
 *     npm run test:fuzz                    100,000 lines with a new seed
 *     npm run test:fuzz -- 42              lines of seed 42
 *     npm run test:fuzz -- 42 1000         the first thousand lines of seed 42
 */
import { commandLine } from '../test/support/fuzz/command-line.ts';
import { Facts } from '../test/support/fuzz/facts.ts';
import { fuzz } from '../test/support/fuzz/fuzz.ts';
import { judging } from '../test/support/fuzz/planner.ts';

const [seed = String(Date.now() % 1_000_000), count = '100000'] = process.argv.slice(2);
const extent = { seed: Number(seed), count: Number(count) };
console.log(`seed ${seed}, ${count} lines`);
using facts = new Facts();
const complaint = await fuzz(commandLine(), judging(facts), extent);
console.log(complaint === undefined ? 'ok' : `not ok  ${complaint}`);
process.exitCode = complaint === undefined ? 0 : 1;
