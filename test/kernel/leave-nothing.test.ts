// Whatever a container was, nothing of it is left: the machine's snapshot is the one before the first command.
//
// A snapshot is taken of every namespace's links, addresses, routes and rules, of processes, mounts, control groups and
// files; see src/lab/snapshot.ts.
import test from 'ava';
import { difference } from '../../src/lab/snapshot.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { atOnce } from '../support/at-once.ts';
import { withGangway } from '../support/gangway.ts';
import { type Story, withStory } from '../support/story-lab.ts';

const sleep = ['sleep', '100'];

/** A root file system with one program and what it is linked with, as a directory and as an archive. */
const tree = `
mkdir -p /run/tree/proc /run/tree/dev /run/tree/sys /run/tree/etc
cp --parents -L "$(command -v sleep)" $(ldd "$(command -v sleep)" | grep -o '/[^ ]*') /run/tree/
tar -C /run/tree -cf /run/tree.tar .
`;

/** The options of each kind, and its command where it is not one that stays. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  'on no network': ['--network', 'none', ...sleep],
  'on the host’s network': ['--network', 'host', ...sleep],
  'on the bridge': sleep,
  'with published ports': ['-p', '8080:80', '-p', '127.0.0.1:5353:53/udp', '-p', '[::1]:9000:90/udp', ...sleep],
  'with a network of its own and nothing else': ['--isolation=network', '-p', '80', ...sleep],
  'in a user namespace of its own': ['--userns', 'private', ...sleep],
  'with a directory as its root': ['--rootfs', '/run/tree', ...sleep],
  'with an archive as its root': ['--rootfs', '/run/tree.tar', ...sleep],
  'with limits': ['--memory', '64m', '--cpus', '0.5', '--pids-limit', '20', ...sleep],
  'with an init, a terminal and a volume': ['--init', '-t', '-v', '/run/tree:/mnt', ...sleep],
  'that starts again and again': ['--restart', 'always', '-p', '8080:80', 'false'],
  'that has ended by itself': ['true'],
};

const inTurn = atOnce(4);

/** Stricter than what gangway keeps on purpose, of which an empty control group is none. */
async function strangers(story: Story, before: readonly string[]): Promise<readonly string[]> {
  return difference(before, await story.lab.leftovers()).filter((line) => !/^\+ file \/(run|var)\//.test(line));
}

for (const [kind, words] of Object.entries(kinds)) {
  test(`a container ${kind} leaves nothing`, (t) =>
    inTurn(() =>
      withStory(t, {}, async (story) => {
        await story.sh(tree);
        const [before, strict] = [await story.state(), await story.lab.leftovers()];
        await story.run('run', '-d', '--name', 'it', ...words);
        t.notDeepEqual(difference(before, await story.state()), []);
        await story.run('rm', '-f', 'it');
        await story.run('gc');
        await story.settlesAt(t, before);
        t.deepEqual(await strangers(story, strict), []);
      }),
    ));
}

test('all of them at once, started twice and stopped in between, leave nothing', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.sh(tree);
    const before = await story.state();
    const names: string[] = [];
    for (const [index, words] of Object.values(kinds).entries()) {
      const own = words.map((word) => word.replace(/(8080|5353|9000):/, `${20_000 + index}:`));
      names.push(`kind${index}`);
      await story.run('run', '-d', '--name', `kind${index}`, ...own);
    }
    await story.run('stop', '--time', '0', ...names);
    await story.run('start', ...names);
    await story.run('rm', '-f', ...names);
    await story.run('gc');
    await story.settlesAt(t, before);
  });
});

test('a container that runs in the foreground leaves nothing, and what was never started neither', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.run('gc');
    const before = await story.state();
    t.is(await story.run('run', '--rm', '-p', '8080:80', 'echo', 'gone'), 'gone');
    await story.run('create', '--name', 'draft', '-p', '8080:80', ...sleep);
    await story.run('rm', 'draft');
    await story.run('gc');
    await story.settlesAt(t, before);
  });
});

test('leaves processes in a reused mount namespace number alone', (t) =>
  withGangway(t, async (gangway) => {
    const id = await gangway.run('run', '-d', '--name', 'lean', '--isolation=network', 'sleep', '1000');
    const other = await gangway.sh('unshare --mount sleep 1000 >/dev/null 2>&1 & echo $!');
    const members = `/run/gangway/containers/${id}/members`;
    await waitFor('it has one of its own', () =>
      gangway
        .sh('[ "$(readlink "/proc/$1/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ] || echo yes', other)
        .then(Boolean),
    );
    await gangway.sh('sed -i "1s/.*/$(readlink "/proc/$1/ns/mnt")/" "$2"', other, members);
    await gangway.run('rm', '-f', 'lean');
    await gangway.sh('kill "$1"', other);
    t.pass();
  }));

test('gc of a gangway with other directories leaves alone what runs here', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', '-p', '8080:80', 'sleep', '1000');
    const before = await gangway.state();
    for (const options of [
      ['--state-directory=/run/other'],
      ['--state-directory=/run/other', '--runtime-directory=/run/else'],
    ]) {
      const { exitCode, stdout, stderr } = await gangway.exec([...options, 'gc']);
      t.deepEqual([exitCode, stdout], [0, '']);
      t.regex(stderr, /^gangway: warning: containers run here that stand in no file of ours: [0-9a-f]{12}\./);
      t.regex(await gangway.run('ps'), / Up .* web/);
    }
    await gangway.sh('rm -rf /run/other /run/else');
    t.deepEqual(await gangway.state(), before);
    await gangway.run('rm', '-f', 'web');
  }));
