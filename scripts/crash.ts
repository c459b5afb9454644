/**
 * Kills gangway at every system call that changes something, for every command that makes changes: the long form of
 * test/kernel/crash.test.ts.
 *
 *     sudo npm run test:crash              every command
 *     sudo npm run test:crash -- stop      commands whose name contains "stop"
 *     sudo npm run test:crash -- '' 5      every fifth point
 */
import { execFileSync } from 'node:child_process';
import { createLab } from '../src/lab/lab.ts';
import { CrashTest, missingStrace, victims } from '../test/support/crash.ts';
import { Gangway } from '../test/support/gangway.ts';

const missing = await missingStrace();
if (missing !== undefined) {
  console.log(`skipped: ${missing}`);
  process.exit(0);
}
execFileSync('scripts/build', { stdio: 'inherit' });
const [name = '', step = '1'] = process.argv.slice(2);
let failed = 0;
for (const victim of victims.filter((candidate) => candidate.name.includes(name))) {
  await using lab = await createLab({ privateTmp: true });
  const test = new CrashTest(new Gangway(lab), victim);
  const points = (await test.points()).filter((_, index) => index % Number(step) === 0);
  console.log(`${victim.name}: ${points.length} points`);
  for (const point of points) {
    const complaints = await test.crash(point);
    for (const complaint of complaints)
      console.log(`not ok  ${victim.name}: ${point.call} ${point.occurrence}: ${complaint}`);
    if (complaints.length > 0) failed++;
  }
}
console.log(failed === 0 ? 'ok' : `${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
