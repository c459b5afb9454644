/** Attacks during creation and removal of networks, containers and ports. Topology: siege.ts */
import { waitFor } from '../../src/lab/wait.ts';
import type { Family } from '../../src/values/address.ts';
import { quiet } from '../support/gangway.ts';
import { backends, rules } from './backends.ts';
import { datagram } from './kinds.ts';
import { families } from './layout.ts';
import { ethernet, packet, protocols, udp } from './packets.ts';
import { besiege, hostMac, type Shot, type Siege } from './siege.ts';

const layout = { networks: { front: { number: 1 } }, containers: { 'front.a': [], 'front.b': [] } };
const neighbourMac = '02:42:cb:00:71:03';

function send(siege: Siege, packets: readonly Buffer[]): Promise<unknown> {
  const frames = packets.map((each) => ethernet(hostMac, neighbourMac, each).toString('hex'));
  return siege.at('neighbour').request('frames', { link: 'eth0', frames });
}

/** Returns the number of unexpected datagrams in a network namespace. */
async function unexpected(siege: Siege, id: string): Promise<Readonly<Record<Family, number>>> {
  const lines = await siege.sh(`ip netns exec gangway-${id.slice(0, 12)} cat /proc/net/snmp /proc/net/snmp6`);
  return {
    4: Number(/^Udp: \d+ (\d+)/m.exec(lines)?.[1]),
    6: Number(/^Udp6NoPorts\s+(\d+)/m.exec(lines)?.[1]),
  };
}

for (const backend of backends) {
  const attack = besiege(backend, layout);

  attack('stops packets into a network during its creation and removal', async (t, siege) => {
    const target = { 4: '10.0.9.2', 6: 'fd00:0:0:9::2' };
    const flood = () =>
      send(
        siege,
        families.flatMap((family) =>
          Array.from({ length: 20 }, () =>
            datagram({ source: siege.address('neighbour', family), destination: target[family] }, 81, 'flood'),
          ),
        ),
      );
    let over = false;
    const flooding = (async () => {
      while (!over) await flood();
    })();
    for (let round = 0; round < 3; round++) {
      await siege.gangway('network', 'create', '--ipv6', '--subnet=10.0.9.0/24', '--subnet=fd00:0:0:9::/64', 'brief');
      const connection = `name=brief,ip=${target[4]},ip6=${target[6]}`;
      const id = await siege.gangway('run', '-d', '--network', connection, 'sleep', 'infinity');
      t.deepEqual(await unexpected(siege, id), { 4: 0, 6: 0 });
      if (round === 2) {
        await siege.disarmed(() =>
          waitFor('control: without rules they arrive', async () => {
            const seen = await unexpected(siege, id);
            return seen[4] > 0 && seen[6] > 0;
          }),
        );
      }
      await siege.gangway('rm', '-f', id);
      await siege.gangway('network', 'rm', 'brief');
    }
    over = true;
    await flooding;
  });

  attack('stops a continuous sender at a port that leads elsewhere', async (t, siege) => {
    const ways = families.map((family) => ({
      source: siege.address('neighbour', family),
      destination: siege.address('host', family),
    }));
    const shots = (at: string, port: number): readonly Shot[] =>
      ways.map((way) => ({
        title: way.source,
        at,
        fire: (text) => send(siege, [packet(way, protocols.udp, udp(way, 5000, port, text))]),
      }));
    const lead = (name: string) => siege.at('host').run(['nft', '-f', '-'], naive(siege, name));
    await lead('front.a');
    await siege.land(t, shots('front.a', 7200));
    await siege.at('host').run(['nft', 'delete', 'table', 'inet', 'naive']);
    await lead('front.b');
    await siege.land(t, shots('front.a', 7200));
    await siege.at('host').run(['nft', 'delete', 'table', 'inet', 'naive']);

    await siege.gangway('publish', 'front.a', '7100:80/udp');
    await siege.land(t, shots('front.a', 7100));
    await siege.gangway('unpublish', 'front.a', '80/udp');
    await siege.miss(t, shots('front.a', 7100));
    await siege.gangway('publish', 'front.b', '7100:80/udp');
    await siege.land(t, shots('front.b', 7100));
    await siege.miss(t, shots('front.a', 7100));
    await siege.gangway('unpublish', 'front.b', '80/udp');
  });

  attack('restores flushed rules at once', async (t, siege) => {
    await siege.gangway('publish', 'front.a', '7400:80/udp');
    const shot = (destination: 'front.a' | 'host', port: number) =>
      families.map((family): Shot => {
        const source = siege.address('neighbour', family);
        const way = { source, destination: siege.address(destination, family) };
        return { title: way.destination, at: 'front.a', fire: (text) => send(siege, [datagram(way, port, text)]) };
      });
    const direct = shot('front.a', 81);
    await siege.repels(t, direct);
    const before = await siege.sh(rules[backend]);
    await siege.sh('nft flush ruleset');
    await waitFor('they are back', async () => (await siege.sh(rules[backend])) === before);
    await siege.miss(t, direct);
    await siege.land(t, shot('host', 7400));
    await siege.gangway('unpublish', 'front.a', '80/udp');
  });

  attack('fails and leaves nothing if a setting fails', async (t, siege) => {
    await siege.gangway('network', 'create', 'closed');
    const run = ['run', '--rm', '--network', 'closed', 'ip', '-6', 'address', 'show', 'dev', 'eth0'];
    t.is(await siege.gangway(...run), '', 'control');
    const before = await quiet(() => siege.state());
    await siege.sh('mount --bind /proc/sys/net /proc/sys/net; mount -o remount,bind,ro /proc/sys/net');
    const { exitCode, stderr } = await siege.exec([`--firewall-backend=${siege.backend}`, ...run]);
    await siege.sh('umount /proc/sys/net');
    t.is(exitCode, 125);
    t.regex(stderr, /^gangway: .*(EROFS|read-only)/);
    await siege.settlesAt(t, before);
    await siege.gangway('network', 'rm', 'closed');
  });
}

/** Publishes a port by rules only, without changing tracked connections. */
function naive(siege: Siege, name: string): string {
  const rules = families.map((family) => {
    const address = siege.address(name, family);
    const to = family === 4 ? `ip to ${address}` : `ip6 to [${address}]`;
    return `meta nfproto ipv${family} udp dport 7200 dnat ${to}:80`;
  });
  return `table inet naive { chain lead { type nat hook prerouting priority dstnat - 1; ${rules.join('; ')}; }; }`;
}
