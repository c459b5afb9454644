/** Who runs a container in the foreground is its messenger: signals are meant for the command. */
import test from 'ava';
import { program, withGangway } from '../support/gangway.ts';

test('signals to the client are the container’s', (t) =>
  withGangway(t, async (gangway) => {
    const loop = 'trap "echo got INT" INT; trap "echo got TERM; exit 5" TERM; echo ready; while :; do sleep 0.05; done';
    const client = gangway.spawn('run', '--rm', '--network', 'none', 'sh', '-c', loop);
    await client.waitForOutput(/ready/);
    await gangway.sh('kill -INT "$(pgrep -f "gangway[.]js run --rm")"');
    await client.waitForOutput(/got INT/);
    await gangway.sh('kill -TERM "$(pgrep -f "gangway[.]js run --rm")"');
    t.deepEqual(await client.result, { exitCode: 5, stdout: 'ready\ngot INT\ngot TERM\n', stderr: '' });
  }));

test('its client removes no container that somebody restarts', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.sh('mkdir /run/go');
    const ends =
      'trap "echo got TERM; until [ -e /go/on ]; do sleep 0.05; done; exit 5" TERM; echo ready; while :; do sleep 0.05; done';
    const run = ['run', '--rm', '--name', 'web', '--network', 'none', '-v', '/run/go:/go', 'sh', '-c', ends];
    const client = gangway.spawn(...run);
    await client.waitForOutput(/ready/);
    // nsenter(1) would stop with its child, and not go on with it.
    const restart = gangway.lab.host.spawn([
      'sh',
      '-c',
      '"$@"; exit $?',
      'sh',
      ...program,
      'restart',
      '-t',
      '-1',
      'web',
    ]);
    await client.waitForOutput(/got TERM/);
    // Who restarts it comes late to its end.
    const send = (signal: string) => gangway.sh('pkill "-$1" -f "^[^ ]*node .*gangway.js restart"', signal);
    await send('STOP');
    await gangway.sh('touch /run/go/on');
    t.is((await client.result).exitCode, 5);
    await send('CONT');
    t.like(await restart.result, { exitCode: 0, stderr: '' });
    t.is(JSON.parse(await gangway.run('inspect', 'web'))[0].State.Status, 'running');
    await gangway.run('stop', '-t', '0', 'web');
    t.is(await gangway.run('ps', '-aq'), '');
  }));

test('who removes it by force has killed it, and its clients say no more', (t) =>
  withGangway(t, async (gangway) => {
    const run = ['run', '--name', 'web', '--network', 'none', 'sh', '-c', 'echo ready; exec sleep infinity'];
    const client = gangway.spawn(...run);
    await client.waitForOutput(/ready/);
    const other = gangway.spawn('attach', 'web');
    await gangway.lab.host.waitFor(['sh', '-c', 'ss --no-header --unix --all | grep -c "ESTAB.*/attach" | grep -qx 2']);
    await gangway.run('rm', '-f', 'web');
    t.deepEqual(await client.result, { exitCode: 137, stdout: 'ready\n', stderr: '' });
    t.deepEqual(await other.result, { exitCode: 137, stdout: '', stderr: '' });
  }));

test('a client whose container goes on without a monitor says so', (t) =>
  withGangway(t, async (gangway) => {
    const run = ['run', '--name', 'web', '--network', 'none', 'sh', '-c', 'echo ready; exec sleep infinity'];
    const client = gangway.spawn(...run);
    await client.waitForOutput(/ready/);
    await gangway.sh('kill -KILL $(pgrep conmon)');
    const { exitCode, stderr } = await client.result;
    t.is(exitCode, 125);
    t.regex(stderr, /^gangway: nobody knows how the container ended, .*; `gangway ps -a` shows whether it still runs/);
    await gangway.run('rm', '-f', 'web');
  }));

for (const taker of ['stop', 'restart']) {
  test(`who comes late to an end that \`${taker}\` has cleaned up is told of it, and goes`, (t) =>
    withGangway(t, async (gangway) => {
      const before = await gangway.state();
      const ends = 'trap "exit 6" TERM; echo ready; while :; do sleep 0.05; done';
      // nsenter(1) would stop with its child, and not go on with it.
      const run = [...program, 'run', '--name', 'web', '--network', 'none', 'sh', '-c', ends];
      const client = gangway.lab.host.spawn(['sh', '-c', '"$@"; exit $?', 'sh', ...run]);
      await client.waitForOutput(/ready/);
      const send = (signal: string) => gangway.sh('pkill "-$1" -f "^[^ ]*node .*gangway.js run"', signal);
      // Its command may speak before it has let the others in.
      await gangway.lab.host.waitFor(['flock', '-n', '/run/gangway/lock', 'true']);
      await send('STOP');
      await gangway.run(taker, 'web');
      await send('CONT');
      t.deepEqual(await client.result, { exitCode: 6, stdout: 'ready\n', stderr: '' });
      await gangway.run('rm', '-f', 'web');
      await gangway.settlesAt(t, before);
    }));
}
