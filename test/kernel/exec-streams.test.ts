// What a further command gets of ours: pipes, and nothing of the machine's.
//
//      gangway exec ── pipe ── web: a command, whoever it is
//         └── a file, /dev/null, a terminal: the machine's, and root's
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { quote } from '../../src/values/quote.ts';
import { missingStrace } from '../support/crash.ts';
import { program, withGangway } from '../support/gangway.ts';
import { skipUnless } from '../support/skip.ts';

/** A null device of the lab's own: where this goes wrong it is not the machine's that is lost. */
const ownNull = `
mkdir /run/devices
mount -t tmpfs -o dev,mode=755 devices /run/devices
mknod -m 666 /run/devices/null c 1 3
mount --bind /run/devices/null /dev/null
`;

/** At a terminal at which nothing is typed, not even that nothing more will be. */
const atTerminal = '[ -p /run/keys ] || mkfifo /run/keys; script -qec "$1" /dev/null <>/run/keys';

test('crun gives nothing of the machine to the command’s user, and the command can’t close it', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.sh(ownNull);
    await gangway.run('run', '-d', '--name', 'web', '--network', 'none', 'sleep', '1000');
    const owners = () => gangway.sh('stat -c "%n %u:%g %a" /dev/null /run/in /run/out /run/err');
    await gangway.sh('umask 022; echo typed >/run/in; : >/run/out; : >/run/err');
    const before = await owners();
    const grasping = 'cat; for fd in 0 1 2; do chmod 4777 /proc/self/fd/$fd; done; id -u; echo no >&2; touch /tmp/$0';
    for (const options of [['-i'], [], ['-d']]) {
      for (const user of ['33', '0']) {
        const mark = `done-${options.join('')}-${user}`;
        const words = ['exec', ...options, '-u', user, 'web', 'sh', '-c', grasping, mark];
        await gangway.sh('"$@" </run/in >/run/out 2>/run/err', ...program, ...words);
        if (options[0] !== '-d')
          t.is(await gangway.sh('cat /run/out'), options[0] === '-i' ? `typed\n${user}` : user, words.join(' '));
        await waitFor(
          'it has tried',
          async () => (await gangway.exec(['exec', 'web', 'test', '-e', `/tmp/${mark}`])).exitCode === 0,
        );
      }
    }
    t.is(await owners(), before);
  }));

test('what a command leaves running is not waited for, a slow reader is, and one that goes ends it', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', '--network', 'none', 'sleep', '1000');
    t.is(await gangway.run('exec', 'web', 'sh', '-c', 'sleep 1000 & echo here'), 'here');
    const byName = await gangway.exec(
      ['exec', '-i', 'web', 'sh', '-c', 'cat /dev/stdin >/dev/stdout; echo err >/dev/stderr'],
      {
        input: 'typed\n',
      },
    );
    t.like(byName, { exitCode: 0, stdout: 'typed\n', stderr: 'err\n' }, 'they can be opened again');
    const exec = [...program, 'exec', 'web'];
    t.is(await gangway.sh('"$@" | (sleep 4; wc -c)', ...exec, 'head', '-c', '130000', '/dev/zero'), '130000');
    const status = '{ { s=0; "$@" || s=$?; echo "status $s" >&3; } | head -1; } 3>&1';
    // crun leaves SIGPIPE ignored: yes(1) says that it could not write.
    t.regex(await gangway.sh(status, ...exec, 'yes'), /^y\nstatus (1|141)$/);
    const full = await gangway.sh('"$@" 2>&1 >/dev/full || echo "status $?"', ...exec, 'echo', 'lost');
    t.regex(full, /ENOSPC.*\nstatus 1$/s);
  }));

test('-t alone is enough at a terminal, and without one it is refused', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', '--network', 'none', 'sleep', '1000');
    const words = [...program, 'exec', '-t', 'web', 'sh', '-c', 'tty && test -t 1'];
    const typed = words.map((word) => `'${word}'`).join(' ');
    t.regex(await gangway.sh(atTerminal, typed), /\/dev\/pts\/\d/);
    t.like(await gangway.exec(['exec', '-t', 'web', 'true']), {
      exitCode: 1,
      stderr: "gangway: stdin is not a terminal; leave out -t\nSee 'gangway exec --help'.\n",
    });
  }));

test('what a command at a terminal has said before crun listens is heard, and its status is its own', async (t) => {
  if (skipUnless(t, await missingStrace())) return;
  await withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', '--network', 'none', 'sleep', '1000');
    // Each file that it closes, before it waits for the command, takes crun a while.
    await gangway.sh(`
      mount -t tmpfs tmpfs /usr/local/sbin
      printf '#!/bin/sh\nexec strace -qq -o /dev/null -e inject=close:delay_enter=30000 /usr/bin/crun "$@"\n' >/usr/local/sbin/crun
      chmod +x /usr/local/sbin/crun`);
    const typed = (script: string) => `${program.map(quote).join(' ')} exec -t web ${script}`;
    t.is(
      await gangway.sh(`${atTerminal} || echo "status $?"`, typed('ls -d /proc/self /no/such')),
      ["ls: cannot access '/no/such': No such file or directory\r", '/proc/self\r', 'status 2'].join('\n'),
    );
    await gangway.sh('umount /usr/local/sbin');
  });
});

test('--isolation=network: a further command is whoever the container is', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', '--isolation=network', '--user', 'www-data', 'sleep', '1000');
    t.is(await gangway.run('exec', 'web', 'sh', '-c', 'id -u; id -G'), '33\n33');
    t.is(await gangway.run('exec', '--user', '0', 'web', 'id', '-u'), '0');
  }));

test('what a container was given counts more than what a terminal or another user bring', (t) =>
  withGangway(t, async (gangway) => {
    const seen = async (name: string, ...more: readonly string[]) => {
      const words = ['exec', '-t', '-u', 'www-data', ...more, name, 'sh', '-c', 'echo $HOME $TERM >/tmp/seen'];
      await gangway.sh(atTerminal, [...program, ...words].map(quote).join(' '));
      return await gangway.run('exec', name, 'cat', '/tmp/seen');
    };
    const start = (...words: readonly string[]) =>
      gangway.run('run', '-d', '--network', 'none', ...words, 'sleep', '1000');
    await start('--name', 'plain');
    await start('--name', 'given', '-e', 'HOME=/srv', '-e', 'TERM=vt100');
    t.is(await seen('plain'), '/var/www xterm');
    t.is(await seen('given'), '/srv vt100');
    t.is(await seen('given', '-e', 'HOME=/mnt'), '/mnt vt100');
  }));
