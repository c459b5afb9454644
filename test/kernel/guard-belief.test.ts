/**
 * What the others believe of an attacker: their neighbour tables, their routes, the bridge's own table. The host's, too:
 * there is a way around the bridge. Each attack has its control. The drawing is in guard-topology.ts.
 */
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import {
  arp,
  discovery,
  ethernet,
  etherTypes,
  fragment,
  icmpv6,
  icmpv6Types,
  ipv4,
  ipv6,
  options,
  override,
  protocols,
  routerAdvertisement,
  udp,
} from '../support/frames.ts';
import { GuardTopology, gateway, own } from './guard-topology.ts';

const attacker = own('attacker');
const victim = own('victim');
const sibling = own('sibling');
/** Nearest bridge: the group that no bridge passes on. IEEE 802.1Q, table 8-1. */
const nearestBridge = '01:80:c2:00:00:0e';

async function scene(t: ExecutionContext, bridgeNetfilter: 0 | 1): Promise<GuardTopology> {
  const topology = await GuardTopology.open(bridgeNetfilter);
  t.teardown(() => topology.close());
  await topology.guard('attacker', 'victim', 'sibling');
  return topology;
}

function toVictim(...packets: readonly Buffer[]): readonly Buffer[] {
  return packets.map((packet) => ethernet(victim.mac, attacker.mac, etherTypes.ipv6, packet));
}

function fromAttacker(next: number, payload: Buffer): Buffer {
  return ipv6(attacker.six, victim.six, next, payload);
}

for (const bridgeNetfilter of [0, 1] as const) {
  const suffix = `bridge-nf-call-iptables=${bridgeNetfilter}`;

  test.serial(`keeps the attacker from being taken for the gateway, ${suffix}`, async (t) => {
    const topology = await scene(t, bridgeNetfilter);
    // What was heard within a second is believed longer than what comes after it.
    await topology.at('victim').sysctl({ 'net.ipv4.neigh.eth0.locktime': 0 });
    t.is(await topology.at('victim').ping(gateway.four, 1000), 'yes');
    const lie = arp({ operation: 'reply', sender: [attacker.mac, gateway.four], target: [victim.mac, victim.four] });
    const believed = async () => {
      await topology.arrives('victim', ethernet(victim.mac, attacker.mac, etherTypes.arp, lie));
      return await topology.neighbour('victim', gateway.four);
    };
    t.is(await believed(), gateway.mac);
    await topology.leaveUnguarded('attacker');
    t.is(await believed(), attacker.mac, 'control');
  });

  test.serial(
    `keeps the attacker from being taken for a sibling in IPv6, for each message type, ${suffix}`,
    async (t) => {
      const topology = await scene(t, bridgeNetfilter);
      const place = topology.at('victim');
      // As if the victim believed advertisements in pieces, too, which RFC 6980 forbids.
      await place.sysctl({ 'net.ipv6.conf.all.suppress_frag_ndisc': 0, 'net.ipv6.conf.eth0.suppress_frag_ndisc': 0 });
      const lie = icmpv6(
        attacker.six,
        victim.six,
        icmpv6Types.advert,
        discovery(override, sibling.six, [2, attacker.mac]),
      );
      const { icmpv6: next, fragment: piece, destination } = protocols;
      const ways = {
        plain: toVictim(fromAttacker(next, lie)),
        'behind options': toVictim(fromAttacker(destination, options(next, lie))),
        'in pieces': toVictim(
          fromAttacker(piece, fragment(next, 0, true, lie.subarray(0, 24))),
          fromAttacker(piece, fragment(next, 24, false, lie.subarray(24))),
        ),
      };
      const believed = async (frames: readonly Buffer[]) => {
        await place.ip([`neigh replace ${sibling.six} lladdr ${sibling.mac} nud reachable dev eth0`]);
        for (const frame of frames) await topology.arrives('victim', frame);
        return await topology.neighbour('victim', sibling.six);
      };
      for (const [name, frames] of Object.entries(ways)) t.is(await believed(frames), sibling.mac, name);
      await topology.leaveUnguarded('attacker');
      for (const [name, frames] of Object.entries(ways)) t.is(await believed(frames), attacker.mac, `control: ${name}`);
    },
  );

  test.serial(`keeps the attacker from being taken for a router, ${suffix}`, async (t) => {
    const topology = await scene(t, bridgeNetfilter);
    const all = 'ff02::1';
    const message = icmpv6(attacker.link, all, icmpv6Types.routerAdvert, routerAdvertisement('fd00:bad::'));
    const lie = ipv6(attacker.link, all, protocols.icmpv6, message);
    const routes = async () => {
      await topology.arrives('victim', ethernet('33:33:00:00:00:01', attacker.mac, etherTypes.ipv6, lie));
      return await topology.at('victim').run(['ip', '-6', 'route', 'show', 'proto', 'ra']);
    };
    t.is(await routes(), '');
    await topology.leaveUnguarded('attacker');
    t.regex(await routes(), new RegExp(`default via ${attacker.link}`), 'control');
  });

  test.serial(`keeps the bridge from learning foreign MACs from the attacker’s port, ${suffix}`, async (t) => {
    const topology = await scene(t, bridgeNetfilter);
    const packet = ipv4({ from: attacker.four, to: victim.four, protocol: protocols.udp }, udp(5000, 80));
    const frames = {
      'an honest packet': ethernet(victim.mac, sibling.mac, etherTypes.ipv4, packet),
      'to the bridge itself': ethernet(nearestBridge, sibling.mac, 0x88cc, Buffer.from('anything')),
      'too short for addresses': ethernet(victim.mac, sibling.mac, etherTypes.ipv4, Buffer.from('any')),
      'too short for addresses of IPv6': ethernet(victim.mac, sibling.mac, etherTypes.ipv6, Buffer.from('any')),
    };
    const port = async (frame: Buffer) => {
      await topology.arrives('victim', frame);
      return await topology.port(sibling.mac);
    };
    for (const [name, frame] of Object.entries(frames)) t.is(await port(frame), 'vsibling', name);
    await topology.leaveUnguarded('attacker');
    await topology.groupsOfTheBridge('attacker', 'kept');
    // With 1 br_netfilter itself drops what is too short.
    for (const [name, frame] of Object.entries(frames)) {
      const expected = bridgeNetfilter === 1 && name.startsWith('too short') ? 'vsibling' : 'vattacker';
      // The sibling says something by itself now and then, and the bridge learns from that, too.
      await t.notThrowsAsync(waitFor(`control: ${name}`, async () => (await port(frame)) === expected));
    }
  });

  test.serial(`stops packets that would bypass the bridge to the host, ${suffix}`, async (t) => {
    const topology = await scene(t, bridgeNetfilter);
    const host = topology.at('host');
    await topology.add([
      {
        set: 'isolated',
        key: [
          { type: 'nf_proto', family: 4 },
          { type: 'ifname', name: 'gangway0' },
        ],
      },
    ]);
    await host.serve(7000);
    const heard = async (mac: string, text: string, from: string = attacker.four) => {
      const packet = ipv4({ from, to: gateway.four, protocol: protocols.udp }, udp(5000, 7000, Buffer.from(text)));
      await topology.arrives('victim', ethernet(mac, attacker.mac, etherTypes.ipv4, packet));
      return (await host.heard()).includes(text);
    };
    t.false(await heard(gateway.mac, 'through the bridge'), 'its network is isolated from the host');
    await topology.leaveUnguarded('attacker');
    t.false(await heard(nearestBridge, 'around it'), 'with a guard and without');
    await topology.groupsOfTheBridge('attacker', 'kept');
    t.false(await heard(nearestBridge, 'in its own name'), 'by a link that is no bridge comes nobody of the network');
    t.true(await heard(nearestBridge, 'in a name of the world', '203.0.113.2'), 'control');
  });
}
