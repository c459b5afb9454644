// Chapter 1 on the real kernel.
//
//      host                         quiet
//     +------------------------+   +------+
//     | lo  up0 203.0.113.1/24 |   | lo   |
//     +----------+-------------+   +------+
//                | world 203.0.113.2
import test from 'ava';
import { difference } from '../../src/lab/snapshot.ts';
import { withStory } from '../support/story-lab.ts';

const sixLines = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
];

test('a container on no network has a loopback that is up, and nothing else', async (t) => {
  await withStory(t, {}, async (story) => {
    const quiet = await story.start('--name', 'quiet', '--network', 'none', 'sleep', '100');
    const links = await story.ip(quiet, 'link');
    t.deepEqual(
      links.map(({ ifname, flags, mtu }) => [ifname, flags.includes('UP'), mtu]),
      [['lo', true, 65536]],
    );
    const addresses = (await story.ip(quiet, 'address')).flatMap((link) => link.addr_info);
    t.deepEqual(
      addresses.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
      ['127.0.0.1/8', '::1/128'],
    );
    t.deepEqual(await story.ip(quiet, 'route'), []);
    const ping = await story.inside(quiet, 'ping -c1 -W1 203.0.113.2');
    t.not(ping.exitCode, 0);
    t.regex(ping.stderr, /Network is unreachable/);
    t.is((await story.inside(quiet, 'ping -c1 -W1 127.0.0.1 && ping -c1 -W1 ::1')).exitCode, 0);
  });
});

test('every port is the container’s own, and every group may ping', async (t) => {
  await withStory(t, {}, async (story) => {
    const quiet = await story.start('--name', 'quiet', '--network', 'none', 'sleep', '100');
    t.is(await story.sysctl(quiet, 'net.ipv4.ip_unprivileged_port_start'), '0');
    t.is(await story.sysctl(quiet, 'net.ipv4.ping_group_range'), '0 2147483647');
    t.is(await story.sysctl('host', 'net.ipv4.ip_unprivileged_port_start'), '1024');
  });
});

test('in a user namespace, too: every group that exists in there', async (t) => {
  await withStory(t, {}, async (story) => {
    const owned = await story.start('--userns', 'private', '--network', 'none', 'sleep', '100');
    const settings = '/proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range';
    t.is(await story.sh(`nsenter --target "$1" --user --net cat ${settings}`, owned.pid), '0\n0\t65535');
  });
});

test('its files know localhost and its name, and it has no line of its own in hosts', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.resolvConf('nameserver 203.0.113.2');
    const quiet = await story.start('--name', 'quiet', '--network', 'none', 'sleep', '100');
    t.deepEqual((await story.read(quiet, '/etc/hosts')).trimEnd().split('\n'), sixLines);
    t.is(await story.read(quiet, '/etc/hostname'), `${quiet.id.slice(0, 12)}\n`);
    t.regex(await story.read(quiet, '/etc/resolv.conf'), /^nameserver 203\.0\.113\.2$/m);
    t.is(await story.sh('nsenter --target "$1" --uts hostname', quiet.pid), quiet.id.slice(0, 12));
  });
});

test('the host’s network is as it was: no link, no rule, no forwarding', async (t) => {
  await withStory(t, {}, async (story) => {
    const network = async () => (await story.lab.leftovers()).filter((line) => /^[a-z]+ host: /.test(line));
    const before = await network();
    await story.start('--name', 'quiet', '--network', 'none', 'sleep', '100');
    t.deepEqual(difference(before, await network()), []);
  });
});
