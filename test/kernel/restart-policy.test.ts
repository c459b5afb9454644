import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { type Gangway, withGangway } from '../support/gangway.ts';

const status = async (gangway: Gangway) =>
  JSON.parse(await gangway.run('ps', '--all', '--format', 'json')) as {
    readonly State: string;
    readonly Status: string;
  };

test('a container that waits for its next start can be stopped, and stays so', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'again', '--network', 'none', '--restart', 'always', 'false');
    await waitFor('it waits', async () => (await status(gangway)).State === 'restarting');
    await gangway.run('stop', 'again');
    const { State, Status } = await status(gangway);
    t.is(State, 'exited');
    t.regex(Status, /^Exited \(1\) /);
  }));

test('a container whose retries are used up has exited', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'twice', '--network', 'none', '--restart', 'on-failure:1', 'false');
    await waitFor('it gives up', async () => (await status(gangway)).State === 'exited');
    t.is(JSON.parse(await gangway.run('inspect', 'twice'))[0].RestartCount, 1);
  }));

test('who may wait for a month is not killed at once', (t) =>
  withGangway(t, async (gangway) => {
    const slow = 'trap "sleep 0.2; exit 7" TERM; echo ready; while :; do sleep 0.01; done';
    await gangway.run('run', '-d', '--name', 'slow', '--network', 'none', 'sh', '-c', slow);
    await waitFor('it listens', async () => (await gangway.run('logs', 'slow')).includes('ready'));
    for (const seconds of ['3000000', '999999999']) await gangway.run('stop', '-t', seconds, 'slow');
    t.is(JSON.parse(await gangway.run('inspect', 'slow'))[0].State.ExitCode, 7);
  }));
