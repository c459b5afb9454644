import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { CrashTest, missingStrace, victims } from '../support/crash.ts';
import { withGangway } from '../support/gangway.ts';
import { skipUnless } from '../support/skip.ts';

const server = 'require("node:http").createServer((_, answer) => answer.end()).listen(80)';

/** The calls between which the states differ; `npm run test:crash` tries all of them, and every command. */
const telling: Readonly<Record<string, readonly string[]>> = {
  'run -d -p': ['rename 2', 'clone3 8'],
  'rm -f': ['unlink 1', 'sendto 2'],
  publish: ['rename 1'],
  unpublish: ['unlink 1'],
};

for (const victim of victims.filter(({ name }) => name in telling)) {
  test.serial(`kill -9 of ${victim.name}: whole or not at all`, async (t) => {
    if (skipUnless(t, await missingStrace())) return;
    await withGangway(t, async (gangway) => {
      const crashes = new CrashTest(gangway, victim);
      const points = await crashes.points();
      const chosen = points.filter(({ call, occurrence }) => telling[victim.name]?.includes(`${call} ${occurrence}`));
      t.true(chosen.length > 0);
      for (const point of chosen) t.deepEqual(await crashes.crash(point), [], `${point.call} ${point.occurrence}`);
    });
  });
}

test.serial('every process is killed: the kernel goes on, and the next command brings the rest back', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('run', '--rm', 'true');
    await gangway.run('gc');
    const before = await gangway.state();
    await gangway.run('run', '-d', '--name', 'web', '-p', '8080:80', process.execPath, '-e', server);
    const fromOutside = [
      'curl',
      '-so',
      '/dev/null',
      '--max-time',
      '2',
      `http://${gangway.lab.host.addresses.v4}:8080/`,
    ];
    const fromHere = ['curl', '-so', '/dev/null', '--max-time', '2', 'http://127.0.0.1:8080/'];
    await gangway.lab.world.waitFor(fromOutside);
    await gangway.lab.host.waitFor(fromHere);

    await gangway.sh('kill -9 "$(pgrep -f [_]switchboard)"');
    await gangway.lab.world.run(fromOutside);
    t.not((await gangway.lab.host.exec(fromHere)).exitCode, 0);
    await gangway.run('create', '--name', 'next', 'true');
    await gangway.lab.host.run(fromHere);
    await gangway.run('rm', 'next');

    await gangway.sh('kill -9 $(pgrep -f [_]switchboard) $(pgrep conmon)');
    await gangway.lab.world.run(fromOutside);
    t.regex(await gangway.run('ps', '-a'), /Exited \(unknown\)/);
    await gangway.run('gc');
    t.regex(await gangway.run('ps', '-a'), /Exited \(unknown\)/);
    await gangway.run('rm', 'web');
    await gangway.run('gc');
    await gangway.settlesAt(t, before);
  });
});

test.serial('the client in the foreground is killed: its container is cleaned up when it ends', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('run', '--rm', 'true');
    await gangway.run('gc');
    const before = await gangway.state();
    await gangway.sh('mkdir /run/shared');
    const script = 'echo here; until [ -e /shared/end ]; do sleep 0.1; done';
    const options = ['--name', 'web', '-p', '8080:80', '-v', '/run/shared:/shared'];
    const client = gangway.spawn('run', '--rm', ...options, 'sh', '-c', script);
    await client.waitForOutput(/here/);
    await gangway.sh('kill -9 "$(pgrep -f "gangway[.]js run --rm")"');
    t.regex(await gangway.run('ps'), /web/);
    await gangway.sh('touch /run/shared/end');
    await waitFor('the exit script has cleaned up', async () => (await gangway.run('ps', '-aq')) === '');
    await gangway.sh('rm -r /run/shared');
    await gangway.run('gc');
    await gangway.settlesAt(t, before);
  });
});

test.serial('gc goes on past a container that can’t be taken away, and says so', async (t) => {
  await withGangway(t, async (gangway) => {
    const one = await gangway.run('run', '-d', '--name', 'one', '--network', 'none', 'sleep', '1000');
    const two = await gangway.run('run', '-d', '--name', 'two', '--network', 'none', 'sleep', '1000');
    await gangway.sh('kill -9 $(pgrep conmon)');
    t.regex((await gangway.exec(['rm', 'one'])).stderr, /container one is running/, 'its command goes on');
    await gangway.sh('mount --bind /etc/hosts "/run/gangway/containers/$1/hosts"', one);
    const { exitCode, stderr } = await gangway.exec(['gc']);
    t.is(exitCode, 1);
    t.regex(stderr, /end one left something behind: EBUSY/);
    const left = await gangway.sh('ls /run/netns /run/gangway/containers');
    t.false(left.includes(two), left);
    t.false(left.includes(`gangway-${two.slice(0, 12)}`), left);
    await gangway.sh('umount "/run/gangway/containers/$1/hosts"', one);
    await gangway.run('gc');
    t.false((await gangway.sh('ls /run/netns /run/gangway/containers')).includes(one));
  });
});
