// Chapter 2 on the real kernel: the container's network is the host's.
//
//      host = bare
//     +------------------------+
//     | lo  up0 203.0.113.1/24 |
//     +----------+-------------+
//                | world 203.0.113.2
import test from 'ava';
import { difference } from '../../src/lab/snapshot.ts';
import { withStory } from '../support/story-lab.ts';

test('a container on the host’s network lives in the very namespace, and nothing is made for it', async (t) => {
  await withStory(t, {}, async (story) => {
    const network = async () => (await story.lab.leftovers()).filter((line) => /^[a-z]+ host: /.test(line));
    const before = await network();
    const bare = await story.start('--name', 'bare', '--network', 'host', 'sleep', '100');
    const inode = (pid: string) => story.sh('readlink "/proc/$1/ns/net"', pid);
    t.is(await inode(bare.pid), await inode('1'));
    t.deepEqual(difference(before, await network()), []);
    t.is(await story.sh('ls /run/netns'), 'world');
  });
});

test('it reads the host’s names: a copy of the file, and not the file', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.sh('echo "203.0.113.9 printer" >/run/hosts; mount --bind /run/hosts /etc/hosts');
    await story.resolvConf('nameserver 127.0.0.53');
    const bare = await story.start('--name', 'bare', '--network', 'host', 'sleep', '100');
    t.is(await story.read(bare, '/etc/hosts'), '203.0.113.9 printer\n');
    t.is(await story.read(bare, '/etc/resolv.conf'), 'nameserver 127.0.0.53\n');
    await story.sh('echo changed >"/proc/$1/root/etc/hosts"', bare.pid);
    t.is(await story.sh('cat /etc/hosts'), '203.0.113.9 printer');
    const hostname = await story.sh('hostname');
    t.is(await story.sh('nsenter --target "$1" --uts hostname', bare.pid), hostname);
    t.is((await story.read(bare, '/etc/hostname')).trim(), hostname);
  });
});

test('-p has nothing to publish there, and says so', async (t) => {
  await withStory(t, {}, async (story) => {
    const words = ['run', '-d', '--network', 'host', '-p', '8080:80', 'sleep', '100'];
    const { exitCode, stdout, stderr } = await story.exec(words);
    t.is(exitCode, 0);
    t.regex(stdout, /^[0-9a-f]{64}\n$/);
    t.is(stderr, 'gangway: warning: published ports are discarded when using host network mode\n');
    t.notRegex(await story.sh('ss -Hlnt'), /:8080 /);
  });
});

test('a server in it is a server of the machine', async (t) => {
  await withStory(t, {}, async (story) => {
    const { lab } = story;
    await story.start('--network', 'host', 'socat', 'TCP-LISTEN:7000,fork,reuseaddr', 'SYSTEM:echo $SOCAT_PEERADDR');
    await lab.host.waitFor(['sh', '-c', 'ss -Hlnt | grep -q :7000']);
    t.is(await lab.world.run(['socat', '-', 'TCP:203.0.113.1:7000']), '203.0.113.2\n');
  });
});
