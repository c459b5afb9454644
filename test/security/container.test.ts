/** Attackers in a container, who send any frame by their own link. Topology: siege.ts */
import { waitFor } from '../../src/lab/wait.ts';
import { backends } from './backends.ts';
import { datagram, everyKind, type Make } from './kinds.ts';
import { families } from './layout.ts';
import { ethernet, icmp, packet, protocols, tagged, type Way } from './packets.ts';
import { besiege, type Shot, type Siege } from './siege.ts';

/** Where the guard would stop a lie before anybody else sees it, the rules have to do without. */
const unguarded = ['-o', 'gangway.guard=false'];
const layout = {
  outside: ['world'],
  networks: {
    front: { number: 1, options: unguarded },
    back: { number: 2, options: unguarded },
    inner: { number: 3, options: ['--internal', ...unguarded] },
    apart: { number: 4, options: ['-o', 'com.docker.network.bridge.enable_icc=false'] },
    vault: { number: 6, options: ['--internal'] },
    old: { number: 5, families: [4] as const },
  },
  containers: {
    'front.a': ['-p', '8080:80/udp'],
    'back.a': [],
    'inner.a': [],
    'vault.a': [],
    'apart.a': [],
    'apart.b': [],
    'old.a': ['-p', '8082:80/udp'],
  },
};

const everybody = 'ff:ff:ff:ff:ff:ff';

/** Sends packets from a container to its gateway's MAC, or to a sibling's. */
async function send(siege: Siege, from: string, packets: readonly Buffer[], to?: string): Promise<unknown> {
  const target = to ?? (await siege.bridgeMac(from.split('.')[0] ?? ''));
  const frames = packets.map((each) => ethernet(target, siege.container(from).mac, each).toString('hex'));
  return siege.at(from).request('frames', { link: 'eth0', frames });
}

function way(siege: Siege, from: string, to: string, family: 4 | 6): Way {
  return { source: siege.address(from, family), destination: siege.address(to, family) };
}

function shots(siege: Siege, from: string, at: string, kinds: Readonly<Record<string, Make>>): readonly Shot[] {
  return Object.entries(kinds).map(([title, make]) => ({ title, at, fire: (text) => send(siege, from, make(text)) }));
}

/** The address that every link has in IPv6. @see RFC 4291, appendix A */
function linkLocal(mac: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(':').map((byte) => Number.parseInt(byte, 16));
  const words = [(a ^ 2) * 256 + b, c * 256 + 0xff, 0xfe00 + d, e * 256 + f];
  return `fe80::${words.map((word) => word.toString(16)).join(':')}`;
}

/** What connection tracking leaves alone, since it is for one wire; sent beyond it nevertheless. */
function discovery(siege: Siege, family: 4 | 6): Readonly<Record<string, Make>> {
  const there = way(siege, 'front.a', 'world', 6);
  const body = (text: string) => Buffer.concat([Buffer.alloc(20), Buffer.from(text)]);
  const solicitation: Make = (text) => [packet(there, protocols.icmp6, icmp(there, 135, 0, body(text)))];
  return family === 6 ? { 'a neighbour solicitation': solicitation } : {};
}

for (const backend of backends) {
  const attack = besiege(backend, layout);

  attack('no packet of one network reaches a container of another one', async (t, siege) => {
    for (const family of families) {
      await siege.repels(t, shots(siege, 'front.a', 'back.a', everyKind(way(siege, 'front.a', 'back.a', family))));
      // In the name of a sibling of whom it attacks.
      const { destination } = way(siege, 'front.a', 'back.a', family);
      const claim = { source: siege.address('back.b', family), destination };
      await siege.repels(t, shots(siege, 'front.a', 'back.a', everyKind(claim)));
    }
  });

  attack('the machine’s loopback is not on a bridge', async (t, siege) => {
    await siege.at('host').serve(7001, '127.0.0.2');
    const target = { source: siege.address('front.a', 4), destination: '127.0.0.2' };
    const shot = {
      title: '127.0.0.2',
      at: 'host',
      fire: (text: string) => send(siege, 'front.a', [datagram(target, 7001, text)]),
    };
    await siege.repels(t, [shot], (body) => siege.set({ 'net.ipv4.conf.front0.route_localnet': 1 }, body));
  });

  attack('no packet goes out under an address of the inside', async (t, siege) => {
    const world = siege.lab.place('world');
    const seen = world.spawn(['tcpdump', '-i', 'eth0', '-Q', 'in', '-nn', '-l', '-A', '--immediate-mode']);
    await seen.waitForOutput(/listening on/);
    const inner = families.map((family) => siege.address('front.a', family));
    const leaks = (text: string) => {
      const packets = text.split(/^(?=\d\d:\d\d:\d\d\.)/m);
      return packets.filter((packet) => inner.some((address) => new RegExp(` ${address}[. ].*>`).test(packet)));
    };
    const rounds = async () => {
      const from = seen.stdout.length;
      let count = 0;
      for (const family of families) {
        const kinds = { ...everyKind(way(siege, 'front.a', 'world', family)), ...discovery(siege, family) };
        for (const make of Object.values(kinds)) await send(siege, 'front.a', make(`<${++count}>`));
      }
      const last = datagram(way(siege, 'front.a', 'world', 6), 9, '<last>');
      await send(siege, 'front.a', [last]);
      await waitFor('the last has arrived', () => seen.stdout.slice(from).includes('<last>'));
      return { leaked: leaks(seen.stdout.slice(from)), count };
    };
    await siege.disarmed(async () => {
      const { leaked, count } = await rounds();
      t.true(leaked.length > count, `control: ${leaked.length} of ${count}`);
    });
    t.deepEqual((await rounds()).leaked, []);
    await seen.kill();
  });

  attack('out of an internal network there is no way', async (t, siege) => {
    for (const place of ['world', 'host']) await siege.at(place).serve(7002);
    const to = (at: string, destination: string, port: number, source?: string): Shot => ({
      title: `${destination} ${port}${source === undefined ? '' : ` as ${source}`}`,
      at,
      fire: (text) => {
        const own = siege.address('inner.a', destination.includes(':') ? 6 : 4);
        return send(siege, 'inner.a', [datagram({ source: source ?? own, destination }, port, text)]);
      },
    });
    await siege.repels(
      t,
      families.flatMap((family) => [
        to('world', siege.address('world', family), 7002),
        to('world', siege.address('world', family), 7002, siege.address('front.a', family)),
        to('host', siege.address('host', family), 7002),
        to('host', siege.address('front', family), 7002),
        to('back.a', siege.address('back.a', family), 80),
      ]),
    );
    // By ports that are published: those who may do arrive.
    const published = (from: string) =>
      families.flatMap((family) =>
        ['host', from.split('.')[0] ?? ''].flatMap((whose) => {
          const destination = siege.address(whose, family);
          const of = { source: siege.address(from, family), destination };
          return (
            [
              ['front.a', 8080],
              ['old.a', 8082],
            ] as const
          ).map(
            ([at, port]): Shot => ({
              title: `${destination} ${port}`,
              at,
              fire: (text) => send(siege, from, [datagram(of, port, text)]),
            }),
          );
        }),
      );
    await siege.land(t, published('back.a'));
    await siege.miss(t, published('inner.a'));
  });

  attack('out of an internal network a packet to all reaches no published port', async (t, siege) => {
    const toAll = (from: string, number: number) =>
      ['255.255.255.255', `10.0.${number}.255`, '224.0.0.1', 'ff02::1'].map((destination): Shot => {
        const source = siege.address(from, destination.includes(':') ? 6 : 4);
        return {
          title: destination,
          at: 'front.a',
          fire: (text) => send(siege, from, [datagram({ source, destination }, 8080, text)], everybody),
        };
      });
    await siege.land(t, toAll('back.a', 2));
    await siege.miss(t, toAll('inner.a', 3));
  });

  attack('out of an internal network an address of one link reaches no published port', async (t, siege) => {
    const fromLink = (from: string): Shot => {
      const own = {
        source: linkLocal(siege.container(from).mac),
        destination: siege.address(from.split('.')[0] ?? '', 6),
      };
      return {
        title: `as ${own.source}`,
        at: 'front.a',
        fire: (text) => send(siege, from, [datagram(own, 8080, text)]),
      };
    };
    await siege.land(t, [fromLink('back.a')]);
    await siege.miss(t, [fromLink('inner.a')]);
  });

  attack(
    'out of an internal network the machine carries nothing as an answer to somebody outside',
    async (t, siege) => {
      const world = siege.lab.place('world');
      const seen = world.spawn(['tcpdump', '-i', 'eth0', '-Q', 'in', '-nn', '-l', '-A', '--immediate-mode']);
      await seen.waitForOutput(/listening on/);
      // Asked in the name of the world, the machine answers the world, and says again what it was asked.
      const questions = (text: string) =>
        families.flatMap((family) => {
          const forged = { source: siege.address('world', family), destination: siege.address('vault', family) };
          const [protocol, type] = family === 4 ? [protocols.icmp, 8] : [protocols.icmp6, 128];
          const echo = icmp(forged, type, 0, Buffer.concat([Buffer.alloc(4), Buffer.from(`echo ${family} ${text}`)]));
          return [packet(forged, protocol, echo), datagram(forged, 7999, `port ${family} ${text}`)];
        });
      const carried = (text: string) =>
        ['echo 4', 'port 4', 'echo 6', 'port 6'].filter((kind) => seen.stdout.includes(`${kind} ${text}`));
      await siege.disarmed(async () => {
        await send(siege, 'vault.a', questions('<1>'));
        await waitFor('control: the world hears all of it', () => carried('<1>').length === 4);
      });
      await send(siege, 'vault.a', questions('<2>'));
      await siege.sh(`ping -c1 -W5 ${siege.address('vault.a', 4)}; ping -c1 -W5 ${siege.address('world', 4)}`);
      await send(siege, 'back.a', [datagram(way(siege, 'back.a', 'world', 4), 9, 'last <2>')]);
      await waitFor('the last has arrived', () => seen.stdout.includes('last <2>'));
      t.deepEqual(carried('<2>'), []);
      await seen.kill();
    },
  );

  attack('an internal network learns none of the machine’s other addresses', async (t, siege) => {
    const { namespace } = siege.container('inner.a');
    const answers = async (address: string): Promise<boolean> => {
      const ask = ['nsenter', `--net=/run/netns/${namespace}`, 'arping', '-c1', '-w1', '-I', 'eth0', address];
      return (await siege.lab.host.exec(ask)).exitCode === 0;
    };
    const others = [siege.address('host', 4), siege.address('front', 4)];
    t.true(await answers(siege.address('inner', 4)), 'its gateway');
    for (const address of others) t.false(await answers(address), address);
    await siege.set({ 'net.ipv4.conf.inner0.arp_ignore': 0 }, async () => {
      for (const address of others) t.true(await answers(address), `control: ${address}`);
    });
  });

  attack('siblings that may not talk exchange no packet', async (t, siege) => {
    const { mac } = siege.container('apart.b');
    const between = (destination: string) => ({
      source: siege.address('apart.a', destination.includes(':') ? 6 : 4),
      destination,
    });
    const kinds = families.flatMap((family) =>
      Object.entries(everyKind(way(siege, 'apart.a', 'apart.b', family))).map(
        ([title, make]): Shot => ({
          title: `IPv${family}, ${title}`,
          at: 'apart.b',
          fire: (text) => send(siege, 'apart.a', make(text), mac),
        }),
      ),
    );
    const toAll = ['255.255.255.255', '10.0.4.255', '224.0.0.251', 'ff02::1', 'ff02::fb'].map(
      (destination): Shot => ({
        title: destination,
        at: 'apart.b',
        fire: (text) => send(siege, 'apart.a', [datagram(between(destination), 81, text)], everybody),
      }),
    );
    const around = shots(siege, 'apart.a', 'apart.b', everyKind(way(siege, 'apart.a', 'apart.b', 4)));
    await siege.repels(t, [...kinds, ...toAll, ...around]);
  });

  // The bridge asks the rules about plain IP and nothing else; the guard in front of it sees the others.
  attack('siblings that may not talk exchange no frame that hides a packet', async (t, siege) => {
    const [own, sibling] = ['apart.a', 'apart.b'].map((name) => siege.container(name).mac) as [string, string];
    const shot = (title: string, make: (text: string) => Buffer): Shot => ({
      title,
      at: 'apart.b',
      fire: (text) => siege.at('apart.a').request('frames', { link: 'eth0', frames: [make(text).toString('hex')] }),
    });
    const plain = (family: 4 | 6, text: string) =>
      ethernet(sibling, own, datagram(way(siege, 'apart.a', 'apart.b', family), 81, text));
    await siege.repels(t, [
      ...families.flatMap((family) => [
        // Linux takes a tag of VLAN 0 off, and the packet as if there had been none.
        shot(`IPv${family} in VLAN 0`, (text) => tagged(plain(family, text), 0)),
        shot(`IPv${family} in VLAN 5`, (text) => tagged(plain(family, text), 5)),
      ]),
      shot('a type that nobody knows', (text) => ethernet(sibling, own, Buffer.from(text.padEnd(50)), 0x88b5)),
    ]);
  });
}
