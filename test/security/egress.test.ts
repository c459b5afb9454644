/** Attackers in a network with an egress policy. Topology: siege.ts */
import { backends } from './backends.ts';
import { everybody, linkLocal, send, shots, way } from './from.ts';
import { datagram, everyKind } from './kinds.ts';
import { families } from './layout.ts';
import { ethernet, icmp, packet, protocols, udp } from './packets.ts';
import { besiege, hostMac, type Shot, type Siege } from './siege.ts';

/**
 * Networks without anti-spoofing rules, so that a false sender reaches the firewall's rules. The mode does not drop packets
 * without a connection, so that only the policy drops them.
 */
const bare = ['-o', 'gangway.guard=false', ...inMode('routed')];
const limited = (egress: string) => ['--egress', egress, ...bare];

function inMode(mode: string): readonly string[] {
  return families.flatMap((family) => ['-o', `com.docker.network.bridge.gateway_mode_ipv${family}=${mode}`]);
}

const worldMac = '02:42:cb:00:71:02';

const layout = {
  outside: ['world'],
  networks: {
    plain: { number: 1, options: bare },
    shut: { number: 2, options: limited('allow=203.0.113.2,2001:db8:f::2') },
    some: { number: 3, options: limited('allow=10.0.5.2:80,[fd00:0:0:5::2]:80') },
    loose: { number: 4, options: limited('deny=10.0.6.0/24,fd00:0:0:6::/64,192.0.2.1') },
    open: { number: 5, options: inMode('nat-unprotected') },
    back: { number: 6 },
    old: { number: 7, families: [4] as const },
    free: { number: 8, options: bare },
  },
  containers: {
    'plain.a': [],
    'shut.a': [],
    'some.a': [],
    'loose.a': [],
    'open.a': [],
    'open.b': [],
    'back.a': ['-p', '8080:80/udp'],
    'old.a': ['-p', '8082:80/udp', '-p', '[2001:db8:f::1]:8083:80/udp'],
    'free.a': [],
  },
};

/** Connects to ports of the host that lead to containers of other networks, at each address and from each source. */
function published(siege: Siege, from: string): readonly Shot[] {
  const [network = ''] = from.split('.');
  const shot = (at: string, port: number, source: string, destination: string, mac?: string): Shot => ({
    title: `${source} > ${destination} ${port}`,
    at,
    fire: (text) => send(siege, from, [datagram({ source, destination }, port, text)], mac),
  });
  const own = (family: 4 | 6) => siege.address(from, family);
  const targets = families.flatMap((family) =>
    ['host', 'back', network].map((whose) => [own(family), siege.address(whose, family)] as const),
  );
  return [
    ...targets.map(([source, destination]) => shot('back.a', 8080, source, destination)),
    // Proxied connections: from IPv6 to IPv4, and from a link-local address.
    shot('old.a', 8082, own(6), siege.address('host', 6)),
    shot('old.a', 8083, own(6), siege.address('host', 6)),
    shot('back.a', 8080, linkLocal(siege.container(from).mac), siege.address(network, 6)),
    // The proxy also receives broadcast packets.
    ...['255.255.255.255', '224.0.0.1', '10.0.6.255'].map((all) => shot('back.a', 8080, own(4), all, everybody)),
    shot('back.a', 8080, own(6), 'ff02::1', everybody),
  ];
}

/** Checks that packets arrive from a network without a policy, and not from the other network. */
async function keeps(
  t: Parameters<Siege['land']>[0],
  siege: Siege,
  shotsFrom: (from: string) => readonly Shot[],
  from: string,
) {
  await siege.land(t, shotsFrom('plain.a'));
  await siege.miss(t, shotsFrom(from));
}

for (const backend of backends) {
  const attack = besiege(backend, layout);

  attack('stops packets from a limited network to closed destinations, for each kind of packet', async (t, siege) => {
    for (const family of families) {
      const kinds = (from: string, as = from) => {
        const there = { ...way(siege, from, 'open.a', family), source: siege.address(as, family) };
        return shots(siege, from, 'open.a', everyKind(there));
      };
      await keeps(t, siege, kinds, 'shut.a');
      // With the source address of a permitted container.
      await keeps(t, siege, (from) => kinds(from, 'plain.a'), 'shut.a');
    }
  });

  attack('permits a destination only at its port and protocol', async (t, siege) => {
    for (const family of families) {
      const kinds = (from: string, to: string) => everyKind(way(siege, from, to, family));
      const { 'UDP, port 80': allowed, 'TCP, SYN': begun } = kinds('some.a', 'open.a');
      if (allowed === undefined || begun === undefined) throw new Error('no such kinds');
      await siege.land(t, shots(siege, 'some.a', 'open.a', { allowed, begun }));
      const others = (from: string) => {
        const { 'UDP, port 80': _, 'TCP, SYN': __, ...rest } = kinds(from, 'open.a');
        return [...shots(siege, from, 'open.a', rest), ...shots(siege, from, 'open.b', kinds(from, 'open.b'))];
      };
      await keeps(t, siege, others, 'some.a');
    }
  });

  attack('sends an error about a permitted connection only to its other end', async (t, siege) => {
    for (const family of families) {
      const error = (from: string, at: string): Shot => {
        const there = way(siege, from, 'open.a', family);
        const to = { ...there, destination: siege.address(at, family) };
        const port = 40_000 + family;
        const back = { source: there.destination, destination: there.source };
        const about = packet(back, protocols.udp, udp(back, 80, port, 'an unexpected answer'));
        const [protocol, type, code] = family === 4 ? [protocols.icmp, 3, 3] : [protocols.icmp6, 1, 4];
        return {
          title: `to ${at}`,
          at,
          async fire(text) {
            const body = Buffer.concat([Buffer.alloc(4), about, Buffer.from(text)]);
            await send(siege, from, [packet(there, protocols.udp, udp(there, port, 80, 'a question'))]);
            await send(siege, from, [packet(to, protocol, icmp(to, type, code, body))]);
          },
        };
      };
      await siege.land(t, [error('some.a', 'open.a')]);
      await keeps(t, siege, (from) => [error(from, 'open.b')], 'some.a');
    }
  });

  attack('stops errors about connections of others, also with internal addresses', async (t, siege) => {
    for (const family of families) {
      const error = (from: string): Shot => {
        const begun = way(siege, 'plain.a', 'open.b', family);
        const to = way(siege, from, 'open.b', family);
        const port = 41_000 + family;
        const back = { source: begun.destination, destination: begun.source };
        const about = packet(back, protocols.udp, udp(back, 80, port, 'an answer to another host'));
        const [protocol, type, code] = family === 4 ? [protocols.icmp, 3, 3] : [protocols.icmp6, 1, 4];
        return {
          title: `from ${from}`,
          at: 'open.b',
          async fire(text) {
            const body = Buffer.concat([Buffer.alloc(4), about, Buffer.from(text)]);
            await send(siege, 'plain.a', [packet(begun, protocols.udp, udp(begun, port, 80, 'a question'))]);
            await send(siege, from, [packet(to, protocol, icmp(to, type, code, body))]);
          },
        };
      };
      await siege.land(t, [error('plain.a')]);
      await siege.repels(t, ['some.a', 'loose.a', 'back.a'].map(error));
    }
  });

  attack('stops errors about translated connections of others, in each mode', async (t, siege) => {
    for (const family of families) {
      const begun = way(siege, 'back.a', 'world', family);
      const host = siege.address('host', family);
      const port = 42_000 + family;
      const error = (from: string): Shot => {
        const to = { source: siege.address(from, family), destination: host };
        const masqueraded = { source: host, destination: begun.destination };
        const about = packet(masqueraded, protocols.udp, udp(masqueraded, port, 80, 'a question of another host'));
        const [protocol, type, code] = family === 4 ? [protocols.icmp, 3, 3] : [protocols.icmp6, 1, 4];
        return {
          title: `from ${from}`,
          at: 'back.a',
          async fire(text) {
            const told = packet(
              to,
              protocol,
              icmp(to, type, code, Buffer.concat([Buffer.alloc(4), about, Buffer.from(text)])),
            );
            await send(siege, 'back.a', [packet(begun, protocols.udp, udp(begun, port, 80, 'a question'))]);
            if (from !== 'world') return await send(siege, from, [told]);
            const frames = [ethernet(hostMac, worldMac, told).toString('hex')];
            return await siege.at('world').request('frames', { link: 'eth0', frames });
          },
        };
      };
      await siege.land(t, [error('world')]);
      await siege.miss(t, ['free.a', 'loose.a', 'open.b'].map(error));
    }
  });

  attack('stops packets from a limited network that look like replies to itself', async (t, siege) => {
    let port = 33_000;
    await siege.at('host').serve(7006);
    // Either through the host, or through the bridge only, which applies the rules.
    const { mac } = siege.container('shut.a');
    const answer = (at: string, as: string, family: 4 | 6, mac?: string): Shot => ({
      title: `to ${as}, IPv${family}, ${mac ?? 'by its gateway'}`,
      at,
      fire: async (text) => {
        const [question, own] = [way(siege, as, 'shut.a', family), ++port];
        const back = { source: question.destination, destination: question.source };
        await send(siege, 'shut.a', [packet(question, protocols.udp, udp(question, 7006, own, 'a question'))], mac);
        await send(siege, 'shut.a', [packet(back, protocols.udp, udp(back, own, 7006, text))]);
      },
    });
    await siege.repels(
      t,
      families.flatMap((family) =>
        [undefined, mac].flatMap((by) => [
          answer('open.b', 'open.b', family, by),
          answer('host', 'host', family, by),
          answer('host', 'shut', family, by),
        ]),
      ),
    );
  });

  attack('stops packets from a limited network with link-local addresses', async (t, siege) => {
    const [there, self] = ['169.254.169.254', '169.254.7.7'];
    await siege.sh(`ip route add ${there} via ${siege.address('world', 4)}`);
    await siege.lab.place('world').run(['ip', 'address', 'add', `${there}/32`, 'dev', 'eth0']);
    await siege.at('world').serve(7006);
    const { mac } = siege.container('shut.a');
    let port = 34_000;
    const answer: Shot = {
      title: there,
      at: 'world',
      fire: async (text) => {
        const [question, back, own] = [
          { source: there, destination: self },
          { source: self, destination: there },
          ++port,
        ];
        await send(siege, 'shut.a', [packet(question, protocols.udp, udp(question, 7006, own, 'a question'))], mac);
        await send(siege, 'shut.a', [packet(back, protocols.udp, udp(back, own, 7006, text))]);
      },
    };
    await siege.repels(t, [answer]);
  });

  attack('stops connections from a limited network through published ports of others', async (t, siege) => {
    await siege.land(t, published(siege, 'plain.a'));
    await siege.miss(t, published(siege, 'shut.a'));
    // A network with a deny list: the list also covers targets behind published ports.
    await siege.miss(t, published(siege, 'loose.a'));
  });
}
