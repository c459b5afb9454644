/**
 * Generated command lines on a real kernel: where gangway refuses, links, addresses, routes, rules, settings, processes
 * and files are what they were before.
 *
 *     world 203.0.113.2 --- host: networks front and six, container web in front
 */
import test from 'ava';
import fc from 'fast-check';
import { difference, type Snapshot } from '../../src/lab/snapshot.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { commandLine } from '../support/fuzz/command-line.ts';
import { type Gangway, withGangway } from '../support/gangway.ts';
import { isLong } from '../support/long.ts';

const changing = /^(run|create|network (create|connect|disconnect|rm))$/;
const lines = fc.sample(
  commandLine((path) => changing.test(path)),
  { seed: 1, numRuns: isLong ? 200 : 30 },
);

test('a line that is refused has changed nothing', async (t) => {
  t.timeout(300_000);
  await withGangway(t, async (gangway) => {
    await gangway.run('network', 'create', '--subnet', '10.1.0.0/24', 'front');
    await gangway.run('network', 'create', '--subnet', '10.5.0.0/24', '--subnet', 'fd00::/64', 'six');
    await gangway.run('run', '-d', '--name', 'web', '--network', 'front', 'sleep', '1000');
    let before = await gangway.state();
    let refused = 0;
    for (const line of lines) {
      // Nothing that a program can be given holds a zero byte, and what runs on and on is not refused.
      if (line.some((word) => word.includes('\0') || word.length > 50_000)) continue;
      // Another directory is another gangway, with a switchboard of its own.
      if (line.some((word) => /^--(state|runtime)-directory/.test(word))) continue;
      const { exitCode, stdout, stderr } = await gangway.exec(
        line[0] === 'run' ? ['run', '-d', ...line.slice(1)] : line,
      );
      t.notRegex(stderr, /internal error|\n {4}at /, JSON.stringify(line));
      if (exitCode === 0) {
        if (line[0] === 'run' || line[0] === 'create') await gangway.exec(['rm', '-f', stdout.trim()]);
        before = await quiet(gangway);
        continue;
      }
      refused++;
      await gangway.settlesAt(t, before, JSON.stringify(line));
    }
    t.true(refused > lines.length / 2, `${refused} refused`);
    t.log(`${refused} of ${lines.length} lines were refused`);
  });
});

/** The state when the kernel has taken away what it had time for: twice the same. */
async function quiet(gangway: Gangway): Promise<Snapshot> {
  let last = await gangway.state();
  await waitFor('two equal snapshots', async () => {
    const before = last;
    last = await gangway.state();
    return difference(before, last).length === 0;
  });
  return last;
}
