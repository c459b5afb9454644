// Chapters 3, 4 and 6 on the real kernel: a switch, its cables, and the way out.
//
//      one 172.17.0.2   two 172.17.0.3
//           |                |
//     +--vethA------------vethB--------------+          +-----------+
//     |      gangway0 172.17.0.1/16     host |---cable--| world .2  |
//     |                  up0 203.0.113.1/24  |          +-----------+
//     +--------------------------------------+
import test from 'ava';
import { type Container, type Row, type Story, withStory } from '../support/story-lab.ts';

const sleep = ['sleep', '100'];

async function link(story: Story, where: 'host' | Container, name: string): Promise<Row> {
  const [found] = await story.ip(where, 'link', 'show', 'dev', name);
  return found ?? {};
}

/** The machine's plug of a container: it knows its other end by number and by namespace. */
async function hostPlug(story: Story, container: Container): Promise<Row> {
  const inside = await link(story, container, 'eth0');
  const links = await story.ip('host', 'link', 'show', 'type', 'veth', 'master', 'gangway0');
  return links.find(({ ifindex }) => ifindex === inside.link_index) ?? {};
}

async function addresses(story: Story, where: 'host' | Container, name: string): Promise<readonly string[]> {
  const [found] = await story.ip(where, 'address', 'show', 'dev', name);
  return found?.addr_info.map((row: Row) => `${row.local}/${row.prefixlen} brd ${row.broadcast ?? '-'}`) ?? [];
}

test('a container on the bridge has a cable, an address and a gateway', async (t) => {
  await withStory(t, {}, async (story) => {
    const one = await story.start('--name', 'one', ...sleep);
    const eth0 = await link(story, one, 'eth0');
    t.like(eth0, { address: '02:42:ac:11:00:02', mtu: 1500, operstate: 'UP' });
    t.is(eth0.linkinfo.info_kind, 'veth');
    t.deepEqual(await addresses(story, one, 'eth0'), ['172.17.0.2/16 brd 172.17.255.255']);
    const routes = await story.ip(one, 'route');
    t.deepEqual(
      routes.map(({ dst, gateway, dev, protocol }) => [dst, gateway, dev, protocol]),
      [
        ['default', '172.17.0.1', 'eth0', 'boot'],
        ['172.17.0.0/16', undefined, 'eth0', 'kernel'],
      ],
    );
    t.is(await story.sysctl(one, 'net.ipv6.conf.eth0.disable_ipv6'), '1');
    t.is(await story.sysctl(one, 'net.ipv6.conf.lo.disable_ipv6'), '0');
    t.is(await story.sysctl(one, 'net.ipv4.ip_unprivileged_port_start'), '0');
    t.is(await story.sysctl(one, 'net.ipv4.ping_group_range'), '0 2147483647');
    t.is((await story.inside(one, 'nft list ruleset')).stdout, '');
  });
});

test('the machine’s side: a bridge with the gateway’s address, and a plug that lets a frame go back', async (t) => {
  await withStory(t, {}, async (story) => {
    const one = await story.start('--name', 'one', ...sleep);
    const bridge = await link(story, 'host', 'gangway0');
    t.like(bridge, { operstate: 'UP', mtu: 1500 });
    t.like(bridge.linkinfo.info_data, { stp_state: 0, vlan_filtering: 0 });
    t.deepEqual(await addresses(story, 'host', 'gangway0'), ['172.17.0.1/16 brd 172.17.255.255']);
    const plug = await hostPlug(story, one);
    t.regex(plug.ifname, /^veth[0-9a-f]{7}$/);
    t.is(plug.linkinfo.info_slave_data.hairpin, true);
    t.is(Number(plug.linkinfo.info_slave_data.group_fwd_mask), 0xfffd);
    t.deepEqual(await addresses(story, 'host', plug.ifname), [], 'no fe80:: on the machine’s plug');
    for (const name of ['gangway0', plug.ifname])
      t.is(await story.sysctl('host', `net.ipv6.conf.${name}.disable_ipv6`), '1');
    // The bridge keeps its MAC when its first plug has gone.
    await story.run('rm', '-f', 'one');
    t.is((await link(story, 'host', 'gangway0')).address, bridge.address);
  });
});

test('the MTU is the uplink’s, on the bridge and on both plugs', async (t) => {
  await withStory(t, { mtu: 1400 }, async (story) => {
    const one = await story.start('--name', 'one', ...sleep);
    t.is((await link(story, 'host', 'gangway0')).mtu, 1400);
    t.is((await hostPlug(story, one)).mtu, 1400);
    t.is((await link(story, one, 'eth0')).mtu, 1400);
    t.is((await story.inside(one, 'ping -c1 -W1 -M do -s 1372 203.0.113.2')).exitCode, 0);
  });
});

test('its files: six lines and its own, its name, and the machine’s servers but for those on its loopback', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.resolvConf('nameserver 127.0.0.53', 'nameserver 203.0.113.2', 'search corp.test', 'options ndots:1');
    const one = await story.start('--name', 'one', '--hostname', 'uno', ...sleep);
    const hosts = (await story.read(one, '/etc/hosts')).trimEnd().split('\n');
    t.is(hosts.length, 7);
    t.is(hosts.at(-1), '172.17.0.2\tuno');
    t.is(await story.read(one, '/etc/hostname'), 'uno\n');
    const lines = (await story.read(one, '/etc/resolv.conf')).split('\n').filter((line) => /^\w/.test(line));
    t.deepEqual(lines, ['nameserver 203.0.113.2', 'search corp.test', 'options ndots:1']);
  });
});

test('two containers reach each other, and an address that was let go rests for a while', async (t) => {
  await withStory(t, {}, async (story) => {
    const one = await story.start('--name', 'one', ...sleep);
    const two = await story.start('--name', 'two', ...sleep);
    t.deepEqual(await addresses(story, two, 'eth0'), ['172.17.0.3/16 brd 172.17.255.255']);
    t.is((await story.inside(one, 'ping -c1 -W1 172.17.0.3')).exitCode, 0);
    t.is((await story.inside(two, 'ping -c1 -W1 172.17.0.2')).exitCode, 0);
    await story.run('rm', '-f', 'one', 'two');
    const three = await story.start('--name', 'three', ...sleep);
    t.deepEqual(await addresses(story, three, 'eth0'), ['172.17.0.4/16 brd 172.17.255.255']);
  });
});

test('172.17.0.0/16 is left alone where the machine has a way to a part of it', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.sh('ip route add 172.17.200.0/24 via 203.0.113.2');
    const one = await story.start('--name', 'one', ...sleep);
    t.deepEqual(await addresses(story, one, 'eth0'), ['172.18.0.2/16 brd 172.18.255.255']);
    t.is((await story.inside(one, 'ping -c1 -W1 172.18.0.1')).exitCode, 0);
  });
});

test('the world sees the machine’s address, and cannot reach in', async (t) => {
  await withStory(t, {}, async (story) => {
    const { lab } = story;
    await lab.world.serve();
    const one = await story.start('--name', 'one', ...sleep);
    t.is((await story.inside(one, 'curl -s -m2 http://203.0.113.2/')).stdout, '203.0.113.1\n');
    t.is((await story.inside(one, 'echo | socat -T1 - UDP:203.0.113.2:7')).stdout, '203.0.113.1\n');
    t.is((await story.inside(one, 'ping -c1 -W1 203.0.113.2')).exitCode, 0);
    await lab.world.run(['ip', 'route', 'add', '172.17.0.0/16', 'via', '203.0.113.1']);
    t.not((await lab.world.exec(['ping', '-c1', '-W1', '172.17.0.2'])).exitCode, 0);
  });
});

test('the machine forwards from the first container to the last', async (t) => {
  await withStory(t, {}, async (story) => {
    const forwards = () => story.sysctl('host', 'net.ipv4.ip_forward');
    t.is(await forwards(), '0');
    await story.start('--name', 'quiet', '--network', 'none', ...sleep);
    t.is(await forwards(), '0', 'a container without a network needs no router');
    await story.start('--name', 'one', ...sleep);
    t.is(await forwards(), '1');
    await story.start('--name', 'two', ...sleep);
    await story.run('rm', '-f', 'one');
    t.is(await forwards(), '1');
    await story.run('stop', '--time', '0', 'two');
    t.is(await forwards(), '0');
    await story.run('start', 'two');
    t.is(await forwards(), '1');
  });
});

test('a machine that forwards already is left as it is', async (t) => {
  await withStory(t, { outside: ['world', 'neighbour'] }, async (story) => {
    await story.sh('sysctl -qw net.ipv4.ip_forward=1');
    await story.start('--name', 'one', ...sleep);
    t.true(await isRouterForStrangers(story));
    await story.run('rm', '-f', 'one');
    t.is(await story.sysctl('host', 'net.ipv4.ip_forward'), '1');
  });
});

test('a machine that forwards because of us is no router for strangers', async (t) => {
  await withStory(t, { outside: ['world', 'neighbour'] }, async (story) => {
    const one = await story.start('--name', 'one', ...sleep);
    t.false(await isRouterForStrangers(story));
    t.is((await story.inside(one, 'ping -c1 -W1 198.51.100.1')).exitCode, 0, 'for its containers it is');
    // Without our guard the same machine would be one.
    await story.sh("nft 'delete element inet gangway closed_transit { ipv4 }'");
    t.true(await isRouterForStrangers(story));
  });
});

/** Does a packet from the neighbour to an address behind the world get there, if it is handed to the machine? */
async function isRouterForStrangers({ lab }: Story): Promise<boolean> {
  await lab.world.run(['ip', 'address', 'replace', '198.51.100.1/32', 'dev', 'lo']);
  await lab.host.run(['ip', 'route', 'replace', '198.51.100.0/24', 'via', '203.0.113.2']);
  const neighbour = lab.place('neighbour');
  await neighbour.run(['ip', 'route', 'replace', '198.51.100.0/24', 'via', '203.0.113.1']);
  await neighbour.run([
    'sysctl',
    '-qw',
    'net.ipv4.conf.all.accept_redirects=0',
    'net.ipv4.conf.eth0.accept_redirects=0',
  ]);
  return (await neighbour.exec(['ping', '-c2', '-i0.2', '-W1', '198.51.100.1'])).exitCode === 0;
}
