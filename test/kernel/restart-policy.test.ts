import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { missingStrace } from '../support/crash.ts';
import { type Gangway, program, withGangway } from '../support/gangway.ts';
import { skipUnless } from '../support/skip.ts';

const status = async (gangway: Gangway) =>
  JSON.parse(await gangway.run('ps', '--all', '--format', 'json')) as {
    readonly State: string;
    readonly Status: string;
  };

test('a container that waits for its next start can be stopped, and stays so', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'again', '--network', 'none', '--restart', 'always', 'false');
    const waits = ['pgrep', '-f', '^[^ ]*node .* _exite[d]'];
    // The seventh wait takes six seconds, and who is not needed any more sees it within one.
    const isLong = async () => {
      const [{ RestartCount }] = JSON.parse(await gangway.run('inspect', 'again'));
      return RestartCount >= 6 && (await status(gangway)).State === 'restarting';
    };
    await waitFor('it waits', isLong, { timeoutMilliseconds: 60_000 });
    t.is((await gangway.lab.host.exec(waits)).exitCode, 0, 'control');
    t.like(JSON.parse(await gangway.run('inspect', 'again'))[0].State, {
      Running: true,
      Restarting: true,
      ExitCode: 1,
    });
    const refused = await gangway.exec(['rm', 'again']);
    t.is(refused.exitCode, 1);
    t.regex(refused.stderr, /^gangway: container again is restarting; `gangway stop again` first/);
    await gangway.run('stop', 'again');
    await waitFor('nobody waits', async () => (await gangway.lab.host.exec(waits)).exitCode !== 0, {
      timeoutMilliseconds: 4000,
    });
    const { State, Status } = await status(gangway);
    t.is(State, 'exited');
    t.regex(Status, /^Exited \(1\) /);
  }));

test('who types ^C wants an end, and who sends HUP does not', (t) =>
  withGangway(t, async (gangway) => {
    const ends = 'trap "exit 3" HUP INT QUIT; echo ready; while :; do sleep 0.01; done';
    const state = async (name: string) => {
      const [{ State, RestartCount }] = JSON.parse(await gangway.run('inspect', name));
      return `${State.Status} ${RestartCount}`;
    };
    for (const signal of ['INT', 'QUIT', 'HUP'] as const) {
      const run = ['run', '--name', signal, '--network', 'none', '--restart', 'always', 'sh', '-c', ends];
      const client = gangway.spawn(...run);
      await client.waitForOutput(/^ready$/m);
      await gangway.sh('kill -s "$1" $(pgrep -f "gangway.js run --name $1 ")', signal);
      t.is((await client.result).exitCode, 3);
      const then = signal === 'HUP' ? 'running 1' : 'exited 0';
      await waitFor(`after ${signal} it is ${then}`, async () => (await state(signal)) === then);
      await gangway.run('rm', '-f', signal);
    }
  }));

test('a signal waits for nobody where there is nothing to write down, and for no record', (t) =>
  withGangway(t, async (gangway) => {
    const hears = 'trap "echo INT" INT; echo ready; while :; do sleep 0.01; done';
    const heard = (name: string, word: string) =>
      waitFor(`${name} says ${word}`, async () => (await gangway.run('logs', name)).split('\n').includes(word));
    for (const [name, restart] of [
      ['web', 'no'],
      ['again', 'always'],
    ] as const) {
      await gangway.run('run', '-d', '--name', name, '--network', 'none', '--restart', restart, 'sh', '-c', hears);
      await heard(name, 'ready');
    }
    const held = gangway.lab.host.spawn(['flock', '/run/gangway/lock', 'sh', '-c', 'echo held; read word']);
    await held.waitForOutput(/^held$/m);
    await gangway.run('kill', '-s', 'INT', 'web');
    await heard('web', 'INT');
    await held.kill('SIGKILL');
    const records = '/var/lib/gangway/containers';
    await gangway.sh('mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"', records);
    const { exitCode, stderr } = await gangway.exec(['kill', '-s', 'INT', 'again']);
    t.is(exitCode, 1);
    t.regex(stderr, /EROFS|read-only/);
    await heard('again', 'INT');
    await gangway.sh('umount "$1"', records);
    await gangway.run('rm', '-f', 'web', 'again');
  }));

test('in the middle of its end and of its removal, a container is not one of which nobody knows anything', async (t) => {
  if (skipUnless(t, await missingStrace())) return;
  await withGangway(t, async (gangway) => {
    const before = await gangway.state();
    const id = await gangway.run('run', '-d', '--name', 'web', '--network', 'none', 'sleep', '1000');
    const record = `/var/lib/gangway/containers/${id}.json`;
    const killedAt = async (path: string, inject: string, ...words: readonly string[]) => {
      const strace = ['strace', '-f', '-qq', '-o', '/dev/null', '-P', path, '-e', `inject=${inject}:signal=KILL`];
      t.is((await gangway.lab.host.exec([...strace, ...program, ...words])).exitCode, 137);
    };
    const told = async () => {
      const [{ State }] = JSON.parse(await gangway.run('inspect', 'web'));
      return [(await status(gangway)).State, `${State.Status} ${State.ExitCode}`];
    };
    // Its first rename writes down that it is to stop, the second one that it has ended.
    await killedAt(`${record}.new`, 'rename:when=2', 'stop', '-t', '0', 'web');
    t.deepEqual(await told(), ['exited', 'exited 137']);
    await gangway.run('rm', 'web');
    const next = await gangway.run('run', '-d', '--name', 'web', '--network', 'none', 'sleep', '1000');
    await killedAt(`/var/lib/gangway/containers/${next}.json`, 'unlink,unlinkat', 'rm', '-f', 'web');
    t.deepEqual(await told(), ['removing', 'removing 137']);
    t.is(await gangway.run('ps', '-aqf', 'status=removing'), next.slice(0, 12));
    await gangway.run('gc');
    await gangway.settlesAt(t, before);
  });
});

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
    await gangway.run('start', 'slow');
    t.is(JSON.parse(await gangway.run('inspect', 'slow'))[0].State.ExitCode, 0);
    await waitFor('it listens again', async () => (await gangway.run('logs', 'slow')).split('ready').length === 3);
    await gangway.run('stop', '-t', '-1', 'slow');
    t.is(JSON.parse(await gangway.run('inspect', 'slow'))[0].State.ExitCode, 7);
  }));

test('waiting for what never ran, for what has ended, and for what is removed', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('create', '--name', 'never', 'true');
    t.is(await gangway.run('wait', 'never'), '0');
    await gangway.run('run', '-d', '--name', 'nine', '--network', 'none', 'sh', '-c', 'exit 9');
    t.is(await gangway.run('wait', 'nine'), '9');
    await gangway.run('run', '-d', '--name', 'gone', '--network', 'none', 'sleep', '1000');
    const waiting = gangway.spawn('wait', 'gone');
    const listens = "ls -l /proc/$(pgrep -f 'gangway.js wai[t] gone')/fd | grep inotify";
    await gangway.lab.host.waitFor(['sh', '-c', listens]);
    await gangway.run('rm', '-f', 'gone');
    t.deepEqual(await waiting.result, { exitCode: 0, stdout: '137\n', stderr: '' });
  }));

test('gc leaves the next start to the exit command that is on its way', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.lab.host.run(['install', '-d', '/run/again']);
    await gangway.lab.host.run(['mkfifo', '/run/again/go']);
    const again = 'run -d --name again --network none --restart always -v /run/again:/run/again'.split(' ');
    await gangway.run(...again, 'sh', '-c', 'read word </run/again/go; exit 1');
    const [{ Id }] = JSON.parse(await gangway.run('inspect', 'again'));
    // The exit script waits for this lock before it looks whether somebody has cleaned up.
    const held = gangway.lab.host.spawn([
      'flock',
      `/run/gangway/containers/${Id}/lock`,
      'sh',
      '-c',
      'echo held; read word',
    ]);
    await held.waitForOutput(/^held$/m);
    await gangway.lab.host.run(['sh', '-c', 'echo go >/run/again/go']);
    await waitFor('it has ended', async () => (await status(gangway)).State !== 'running');
    t.is(await gangway.run('gc'), '');
    await held.kill('SIGKILL');
    await waitFor('it runs again', async () => (await status(gangway)).State === 'running');
    t.is(JSON.parse(await gangway.run('inspect', 'again'))[0].RestartCount, 1);
  }));

test('a container that is removed when it ends can be started anew', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--rm', '--name', 'web', '--network', 'none', 'sleep', '1000');
    const pid = async () => JSON.parse(await gangway.run('inspect', 'web'))[0].State.Pid as number;
    const before = await pid();
    await gangway.run('restart', '-t', '0', 'web');
    t.not(await pid(), before);
    await gangway.run('stop', '-t', '0', 'web');
    t.is(await gangway.run('ps', '-aq'), '');
  }));

/** Begins a container that is removed when it ends, and that ends when it was asked to and may. @returns what waits until it was asked */
async function beginJob(gangway: Gangway): Promise<() => Promise<void>> {
  await gangway.sh('mkdir -p /run/go');
  const ends =
    'trap "echo TERM; until [ -e /go/on ]; do sleep 0.05; done; exit" TERM; echo ready; while :; do sleep 0.05; done';
  const job = ['run', '-d', '--rm', '--name', 'job', '--network', 'none', '-v', '/run/go:/go', 'sh', '-c', ends];
  await gangway.run(...job);
  await waitFor('it listens', async () => (await gangway.run('logs', 'job')).includes('ready'));
  return () => waitFor('it is asked to end', async () => (await gangway.run('logs', 'job')).includes('TERM'));
}

/** A command that can be stopped for a while: nsenter(1) would stop with its child, and not go on with it. */
function pausable(gangway: Gangway, ...words: readonly string[]) {
  return gangway.lab.host.spawn(['sh', '-c', '"$@"; exit $?', 'sh', ...program, ...words]);
}

test('whose restart is killed while it waits, ends as it was started', (t) =>
  withGangway(t, async (gangway) => {
    const before = await gangway.state();
    const isAsked = await beginJob(gangway);
    const restart = gangway.spawn('restart', '-t', '-1', 'job');
    await isAsked();
    await restart.kill('SIGKILL');
    await gangway.sh('touch /run/go/on');
    await waitFor('it is gone', async () => (await gangway.run('ps', '-aq')) === '');
    await gangway.sh('rm -r /run/go');
    await gangway.settlesAt(t, before);
  }));

test('whose restart is killed while it waits, is restarted as its policy says', (t) =>
  withGangway(t, async (gangway) => {
    const ends = 'trap "echo TERM; read word </go/on; exit 3" TERM; echo ready; while :; do sleep 0.05; done';
    await gangway.sh('mkdir /run/go; mkfifo /run/go/on');
    const run = ['run', '-d', '--name', 'web', '--network', 'none', '--restart', 'always', '-v', '/run/go:/go'];
    await gangway.run(...run, 'sh', '-c', ends);
    const said = (word: string, times: number) =>
      waitFor(`it says ${word} ${times} times`, async () => {
        const words = (await gangway.run('logs', 'web')).split('\n');
        return words.filter((each) => each === word).length === times;
      });
    await said('ready', 1);
    const restart = gangway.spawn('restart', '-t', '-1', 'web');
    await said('TERM', 1);
    await restart.kill('SIGKILL');
    await gangway.sh('echo go >/run/go/on');
    await said('ready', 2);
    t.is(JSON.parse(await gangway.run('inspect', 'web'))[0].RestartCount, 1);
    const stop = gangway.spawn('stop', '-t', '-1', 'web');
    await said('TERM', 2);
    await gangway.sh('echo go >/run/go/on');
    t.like(await stop.result, { exitCode: 0, stderr: '' });
    t.is((await status(gangway)).State, 'exited');
  }));

test('what is removed when it ends, and whose restart is killed before it starts, is for gc', async (t) => {
  if (skipUnless(t, await missingStrace())) return;
  await withGangway(t, async (gangway) => {
    const before = await gangway.state();
    await gangway.run('run', '-d', '--rm', '--name', 'job', '--network', 'none', 'sleep', '1000');
    // The first change is that it is to stop, the second one that it has ended.
    const inject = ['-P', '/run/gangway/journal.json', '-e', 'inject=unlink,unlinkat:signal=KILL:when=2'];
    const killing = ['strace', '-f', '-qq', '-o', '/dev/null', ...inject, ...program, 'restart', '-t', '0', 'job'];
    t.is((await gangway.lab.host.exec(killing)).exitCode, 137);
    t.is((await status(gangway)).State, 'exited');
    await gangway.run('stop', 'job');
    t.regex(await gangway.run('gc'), /^removed container job: it is removed when it ends/m);
    t.is(await gangway.run('ps', '-aq'), '');
    await gangway.settlesAt(t, before);
  });
});

test('two who restart it at once, and who starts it meanwhile, all have what they want', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', '--network', 'none', 'sleep', '1000');
    const results = await Promise.all(
      [['restart', '-t', '1'], ['restart', '-t', '1'], ['start']].map((words) => gangway.exec([...words, 'web'])),
    );
    for (const result of results) t.like(result, { exitCode: 0, stderr: '' });
    const since = ['events', '--since', '1h', '--until', '0s', '--format', '{{.Action}}'];
    const told = (await gangway.run(...since)).split('\n');
    t.is(told.filter((action) => action === 'restart').length, 2);
    t.is((await status(gangway)).State, 'running');
  }));

test('it ended when it ended, and not when somebody had time to clean up', (t) =>
  withGangway(t, async (gangway) => {
    const run = ['run', '-d', '--name', 'short', '--network', 'none', '-v', '/run:/run'];
    await gangway.run(...run, 'sh', '-c', 'until [ -e /run/go ]; do sleep 0.01; done; exit 4');
    const state = async () => JSON.parse(await gangway.run('inspect', 'short'))[0].State;
    const held = gangway.lab.host.spawn(['flock', '/run/gangway/lock', 'sh', '-c', 'echo held; read word']);
    await held.waitForOutput(/^held$/m);
    await gangway.sh('touch /run/go');
    await waitFor('it has ended', async () => (await status(gangway)).State === 'exited');
    const seen = new Date();
    const before = await state();
    await held.kill('SIGKILL');
    const left = 'find /run/gangway/exits -type f';
    await waitFor('it is cleaned up', async () => (await gangway.sh(left)) === '');
    const { StartedAt, FinishedAt, ExitCode } = await state();
    t.deepEqual([before.FinishedAt, before.ExitCode], [FinishedAt, ExitCode]);
    t.is(ExitCode, 4);
    t.true(new Date(FinishedAt) <= seen && new Date(FinishedAt) >= new Date(StartedAt), `${StartedAt} ${FinishedAt}`);
  }));

/** A container that waits for seconds, after some restarts, and its exit command. */
async function beginWaiting(gangway: Gangway): Promise<void> {
  const id = await gangway.run('run', '-d', '--name', 'again', '--network', 'none', '--restart', 'always', 'false');
  // One that still lives in the record waits for the lock, and not for its time.
  const waits = ['sh', '-c', '! grep -q \'"life"\' "$1" && pgrep -f "^[^ ]*node .* _exite[d]"', 'sh'];
  const isLong = async () => {
    const [{ RestartCount }] = JSON.parse(await gangway.run('inspect', 'again'));
    const { exitCode } = await gangway.lab.host.exec([...waits, `/var/lib/gangway/containers/${id}.json`]);
    return RestartCount >= 5 && exitCode === 0;
  };
  await waitFor('it waits for seconds', isLong, { timeoutMilliseconds: 60_000 });
}

test('nobody restarts it whose exit command was killed, and nobody says so', (t) =>
  withGangway(t, async (gangway) => {
    await beginWaiting(gangway);
    t.is((await status(gangway)).State, 'restarting');
    await gangway.sh("kill -KILL $(pgrep -f '^[^ ]*node .* _exite[d]')");
    await waitFor('it says so', async () => (await status(gangway)).State === 'exited');
    t.is(await gangway.run('gc'), '');
    await gangway.run('start', 'again');
  }));

test('who restarts it by hand is waited for, and if he is killed the policy goes on', (t) =>
  withGangway(t, async (gangway) => {
    const run = ['run', '-d', '--name', 'web', '--network', 'none', '--restart', 'always', '-v', '/run/go:/go'];
    await gangway.sh('mkdir /run/go');
    const ends = 'trap "echo TERM" TERM; echo ready; until [ -e /go/on ]; do sleep 0.05; done; rm /go/on; exit 3';
    await gangway.run(...run, 'sh', '-c', ends);
    const said = async (word: string) =>
      (await gangway.run('logs', 'web')).split('\n').filter((each) => each === word).length;
    await waitFor('it listens', async () => (await said('ready')) === 1);
    const restart = pausable(gangway, 'restart', '-t', '-1', 'web');
    await waitFor('it is asked', async () => (await said('TERM')) === 1);
    const pid = await gangway.sh("pgrep -f '^[^ ]*node .*gangway.js restar[t]'");
    await gangway.sh('kill -STOP "$1"; touch /run/go/on', pid);
    await waitFor('it has ended', async () => (await status(gangway)).State !== 'running');
    await gangway.sh('kill -KILL "$1"', pid);
    await restart.result;
    await waitFor('it runs again', async () => (await said('ready')) === 2);
    t.is(JSON.parse(await gangway.run('inspect', 'web'))[0].RestartCount, 1);
  }));

test('a restart that fails, or that is killed before it began, leaves stopped what was stopped', async (t) => {
  if (skipUnless(t, await missingStrace())) return;
  await withGangway(t, async (gangway) => {
    await gangway.sh('mkdir /run/tool');
    const run = ['run', '-d', '--name', 'web', '--network', 'none', '--restart', 'always', '-v', '/run/tool:/tool'];
    const id = await gangway.run(...run, 'sleep', '1000');
    await gangway.run('stop', '-t', '0', 'web');
    await gangway.sh('rmdir /run/tool');
    t.not((await gangway.exec(['restart', 'web'])).exitCode, 0);
    const killing = ['strace', '-qq', '-o', '/dev/null', '-P', '/run/gangway/journal.json'];
    const inject = ['-e', 'inject=openat:signal=KILL:when=2', ...program, 'restart', 'web'];
    await gangway.lab.host.exec([...killing, ...inject]);
    const record = JSON.parse(await gangway.sh('cat "$1"', `/var/lib/gangway/containers/${id}.json`));
    t.deepEqual([record.stopped, record.restartedBy], [true, undefined]);
  });
});

test('a restart starts the container that it was asked for, and no other of its name', async (t) => {
  if (skipUnless(t, await missingStrace())) return;
  await withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', '--network', 'none', 'sleep', '1000');
    const holding = 'inject=openat:signal=STOP:when=2';
    const strace = ['strace', '-f', '-qq', '-o', '/run/trace', '-P', '/run/gangway/lock', '-e', 'trace=openat'];
    const restart = gangway.lab.host.spawn([...strace, '-e', holding, ...program, 'restart', '-t', '0', 'web']);
    const isHeld = 'grep -q "stopped by SIGSTOP" /run/trace';
    await waitFor('it is held', async () => (await gangway.lab.host.exec(['sh', '-c', isHeld])).exitCode === 0);
    await gangway.run('rm', '-f', 'web');
    await gangway.run('create', '--name', 'web', 'sleep', '1000');
    await gangway.sh("kill -CONT $(pgrep -f '^[^ ]*node .*gangway.js restar[t]')");
    t.like(await restart.result, { exitCode: 1, stdout: '' });
    t.is((await status(gangway)).State, 'created');
  });
});

test('who waits and comes late is told of the end of what has been removed', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.sh('mkdir /run/go');
    const ends = 'until [ -e /go/on ]; do sleep 0.05; done; exit 9';
    const job = ['run', '-d', '--rm', '--name', 'job', '--network', 'none', '-v', '/run/go:/go', 'sh', '-c', ends];
    await gangway.run(...job);
    const waiting = pausable(gangway, 'wait', 'job');
    const waiter = "pgrep -f '^[^ ]*node .*gangway.js wai[t] job'";
    await gangway.lab.host.waitFor(['sh', '-c', `ls -l /proc/$(${waiter})/fd | grep inotify`]);
    const pid = await gangway.sh(waiter);
    await gangway.sh('kill -STOP "$1"; touch /run/go/on', pid);
    await waitFor('it is gone', async () => (await gangway.run('ps', '-aq')) === '');
    const left = 'find /run/gangway/exits -type f';
    await waitFor('what it left is gone', async () => (await gangway.sh(left)) === '');
    await gangway.sh('kill -CONT "$1"', pid);
    t.deepEqual(await waiting.result, { exitCode: 0, stdout: '9\n', stderr: '' });
  }));

test('of a stop and a restart at once the later wish counts', (t) =>
  withGangway(t, async (gangway) => {
    const before = await gangway.state();
    const isAsked = await beginJob(gangway);
    const stop = gangway.spawn('stop', '-t', '-1', 'job');
    await isAsked();
    const restart = pausable(gangway, 'restart', '-t', '-1', 'job');
    const restarter = `grep -o '"restartedBy":{"pid":[0-9]*' /var/lib/gangway/containers/*.json | grep -o '[0-9]*$'`;
    await gangway.lab.host.waitFor(['sh', '-c', restarter]);
    const pid = await gangway.sh(restarter);
    await gangway.sh('kill -STOP "$1"; touch /run/go/on', pid);
    t.like(await stop.result, { exitCode: 0, stderr: '' });
    await gangway.sh('kill -CONT "$1"', pid);
    t.like(await restart.result, { exitCode: 0, stderr: '' });
    t.is(JSON.parse(await gangway.run('inspect', 'job'))[0].State.Status, 'running');
    await gangway.run('stop', '-t', '0', 'job');
    t.is(await gangway.run('ps', '-aq'), '');
    await gangway.sh('rm -r /run/go');
    await gangway.settlesAt(t, before);
  }));

test('a container whose life left something behind lives again, as its policy says', (t) =>
  withGangway(t, async (gangway) => {
    const id = await gangway.run(
      'run',
      '-d',
      '--name',
      'again',
      '--network',
      'none',
      '--restart',
      'always',
      'sleep',
      '9',
    );
    await gangway.sh('mount --bind /etc/hosts "/run/gangway/containers/$1/hosts"', id);
    const first = JSON.parse(await gangway.run('inspect', 'again'))[0].State.Pid;
    await gangway.sh('kill -KILL "$1"', String(first));
    await waitFor('it lives again', async () => {
      const [{ State, RestartCount }] = JSON.parse(await gangway.run('inspect', 'again'));
      return State.Status === 'running' && RestartCount > 0;
    });
    await gangway.sh('umount "/run/gangway/containers/$1/hosts"', id);
    await gangway.run('rm', '-f', 'again');
    t.pass();
  }));

test('waiting for one whose end nobody saw: its end before that is not taken for it', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.sh('mkdir /run/long; echo 0 >/run/long/time');
    const sleeps = ['-v', '/run/long:/run/long', 'sh', '-c', 'exec sleep "$(cat /run/long/time)"'];
    await gangway.run('run', '--name', 'lost', '--network', 'none', ...sleeps);
    t.is(await gangway.run('wait', 'lost'), '0');
    await gangway.sh('echo 1000 >/run/long/time');
    await gangway.run('start', 'lost');
    await gangway.sh('kill -KILL $(pgrep conmon)');
    const { exitCode, stderr } = await gangway.exec(['wait', 'lost']);
    t.is(exitCode, 1);
    t.regex(stderr, /container lost ended, and nobody saw how/);
    await gangway.run('rm', '-f', 'lost');
    await gangway.sh('rm -r /run/long');
  }));
