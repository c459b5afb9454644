/**
 * Who only looks holds no lock, so whatever he looks at may go in the middle of it. strace holds him there: it stops him at
 * a call, and somebody else has all the time that he needs.
 *
 *     onlooker ──call──▶ ✋ SIGSTOP                        SIGCONT ──▶ what does he say?
 *     somebody else                └─ rm -f, run, network rm ─┘
 */
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { missingStrace } from '../support/crash.ts';
import { type Gangway, program, withGangway } from '../support/gangway.ts';
import { skipUnless } from '../support/skip.ts';

const strace = ['strace', '-f', '-qq', '-o'];

/** Stops a command at its first call of a kind, on a path where one is given. @returns what lets it go on, and tells how it ended */
async function stopped(gangway: Gangway, at: readonly string[], call: string, ...words: readonly string[]) {
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=STOP:when=1`];
  const command = gangway.lab.host.spawn([...strace, '/run/trace', ...at, ...inject, ...program, ...words]);
  const isHeld = 'grep -q "stopped by SIGSTOP" /run/trace';
  await waitFor('it is held', async () => (await gangway.lab.host.exec(['sh', '-c', isHeld])).exitCode === 0);
  return async () => {
    await gangway.sh('kill -CONT $(pgrep -f "^[^ ]*node .*gangway.js $1")', words.join(' '));
    const result = await command.result;
    await gangway.sh('rm /run/trace');
    return result;
  };
}

function stracing(title: string, body: (t: ExecutionContext, gangway: Gangway) => Promise<void>): void {
  test(title, async (t) => {
    if (skipUnless(t, await missingStrace())) return;
    await withGangway(t, async (gangway) => {
      const before = await gangway.state();
      await body(t, gangway);
      await gangway.settlesAt(t, before);
    });
  });
}

const run = ['run', '-d', '--name', 'web', '--network', 'none', 'sleep', '1000'];

stracing('whose container goes while he turns to it is told so', async (t, gangway) => {
  const id = await gangway.run(...run);
  const exec = await stopped(
    gangway,
    ['-P', `/run/gangway/containers/${id}/config.json`],
    'openat',
    'exec',
    'web',
    'true',
  );
  await gangway.run('rm', '-f', 'web');
  const hint = '`gangway start web` starts it';
  t.like(await exec(), { exitCode: 1, stderr: `gangway: container web is not running; ${hint}\n` });
  await gangway.run(...run);
  const attach = await stopped(gangway, [], 'connect', 'attach', 'web');
  await gangway.run('rm', '-f', 'web');
  t.like(await attach(), { exitCode: 137, stderr: '' });
});

stracing('a namespace that is unmounted and not yet unpinned is none', async (t, gangway) => {
  const id = await gangway.run('run', '-d', '--name', 'web', '-p', '8080:80', 'sleep', '1000');
  const pin = `/run/netns/gangway-${id.slice(0, 12)}`;
  const at = ['-P', pin, '-e', 'inject=unlink,unlinkat:signal=KILL:when=1'];
  t.is((await gangway.lab.host.exec([...strace, '/dev/null', ...at, ...program, 'rm', '-f', 'web'])).exitCode, 137);
  t.is(await gangway.sh('stat -f -c %T "$1"', pin), 'tmpfs', 'control');
  for (const words of [['rules'], ['rules', 'web']])
    t.like(await gangway.exec(words), { exitCode: 0, stderr: '' }, words.join(' '));
  await gangway.run('gc');
});

stracing('what is used or removed while unused networks are taken away is no failure', async (t, gangway) => {
  for (const name of ['used', 'removed', 'unused']) await gangway.run('network', 'create', name);
  const goOn = await stopped(gangway, ['-P', '/run/gangway/lock'], 'openat', 'network', 'prune', '-f');
  await gangway.run('run', '-d', '--name', 'web', '--network', 'used', 'sleep', '1000');
  await gangway.run('network', 'rm', 'removed');
  const { exitCode, stdout, stderr } = await goOn();
  t.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' });
  t.is(stdout.trimEnd(), 'Deleted Networks:\nunused');
  await gangway.run('rm', '-f', 'web');
  await gangway.run('network', 'rm', 'used');
  await gangway.run('gc');
});
