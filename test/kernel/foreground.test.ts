/** Who runs a container in the foreground is its messenger: signals are meant for the command. */
import test from 'ava';
import { withGangway } from '../support/gangway.ts';

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
