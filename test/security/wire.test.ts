/** Attackers on the host's wire, which send any frame to its MAC. Topology: siege.ts */
import { backends, pastTheBlackHole } from './backends.ts';
import { send as sendFrom } from './from.ts';
import { datagram, everyKind } from './kinds.ts';
import { families } from './layout.ts';
import { bytes, ethernet, icmp, ip4, packet, protocols, udp, type Way } from './packets.ts';
import { besiege, hostMac, type Shot, type Siege } from './siege.ts';

function publish(...ports: readonly string[]): readonly string[] {
  return ports.flatMap((port) => ['-p', port]);
}

const layout = {
  networks: {
    front: { number: 1 },
    inner: { number: 2, options: ['--internal'] },
    back: { number: 3 },
  },
  containers: {
    'front.a': publish(
      ...['8080:80/udp', '127.0.0.1:9000:80/udp', '45000:80/udp'],
      ...['203.0.113.1:45001:80/udp', '[2001:db8:f::1]:45001:80/udp'],
    ),
    'front.b': [],
    'inner.a': [],
    'back.a': [],
  },
};

const neighbourMac = '02:42:cb:00:71:03';

/** Sends packets to the host's MAC. */
function send(siege: Siege, ...packets: readonly Buffer[]): Promise<unknown> {
  const frames = packets.map((each) => ethernet(hostMac, neighbourMac, each).toString('hex'));
  return siege.at('neighbour').request('frames', { link: 'eth0', frames });
}

/** Returns a packet from the neighbour, optionally with a false source. */
function toward(siege: Siege, name: string, family: 4 | 6, source = siege.address('neighbour', family)): Way {
  return { source, destination: siege.address(name, family) };
}

for (const backend of backends) {
  const attack = besiege(backend, layout);

  attack('stops packets through a direct route to a container, for each protocol', async (t, siege) => {
    await siege.repels(
      t,
      families.flatMap((family) =>
        Object.entries(everyKind(toward(siege, 'front.a', family))).map(([title, make]) => ({
          title: `IPv${family}, ${title}`,
          at: 'front.a',
          fire: (text: string) => send(siege, ...make(text)),
        })),
      ),
    );
  });

  attack('stops packets with a forged source into an internal network', async (t, siege) => {
    const claims = {
      4: ['203.0.113.3', '10.0.2.9', '10.0.2.1', '10.0.1.2'],
      6: ['2001:db8:f::3', 'fd00:0:0:2::9', 'fd00:0:0:2::1'],
    };
    await siege.repels(
      t,
      families.flatMap((family) =>
        claims[family].map((source) => ({
          title: `as ${source}`,
          at: 'inner.a',
          fire: (text: string) => send(siege, datagram(toward(siege, 'inner.a', family, source), 80, text)),
        })),
      ),
    );
  });

  attack('stops packets from the wire to the host’s loopback', async (t, siege) => {
    const host = siege.at('host');
    for (const address of ['127.0.0.2', '::1', siege.address('host', 6)]) await host.serve(7001, address);
    const shot = (destination: string): Shot => {
      const source = siege.address('neighbour', destination.includes(':') ? 6 : 4);
      return {
        title: destination,
        at: 'host',
        fire: (text) => send(siege, datagram({ source, destination }, 7001, text)),
      };
    };
    await siege.repels(t, [shot('127.0.0.2')], (body) => siege.set({ 'net.ipv4.conf.up0.route_localnet': 1 }, body));
    await siege.land(t, [shot(siege.address('host', 6))]);
    await siege.miss(t, [shot('::1')]);
  });

  attack('stops packets from the wire to a port published on loopback, with each route_localnet', async (t, siege) => {
    const way = { source: siege.address('neighbour', 4), destination: '127.0.0.1' };
    const shot = {
      title: '127.0.0.1:9000',
      at: 'front.a',
      fire: (text: string) => send(siege, datagram(way, 9000, text)),
    };
    await siege.set({ 'net.ipv4.conf.up0.route_localnet': 1 }, () => siege.repels(t, [shot]));
  });

  attack('stops connections from the wire with a sibling’s source address', async (t, siege) => {
    const asking = (claims: readonly string[]) =>
      claims.map((source) => ({
        title: `as ${source}`,
        at: 'front.a',
        fire: (text: string) => {
          const destination = siege.address('host', source.includes(':') ? 6 : 4);
          return send(siege, datagram({ source, destination }, 8080, text));
        },
      }));
    await siege.land(t, asking(families.map((family) => siege.address('neighbour', family))));
    await siege.miss(
      t,
      asking(families.flatMap((family) => [siege.address('front.b', family), siege.address('front.a', family)])),
    );
  });

  attack('stops UDP from the wire with the source address of another network’s container', async (t, siege) => {
    let port = 21_000;
    const answered = (at: string, family: 4 | 6): Shot => ({
      title: `an answer to ${at}, IPv${family}`,
      at,
      fire: async (text) => {
        const [question, claim] = [toward(siege, 'host', family, siege.address(at, family)), ++port];
        await send(siege, packet(question, protocols.udp, udp(question, claim, 8080, 'a question')));
        const answer = { source: siege.address('front.a', family), destination: question.source };
        await sendFrom(siege, 'front.a', [packet(answer, protocols.udp, udp(answer, 80, claim, text))]);
      },
    });
    await siege.repels(
      t,
      families.map((family) => answered('back.a', family)),
    );
  });

  attack('stops packets from the wire to the host with a container’s source address', async (t, siege) => {
    await siege.at('host').serve(7005);
    await siege.repels(
      t,
      families.flatMap((family) =>
        ['front.b', 'inner.a', 'back'].map((name) => ({
          title: `as ${name}, IPv${family}`,
          at: 'host',
          fire: (text: string) =>
            send(siege, datagram(toward(siege, 'host', family, siege.address(name, family)), 7005, text)),
        })),
      ),
    );
  });

  attack('stops packets from the wire into a flow of two siblings', async (t, siege) => {
    const ways = families.map((family) => toward(siege, 'front.a', family, siege.address('front.b', family)));
    await siege.at('front.a').serve(6000);
    for (const { source, destination } of ways) {
      const question = {
        protocol: 'udp',
        host: destination,
        port: 6000,
        localAddress: source,
        localPort: 5000,
      } as const;
      t.is(await siege.at('front.b').question(question), source, 'the host tracks the flow');
    }
    const joining = ways.map((way) => ({
      title: `as ${way.source}`,
      at: 'front.a',
      fire: (text: string) => send(siege, packet(way, protocols.udp, udp(way, 5000, 6000, text))),
    }));
    await siege.repels(t, [...joining, ...ways.map((way) => complaint(siege, way))]);
  });

  attack('opens a masqueraded port only to the connection’s peer', async (t, siege) => {
    await siege.at('world').serve(7004);
    const answer = (from: string, family: 4 | 6): Shot => ({
      title: `${from}, IPv${family}`,
      at: 'front.a',
      fire: (text) => {
        const way = { source: siege.address(from, family), destination: siege.address('host', family) };
        return send(siege, packet(way, protocols.udp, udp(way, 7004, 45555, text)));
      },
    });
    for (const family of families) {
      const [host, localAddress] = [siege.address('world', family), siege.address('front.a', family)];
      const question = { protocol: 'udp', host, port: 7004, localAddress, localPort: 45555 } as const;
      t.is(await siege.at('front.a').question(question), siege.address('host', family));
    }
    await siege.land(
      t,
      families.map((family) => answer('world', family)),
    );
    await siege.miss(
      t,
      families.map((family) => answer('neighbour', family)),
    );
  });

  attack('keeps published ports free of source ports of other containers', async (t, siege) => {
    await siege.at('host').serve(7007);
    let asked = 25_000;
    const asking = (port: number, at: string) =>
      families.map(
        (family): Shot => ({
          title: `${at} hears ${port}, IPv${family}`,
          at,
          fire: async (text) => {
            const [out, back] = [toward(siege, 'neighbour', family, siege.address('back.a', family)), ++asked];
            const answer = toward(siege, 'host', family);
            await sendFrom(siege, 'back.a', [packet(out, protocols.udp, udp(out, port, back, 'a question'))]);
            await send(siege, packet(answer, protocols.udp, udp(answer, back, port, text)));
          },
        }),
      );
    await siege.land(t, asking(45_002, 'back.a'));
    await siege.miss(
      t,
      [7007, 8080, 45_000, 45_001].flatMap((port) => asking(port, 'back.a')),
    );
    await siege.land(t, [
      ...asking(7007, 'host'),
      ...[8080, 45_000, 45_001].flatMap((port) => asking(port, 'front.a')),
    ]);
  });

  attack('leaves forwarded traffic to a published port number alone', async (t, siege) => {
    await siege.at('world').serve(8080);
    const shots = (at: string) =>
      families.map((family) => ({
        title: `IPv${family}`,
        at,
        fire: (text: string) => send(siege, datagram(toward(siege, 'world', family), 8080, text)),
      }));
    await siege.land(t, shots('world'));
    await siege.repels(t, shots('front.a'), async (body) => {
      await siege.at('host').run(['nft', everyPort(siege)]);
      await siege.sh(pastTheBlackHole('add'));
      await body();
      await siege.sh(`nft delete table inet naive; ${pastTheBlackHole('delete')}`);
    });
  });

  attack('stops packets with a source route into a network', async (t, siege) => {
    const way = toward(siege, 'host', 4);
    const option = (next: string) => Buffer.concat([Buffer.of(131, 7, 4), bytes(next), Buffer.of(0)]);
    const shot = {
      title: 'loose source route',
      at: 'front.a',
      fire: (text: string) =>
        send(
          siege,
          ip4(way, protocols.udp, udp(way, 4711, 81, text), { options: option(siege.address('front.a', 4)) }),
        ),
    };
    const willing = { 'net.ipv4.conf.all.accept_source_route': 1, 'net.ipv4.conf.up0.accept_source_route': 1 };
    await siege.set(willing, () => siege.repels(t, [shot]));
  });

  attack('stops a broadcast packet from the wire to a network’s containers', async (t, siege) => {
    const source = siege.address('neighbour', 4);
    const shots = ['front', 'inner'].map((network, index) => ({
      title: network,
      at: `${network}.a`,
      fire: (text: string) => send(siege, datagram({ source, destination: `10.0.${index + 1}.255` }, 81, text)),
    }));
    const willing = { 'net.ipv4.conf.all.bc_forwarding': 1, 'net.ipv4.conf.up0.bc_forwarding': 1 };
    await siege.set(willing, () => siege.repels(t, shots));
  });
}

/** Returns an ICMP error from a claimed router about a claimed datagram of the destination. */
function complaint(siege: Siege, { source, destination }: Way): Shot {
  const back = { source: destination, destination: source };
  const family = source.includes(':') ? 6 : 4;
  const way = { source: siege.address('neighbour', family), destination };
  const [protocol, type, code] = family === 4 ? [protocols.icmp, 3, 3] : [protocols.icmp6, 1, 4];
  const about = (text: string) => packet(back, protocols.udp, udp(back, 6000, 5000, text));
  return {
    title: `an error about an answer to ${source}`,
    at: 'front.a',
    fire: (text) =>
      send(siege, packet(way, protocol, icmp(way, type, code, Buffer.concat([Buffer.alloc(4), about(text)])))),
  };
}

/** A DNAT rule that ignores the destination address. */
function everyPort(siege: Siege): string {
  const rules = families.map((family) => {
    const ip = family === 4 ? 'ip' : 'ip6';
    const address = siege.address('front.a', family);
    return `meta nfproto ipv${family} udp dport 8080 dnat ${ip} to ${family === 4 ? address : `[${address}]`}:80`;
  });
  return `table inet naive { chain caught { type nat hook prerouting priority dstnat - 1; ${rules.join('; ')}; }; }`;
}
