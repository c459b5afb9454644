// Who keeps new files to himself, `umask 077`, gets the same containers as everybody: docker's daemon has a umask of its own.
//
//     root, umask 077:   gangway run --user nobody      /, /etc/hosts, /etc/resolv.conf can be read; its own umask is 022
import test from 'ava';
import { program } from '../support/gangway.ts';
import { flagsOf, standInProgram } from '../support/stand-in.ts';
import { withStory } from '../support/story-lab.ts';

/** Typed by somebody with that umask. */
const typed = 'umask 077; exec "$@"';
/** Run by nobody. */
const look = 'umask; stat -c "%a %n" / /etc/hosts /etc/hostname /etc/resolv.conf; cat /etc/hosts >/dev/null';
const expected = ['0022', '755 /', '644 /etc/hosts', '644 /etc/hostname', '644 /etc/resolv.conf'].join('\n');

const tree = `
mkdir -p /run/tree/dev /run/tree/etc /run/tree/proc /run/tree/sys /run/tree/run /run/tree/tmp
for file in sh cat stat; do
  cp --parents -L "$(command -v $file)" $(ldd "$(command -v $file)" | grep -o '/[^ ]*') /run/tree/
done
cd /run/tree && tar -cf /run/tree.tar *
`;

for (const options of [
  ['--network', 'bridge'],
  ['--network', 'none', '--isolation', 'network'],
  ['--network', 'none', '--userns', 'private'],
  ['--network', 'none', '--rootfs', '/run/tree.tar'],
  ['--network', 'none', '--rootfs', '/run/tree'],
]) {
  test(`run ${options.join(' ')} by somebody with a umask of 077`, async (t) => {
    await withStory(t, {}, async (story) => {
      await story.sh(tree);
      const words = [...options, '--user', '65534', 'sh', '-ec', look];
      t.is(await story.sh(typed, ...program, 'run', '--rm', ...words), expected);
      const script = await story.run('explain', 'run', ...words);
      const { exitCode, stdout, stderr } = await story.lab.host.exec(['sh', '-c', 'umask 077; exec sh'], {
        input: script,
      });
      t.deepEqual([exitCode, stdout.trim(), stderr], [0, expected, '']);
    });
  });
}

for (const isolation of ['full', 'network']) {
  test(`exec with isolation=${isolation} by somebody with a umask of 077`, async (t) => {
    await withStory(t, {}, async (story) => {
      await story.start('--name', 'web', '--network', 'none', '--isolation', isolation, 'sleep', '100');
      const words = ['exec', '-u', '65534', 'web', 'sh', '-ec', 'umask'];
      t.is(await story.sh(typed, ...program, ...words), '0022');
      const script = await story.run('explain', ...words);
      t.is(await story.sh('umask 077; printf %s "$1" | sh', script), '0022');
    });
  });
}

for (const [who, words] of [
  ['a stand-in of docker-proxy', [standInProgram, ...flagsOf('tcp', '127.0.0.1', 8005, '127.0.0.1', 80)]],
  ['the switchboard’s client', [...program, '_docker-proxy']],
] as const)
  test(`a container in a user namespace of its own gets through to what ${who} was the first to need`, async (t) => {
    await withStory(t, {}, async (story) => {
      story.lab.host.spawn(['sh', '-c', 'umask 022; exec "$@" 3>/run/said', 'sh', ...words]);
      await story.lab.host.waitFor(['test', '-d', '/run/gangway']);
      t.is(await story.sh('stat -c %a /run/gangway'), '711');
      t.is(await story.run('run', '--rm', '--network', 'none', '--userns', 'private', 'echo', 'through'), 'through');
    });
  });
