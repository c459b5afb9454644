// A kernel that was booted with `ipv6.disable=1` has no /proc/net/if_inet6 and no /proc/sys/net/ipv6. The kernel of this
// test has both; they are hidden from the program, which must not ask for what is not there.
//
//     machine     /proc/PID/net and /proc/sys/net/ipv6 of gangway are empty
//        |
//     gangway0 ── a container
import test from 'ava';
import { program } from '../support/gangway.ts';
import { withStory } from '../support/story-lab.ts';

/** The program keeps the shell's number, and with it the directory that is hidden. */
const hidden = `
mount -t tmpfs none /proc/sys/net/ipv6
mount -t tmpfs none /proc/$$/net
exec "$@"`;

test('a container on a kernel without IPv6', async (t) => {
  await withStory(t, {}, async (story) => {
    const run = (...words: readonly string[]) =>
      story.lab.host.run(['unshare', '--mount', 'sh', '-euc', hidden, 'sh', ...program, ...words]);
    const look = 'ip -br -4 address show dev eth0; ping -q -c 1 -W 2 172.17.0.1 >/dev/null';
    t.regex(await run('run', '--rm', 'sh', '-ec', look), /^eth0\S* +UP +172\.17\.0\.2\/16\s*$/);
    t.notRegex(await run('explain', 'run', '--network', 'bridge', 'true'), /ipv6/);
    t.is(await story.run('ps', '-aq'), '');
  });
});
