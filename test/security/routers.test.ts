/** A container that advertises itself as a router, and networks without IPv6. Topology: siege.ts */
import { waitFor } from '../../src/lab/wait.ts';
import { backends } from './backends.ts';
import { bytes, ethernet, icmp, ip6, protocols } from './packets.ts';
import { besiege, type Siege } from './siege.ts';

const layout = {
  outside: ['world'],
  // Anti-spoofing rules would drop every advertisement before the bridge.
  networks: {
    six: { number: 1, options: ['-o', 'gangway.guard=false'] },
    four: { number: 2, families: [4] as const, options: ['-o', 'gangway.guard=false'] },
  },
  containers: { 'six.a': [], 'six.b': [], 'four.a': [], 'four.b': [] },
};

const allNodes = '33:33:00:00:00:01';

/** Returns a router advertisement for half an hour, with a prefix for address configuration (RFC 4861, 4.2). */
function advertisement(mac: string): Buffer {
  const way = { source: 'fe80::bad', destination: 'ff02::1' };
  const lifetime = '00000708';
  const router = Buffer.from('40000708'.padEnd(24, '0'), 'hex');
  const prefix = Buffer.concat([Buffer.from(`030440c0${lifetime}${lifetime}00000000`, 'hex'), bytes('2001:db8:bad::')]);
  return ethernet(allNodes, mac, ip6(way, protocols.icmp6, icmp(way, 134, 0, Buffer.concat([router, prefix])), 255));
}

/** @returns addresses and routes that a host took from the advertisement */
async function believed(siege: Siege, where: string, link: string): Promise<string> {
  const shown = await siege
    .at(where)
    .run(['sh', '-c', `ip -6 address show dev ${link} 2>&1; ip -6 route show dev ${link} 2>&1`]);
  return shown
    .split('\n')
    .filter((line) => /2001:db8:bad|fe80::bad/.test(line))
    .join('\n');
}

async function advertise(siege: Siege, from: string): Promise<void> {
  const frames = [advertisement(siege.container(from).mac).toString('hex')];
  await siege.at(from).request('frames', { link: 'eth0', frames });
}

async function forget(siege: Siege, where: string, link: string): Promise<void> {
  await siege
    .at(where)
    .run([
      'sh',
      '-c',
      `ip -6 route flush dev ${link} proto ra; ip -6 address flush dev ${link} to 2001:db8:bad::/64; ip -6 route flush 2001:db8:bad::/64`,
    ]);
}

for (const backend of backends) {
  const attack = besiege(backend, layout);

  attack('ignores router advertisements of a container on the host', async (t, siege) => {
    const routers = (link: string) => believed(siege, 'host', link);
    const willing = (link: string) => ({
      [`net.ipv6.conf.${link}.disable_ipv6`]: 0,
      [`net.ipv6.conf.${link}.accept_ra`]: 2,
    });
    for (const [from, link] of [
      ['six.a', 'six0'],
      ['four.a', 'four0'],
    ] as const) {
      await siege.disarmed(async () => {
        await siege.set(willing(link), async () => {
          await waitFor(`${link} has a router`, async () => {
            await advertise(siege, from);
            return (await routers(link)).includes('default via fe80::bad');
          });
          await forget(siege, 'host', link);
        });
        for (let count = 0; count < 3; count++) await advertise(siege, from);
        await siege.sh(`ping -c1 -W5 ${siege.address(from, 4)}`);
        t.is(await routers(link), '', 'also without rules');
      });
      for (let count = 0; count < 3; count++) await advertise(siege, from);
      await siege.sh(`ping -c1 -W5 ${siege.address(from, 4)}`);
      t.is(await routers(link), '');
    }
  });

  attack('keeps links of a network without IPv6 free of IPv6, in spite of a router', async (t, siege) => {
    const victim = siege.at('four.b');
    const addresses = () => victim.run(['ip', '-6', 'address', 'show', 'dev', 'eth0']);
    t.is(await addresses(), '');
    for (let count = 0; count < 3; count++) await advertise(siege, 'four.a');
    await siege.sh(`ping -c1 -W5 ${siege.address('four.b', 4)}`);
    t.is(await addresses(), '');
    await siege.disarmed(async () => {
      await victim.sysctl({ 'net.ipv6.conf.eth0.disable_ipv6': 0 });
      await waitFor('control: the link has an address of the prefix', async () => {
        await advertise(siege, 'four.a');
        return (await addresses()).includes('2001:db8:bad:');
      });
      await victim.sysctl({ 'net.ipv6.conf.eth0.disable_ipv6': 1 });
    });
  });

  attack('ignores routers of the wire on a macvlan without IPv6', async (t, siege) => {
    await siege.gangway(
      'network',
      'create',
      '-d',
      'macvlan',
      '-o',
      'parent=up0',
      '--subnet',
      '203.0.113.0/24',
      '--gateway',
      '203.0.113.2',
      'wired',
    );
    const id = await siege.gangway('run', '-d', '--network', 'name=wired,ip=203.0.113.9', 'sleep', 'infinity');
    const inside = (command: string) => siege.sh(`ip netns exec gangway-${id.slice(0, 12)} ${command}`);
    const addresses = () => inside('ip -6 address show dev eth0');
    const frames = [advertisement('02:42:cb:00:71:02').toString('hex')];
    const advertised = () => siege.at('world').request('frames', { link: 'eth0', frames });
    t.is(await addresses(), '');
    for (let count = 0; count < 3; count++) await advertised();
    await inside('ping -c1 -W5 203.0.113.2');
    t.is(await addresses(), '');
    await inside('sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0');
    await waitFor('control: the link has an address of the prefix', async () => {
      await advertised();
      return (await addresses()).includes('2001:db8:bad:');
    });
    await siege.gangway('rm', '-f', id);
    await siege.gangway('network', 'rm', 'wired');
  });
}
