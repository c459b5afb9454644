/**
 * What a container may say of itself on its wire, and what it may not. Each attack has its control: the same frame from
 * a port that the guard doesn't know arrives. The drawing is in guard-topology.ts.
 */
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import {
  arp,
  discovery,
  ethernet,
  etherTypes,
  icmpv6,
  icmpv6Types,
  ipv4,
  ipv6,
  options,
  override,
  protocols,
  routerAdvertisement,
  summed,
  tagged,
  udp,
} from '../support/frames.ts';
import { broadcast, GuardTopology, gateway, own } from './guard-topology.ts';
import { guardFile } from './ruleset-scene.ts';

const attacker = own('attacker');
const victim = own('victim');
const sibling = own('sibling');
const allNodes = { mac: '33:33:00:00:00:01', address: 'ff02::1' } as const;

/** From the attacker's MAC to the victim's. */
function toVictim(etherType: number, payload: Uint8Array): Buffer {
  return ethernet(victim.mac, attacker.mac, etherType, payload);
}

function datagram4(from: string, to: string, ports: readonly [number, number] = [5000, 80], text = '?'): Buffer {
  return ipv4({ from, to, protocol: protocols.udp }, udp(...ports, Buffer.from(text)));
}

function datagram6(from: string, to: string, ports: readonly [number, number] = [5000, 80], text = '?'): Buffer {
  return ipv6(from, to, protocols.udp, udp6(from, to, ports, text));
}

function udp6(from: string, to: string, ports: readonly [number, number], text = '?'): Buffer {
  return summed(from, to, protocols.udp, 6, udp(...ports, Buffer.from(text)));
}

/** ICMPv6 to everybody on the wire. */
function toAllNodes(from: string, type: number, body: Uint8Array): Buffer {
  const message = icmpv6(from, allNodes.address, type, body);
  return ethernet(allNodes.mac, attacker.mac, etherTypes.ipv6, ipv6(from, allNodes.address, protocols.icmpv6, message));
}

/** `TARGET is at the attacker's MAC`, from the attacker's own address. */
function advertisement(target: string): Buffer {
  return icmpv6(attacker.six, victim.six, icmpv6Types.advert, discovery(override, target, [2, attacker.mac]));
}

function speaks(operation: 'request' | 'reply', mac: string, address: string, asked = address): Buffer {
  return arp({ operation, sender: [mac, address], target: [broadcast, asked] });
}

const stolen = datagram4(sibling.four, victim.four);
const solicitedGroup = { mac: '33:33:ff:00:00:03', address: 'ff02::1:ff00:3' } as const;

function detection(target: string): Buffer {
  const message = icmpv6('::', solicitedGroup.address, icmpv6Types.solicit, discovery(0, target));
  const packet = ipv6('::', solicitedGroup.address, protocols.icmpv6, message);
  return ethernet(solicitedGroup.mac, attacker.mac, etherTypes.ipv6, packet);
}

interface Attack {
  readonly frame: Buffer;
  /** As the victim's socket has it, which has taken the tag off. */
  readonly seen?: Buffer;
  readonly sink?: 'host';
  /** Where bridges ask the rules, those stop it as well. */
  readonly ruled?: true;
}

const toHost = (etherType: number, packet: Buffer): Attack => ({
  frame: ethernet(gateway.mac, attacker.mac, etherType, packet),
  sink: 'host',
});

const attacks: Readonly<Record<string, Attack>> = {
  'a packet with the MAC of a sibling': {
    frame: ethernet(victim.mac, sibling.mac, etherTypes.ipv4, datagram4(attacker.four, victim.four)),
  },
  'IPv4 in the name of a sibling': { frame: toVictim(etherTypes.ipv4, stolen) },
  'IPv4 in the name of the gateway': {
    frame: toVictim(etherTypes.ipv4, datagram4(gateway.four, victim.four)),
    ruled: true,
  },
  'IPv4 in the name of the world': {
    frame: toVictim(etherTypes.ipv4, datagram4('203.0.113.2', victim.four)),
    ruled: true,
  },
  'IPv4 in the name of a sibling, to the host': toHost(etherTypes.ipv4, datagram4(sibling.four, gateway.four)),
  'IPv4 in nobody’s name': { frame: toVictim(etherTypes.ipv4, datagram4('0.0.0.0', '255.255.255.255', [68, 67])) },
  'IPv6 in the name of a sibling': { frame: toVictim(etherTypes.ipv6, datagram6(sibling.six, victim.six)) },
  'IPv6 in the name of the gateway’s link-local address': {
    frame: toVictim(etherTypes.ipv6, datagram6(gateway.link, victim.six)),
    ruled: true,
  },
  'IPv6 in the name of a sibling, to the host': toHost(etherTypes.ipv6, datagram6(sibling.six, gateway.six)),
  'IPv6 in nobody’s name': { frame: toVictim(etherTypes.ipv6, datagram6('::', victim.six)), ruled: true },
  'ARP: the gateway is here, to all': {
    frame: ethernet(broadcast, attacker.mac, etherTypes.arp, speaks('request', attacker.mac, gateway.four)),
  },
  'ARP: a sibling is here, to all': {
    frame: ethernet(broadcast, attacker.mac, etherTypes.arp, speaks('reply', attacker.mac, sibling.four)),
  },
  'ARP: the gateway is here, to one': {
    frame: toVictim(etherTypes.arp, speaks('reply', attacker.mac, gateway.four, victim.four)),
  },
  'ARP: the attacker is where its sibling is': {
    frame: toVictim(etherTypes.arp, speaks('reply', sibling.mac, attacker.four, victim.four)),
  },
  'ARP: the true answer of a sibling, from the attacker': {
    frame: ethernet(victim.mac, sibling.mac, etherTypes.arp, speaks('reply', sibling.mac, sibling.four, victim.four)),
  },
  'ARP: an answer in nobody’s name': {
    frame: toVictim(etherTypes.arp, speaks('reply', attacker.mac, '0.0.0.0', victim.four)),
  },
  'ARP: is the victim’s address free?': {
    frame: ethernet(broadcast, attacker.mac, etherTypes.arp, speaks('request', attacker.mac, '0.0.0.0', victim.four)),
  },
  'an advertisement of a sibling’s address': {
    frame: toVictim(etherTypes.ipv6, ipv6(attacker.six, victim.six, protocols.icmpv6, advertisement(sibling.six))),
  },
  'an advertisement of the gateway, behind options': {
    frame: toVictim(
      etherTypes.ipv6,
      ipv6(attacker.six, victim.six, protocols.destination, options(protocols.icmpv6, advertisement(gateway.six))),
    ),
  },
  'IPv6: is the victim’s address free?': { frame: detection(victim.six) },
  'a router advertisement': {
    frame: toAllNodes(attacker.link, icmpv6Types.routerAdvert, routerAdvertisement('fd00:bad::')),
  },
  'a redirect': { frame: toAllNodes(attacker.link, 137, Buffer.alloc(36)) },
  'an offer of DHCP': { frame: toVictim(etherTypes.ipv4, datagram4(attacker.four, victim.four, [67, 68])) },
  'an answer of DHCPv6': { frame: toVictim(etherTypes.ipv6, datagram6(attacker.link, victim.six, [547, 546])) },
  'a stolen address, in VLAN 5': {
    frame: tagged(toVictim(etherTypes.ipv4, stolen), 5),
    seen: toVictim(etherTypes.ipv4, stolen),
  },
  'a stolen address, in no VLAN but with a tag': {
    frame: tagged(toVictim(etherTypes.ipv4, stolen), 0),
    seen: toVictim(etherTypes.ipv4, stolen),
  },
  'the gateway is here, in VLAN 5': {
    frame: tagged(toVictim(etherTypes.arp, speaks('reply', attacker.mac, gateway.four)), 5),
    seen: toVictim(etherTypes.arp, speaks('reply', attacker.mac, gateway.four)),
  },
  'a protocol that nobody knows': { frame: toVictim(0x88b5, Buffer.from('anything')) },
  'a frame of the time before types': { frame: toVictim(8, Buffer.from('anything')) },
};

/** What a container says of itself, and has to say. */
const honest: Readonly<Record<string, Buffer>> = {
  'ARP: a question': ethernet(
    broadcast,
    attacker.mac,
    etherTypes.arp,
    speaks('request', attacker.mac, attacker.four, victim.four),
  ),
  'ARP: an answer': toVictim(etherTypes.arp, speaks('reply', attacker.mac, attacker.four, victim.four)),
  'ARP: I am here': ethernet(broadcast, attacker.mac, etherTypes.arp, speaks('reply', attacker.mac, attacker.four)),
  'ARP: is my address free?': ethernet(
    broadcast,
    attacker.mac,
    etherTypes.arp,
    speaks('request', attacker.mac, '0.0.0.0', attacker.four),
  ),
  IPv4: toVictim(etherTypes.ipv4, datagram4(attacker.four, victim.four)),
  'IPv4, of a protocol that nobody knows': toVictim(
    etherTypes.ipv4,
    ipv4({ from: attacker.four, to: victim.four, protocol: 253 }, Buffer.from('anything')),
  ),
  'IPv4 to all': ethernet(
    broadcast,
    attacker.mac,
    etherTypes.ipv4,
    datagram4(attacker.four, '255.255.255.255', [68, 67]),
  ),
  IPv6: toVictim(etherTypes.ipv6, datagram6(attacker.six, victim.six)),
  'IPv6 from the link-local address': toVictim(etherTypes.ipv6, datagram6(attacker.link, victim.six)),
  'IPv6, of a protocol that nobody knows': toVictim(
    etherTypes.ipv6,
    ipv6(attacker.six, victim.six, 253, Buffer.from('anything')),
  ),
  'IPv6 behind options': toVictim(
    etherTypes.ipv6,
    ipv6(
      attacker.six,
      victim.six,
      protocols.destination,
      options(protocols.udp, udp6(attacker.six, victim.six, [5000, 80])),
    ),
  ),
  'IPv6: is my address free?': detection(attacker.six),
  'IPv6: a question': toVictim(
    etherTypes.ipv6,
    ipv6(
      attacker.six,
      victim.six,
      protocols.icmpv6,
      icmpv6(attacker.six, victim.six, icmpv6Types.solicit, discovery(0, victim.six, [1, attacker.mac])),
    ),
  ),
  'IPv6: an answer': toVictim(
    etherTypes.ipv6,
    ipv6(attacker.six, victim.six, protocols.icmpv6, advertisement(attacker.six)),
  ),
  'an echo': toAllNodes(attacker.six, icmpv6Types.echo, Buffer.from('anything')),
  'groups, before there is an address': toAllNodes('::', icmpv6Types.report, Buffer.alloc(4)),
};

async function scene(t: ExecutionContext, bridgeNetfilter: 0 | 1): Promise<GuardTopology> {
  const topology = await GuardTopology.open(bridgeNetfilter);
  t.teardown(() => topology.close());
  await topology.guard('attacker', 'victim', 'sibling');
  return topology;
}

for (const bridgeNetfilter of [0, 1] as const) {
  const suffix = `bridge-nf-call-iptables=${bridgeNetfilter}`;

  test.serial(`drops frames with another sender before the bridge, ${suffix}`, async (t) => {
    const topology = await scene(t, bridgeNetfilter);
    for (const [name, { sink = 'victim', frame, seen }] of Object.entries(attacks))
      t.false(await topology.arrives(sink, frame, seen), name);
    await topology.leaveUnguarded('attacker');
    for (const [name, { sink = 'victim', frame, seen, ruled = false }] of Object.entries(attacks))
      t.is(await topology.arrives(sink, frame, seen), bridgeNetfilter === 0 || !ruled, `control: ${name}`);
  });

  test.serial(`what a container says in its own name gets through, ${suffix}`, async (t) => {
    const topology = await scene(t, bridgeNetfilter);
    for (const [name, frame] of Object.entries(honest)) t.true(await topology.arrives('victim', frame), name);
  });
}

for (const bridgeNetfilter of [0, 1] as const) {
  test.serial(`stacks talk as without a guard, bridge-nf-call-iptables=${bridgeNetfilter}`, async (t) => {
    const topology = await scene(t, bridgeNetfilter);
    const place = topology.at('attacker');
    // A new link finds out whether its addresses are free, and the others whether they are there.
    await place.sysctl({ 'net.ipv6.conf.all.accept_dad': 1, 'net.ipv6.conf.eth0.accept_dad': 1 });
    await place.ip(['link set eth0 down', 'link set eth0 up', `address replace ${attacker.six}/64 dev eth0`]);
    await waitFor('both addresses are its own', async () => {
      const [link] = JSON.parse(await place.run(['ip', '-j', '-6', 'address', 'show', 'dev', 'eth0']));
      const rows: readonly { readonly tentative?: true; readonly dadfailed?: true }[] = link.addr_info;
      return rows.length === 2 && rows.every(({ tentative, dadfailed }) => !tentative && !dadfailed);
    });
    for (const [host, seen] of [
      [victim.four, attacker.four],
      [victim.six, attacker.six],
      [`${victim.link}%eth0`, `${attacker.link}%eth0`],
    ] as const) {
      t.is(await place.question({ protocol: 'tcp', host, port: 80 }), seen, `TCP to ${host}`);
      t.is(await place.question({ protocol: 'udp', host, port: 80, bytes: 4000 }), seen, `UDP to ${host}, in pieces`);
    }
    for (const host of [victim.four, victim.six, gateway.four, gateway.six])
      t.regex(
        await place.run(['ping', '-q', '-c1', '-s4000', '-W2', host]),
        / 1 received/,
        `an echo of ${host}, in pieces`,
      );
  });
}

test.serial('the guard is what nft prints of it, loads once, and refuses to be loaded twice', async (t) => {
  const topology = await GuardTopology.open(1);
  t.teardown(() => topology.close());
  const host = topology.at('host');
  const list = () => host.run(['nft', 'list', 'table', 'bridge', 'gangway']);
  const printed = await list();
  await topology.nft('delete table bridge gangway');
  await host.run(['nft', '-f', '-'], printed);
  t.is(await list(), printed);
  const error = await t.throwsAsync(host.run(['nft', '-f', guardFile]));
  t.regex(error.message, /File exists/);
  await topology.guard('attacker', 'victim', 'sibling');
  await topology.leaveUnguarded('attacker', 'victim', 'sibling');
  t.is(await list(), printed, 'elements leave nothing behind');
});
