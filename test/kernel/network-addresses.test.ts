/** Which subnets and addresses are given out, as `ip` sees them: nothing that somebody else may mean by them. */
import test from 'ava';
import { type Row, type Story, withStory } from '../support/story-lab.ts';

/** The subnets' gateways on the bridges of our networks. */
async function gateways(story: Story, ...families: readonly string[]): Promise<readonly string[]> {
  const links = await story.ip('host', ...families, 'address', 'show', 'type', 'bridge');
  return links.flatMap(({ addr_info }) =>
    addr_info.filter(({ scope }: Row) => scope === 'global').map((row: Row) => `${row.local}/${row.prefixlen}`),
  );
}

test('a subnet steps aside for every route of the machine, in whichever table, and for its name servers', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.sh(`
      ip route add 172.17.128.0/24 via 203.0.113.2
      ip route add 172.18.0.0/15 dev up0 table 52
      ip address add 172.20.7.7/32 dev up0
      ip route add 172.22.0.0/16 via 203.0.113.2 table 7
      ip route add 0.0.0.0/1 via 203.0.113.2
      ip route add 128.0.0.0/1 via 203.0.113.2
      ip route add unreachable 172.16.0.0/12 metric 4000`);
    await story.resolvConf('nameserver 172.21.0.53');
    await story.start('sleep', '1000');
    await story.run('network', 'create', 'one');
    t.deepEqual(await gateways(story), ['172.23.0.1/16', '172.24.0.1/16'], 'the default bridge, too');
    const refused = await story.exec(['network', 'create', '--subnet', '172.22.9.0/24', 'two']);
    t.is(refused.exitCode, 1);
    t.regex(refused.stderr, /overlaps 172\.22\.0\.0\/16 \(route 172\.22\.0\.0\/16 via 203\.0\.113\.2 dev up0\)/);
  });
});

test('more than docker’s 31 networks, none of which overlap', async (t) => {
  await withStory(t, {}, async (story) => {
    for (let number = 0; number < 33; number++) await story.run('network', 'create', `n${number}`);
    const found = await gateways(story);
    t.is(found.length, 33);
    t.is(found[0], '172.18.0.1/16');
    t.deepEqual(found.slice(-4), ['192.168.240.1/20', '172.16.0.1/24', '172.16.1.1/24', '172.16.2.1/24']);
    t.is(new Set(found).size, 33);
  });
});

test('a size alone, many families, IPv6 alone', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.run('network', 'create', '--subnet', '0.0.0.0/28', '--subnet', '::/96', 'small');
    t.regex((await gateways(story)).join(' '), /^172\.18\.0\.1\/28 fd[0-9a-f:]+:1\/96$/);
    await story.run('network', 'create', '--ipv4=false', '--ipv6', 'six');
    const container = await story.start('--network', 'six', 'sleep', '1000');
    const [eth0] = await story.ip(container, 'address', 'show', 'dev', 'eth0');
    const global = eth0?.addr_info.filter(({ scope }: Row) => scope === 'global');
    t.deepEqual(
      global.map((row: Row) => row.family),
      ['inet6'],
    );
    t.is((await story.ip(container, '-4', 'route')).length, 0);
  });
});

test('an address that was let go rests; a range and a subnet are given out to the last, and then refused', async (t) => {
  await withStory(t, {}, async (story) => {
    const pool = ['--subnet', '10.5.0.0/24', '--ip-range', '10.5.0.64/29', '--aux-address', 'printer=10.5.0.66'];
    await story.run('network', 'create', ...pool, 'ranged');
    const address = async (name: string) => {
      const container = await story.start('--name', name, '--network', 'ranged', 'sleep', '1000');
      return (await story.ip(container, 'address', 'show', 'dev', 'eth0'))[0]?.addr_info[0].local;
    };
    t.is(await address('c1'), '10.5.0.65', 'the gateway is the first of the range');
    await story.run('rm', '-f', 'c1');
    const given = [];
    for (const name of ['c2', 'c3', 'c4', 'c5', 'c6', 'c7']) given.push(await address(name));
    t.deepEqual(
      given,
      [67, 68, 69, 70, 71, 65].map((last) => `10.5.0.${last}`),
      'and what was let go comes last',
    );
    const before = await story.state();
    const full = await story.exec(['run', '--rm', '--network', 'ranged', 'true']);
    t.is(full.exitCode, 125);
    t.regex(full.stderr, /no address is free in 10\.5\.0\.64\/29/);
    await story.settlesAt(t, before);
    await story.run('run', '--rm', '--network', 'ranged', '--ip', '10.5.0.9', 'true');
    await story.run('rm', '-f', 'c4');
    t.is(await address('c8'), '10.5.0.69');
  });
});

test('two of IPv6 alone whose addresses end alike reach each other', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.run('network', 'create', '--ipv4=false', '--ipv6', '--subnet', 'fd00::/16', 'six');
    const one = await story.start('--network', 'six', '--ip6', 'fd00::a:0:1', 'sleep', '1000');
    await story.start('--network', 'six', '--ip6', 'fd00::b:0:1', 'sleep', '1000');
    t.is((await story.inside(one, 'ping -c 1 -W 3 fd00::b:0:1')).exitCode, 0);
  });
});

test('an address that was let go rests on macvlan, too, where the machine shares nothing else; and nothing is left', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.run('network', 'ls');
    const before = await story.state();
    await story.run('network', 'create', '-d', 'macvlan', '-o', 'parent=up0', '--subnet', '10.81.0.0/24', 'lane');
    const address = () => story.run('run', '--rm', '--network', 'lane', 'sh', '-c', 'ip -br -4 address show dev eth0');
    t.regex(await address(), / 10\.81\.0\.1\/24$/);
    t.regex(await address(), / 10\.81\.0\.2\/24$/);
    await story.run('network', 'rm', 'lane');
    await story.settlesAt(t, before);
  });
});
