/**
 * Throws generated command lines at the parser: the long form of test/unit/fuzz-arguments.test.ts.
 *
 *     npm run test:fuzz                    100,000 lines, other ones each time
 *     npm run test:fuzz -- 42              those of seed 42
 *     npm run test:fuzz -- 42 1000         the first thousand of them
 */
import { commandLine } from '../test/support/fuzz/command-line.ts';
import { fuzz } from '../test/support/fuzz/fuzz.ts';
import { misread } from '../test/support/fuzz/parser.ts';

const [seed = String(Date.now() % 1_000_000), count = '100000'] = process.argv.slice(2);
const extent = { seed: Number(seed), count: Number(count) };
console.log(`seed ${seed}, ${count} lines`);
const complaint = await fuzz(commandLine(), misread, extent);
console.log(complaint === undefined ? 'ok' : `not ok  ${complaint}`);
process.exitCode = complaint === undefined ? 0 : 1;
