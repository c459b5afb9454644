/** Attackers in a container, which send any frame through their own link. Topology: siege.ts */
import { waitFor } from '../../src/lab/wait.ts';
import { backends } from './backends.ts';
import { everybody, send, shots, way } from './from.ts';
import { datagram, everyKind, type Make } from './kinds.ts';
import { families } from './layout.ts';
import { ethernet, icmp, packet, protocols, tagged, udp, type Way } from './packets.ts';
import { besiege, hostMac, type Shot, type Siege } from './siege.ts';

/** Networks without anti-spoofing rules, so that a false sender reaches the firewall's rules. */
const unguarded = ['-o', 'gangway.guard=false'];
const apart = ['-o', 'com.docker.network.bridge.enable_icc=false'];
const layout = {
  outside: ['world'],
  networks: {
    front: { number: 1, options: unguarded },
    back: { number: 2, options: unguarded },
    apart: { number: 4, options: apart },
    split: { number: 5, options: [...unguarded, ...apart] },
  },
  containers: {
    'front.a': ['-p', '8080:80/udp'],
    'back.a': [],
    'apart.a': ['-p', '8082:80/udp'],
    'apart.b': [],
    'split.a': ['-p', '8081:80/udp'],
  },
};

const worldMac = '02:42:cb:00:71:02';

/** Packets for one link, which connection tracking ignores, sent beyond the link. */
function discovery(siege: Siege, family: 4 | 6): Readonly<Record<string, Make>> {
  const there = way(siege, 'front.a', 'world', 6);
  const body = (text: string) => Buffer.concat([Buffer.alloc(20), Buffer.from(text)]);
  const solicitation: Make = (text) => [packet(there, protocols.icmp6, icmp(there, 135, 0, body(text)))];
  return family === 6 ? { 'a neighbour solicitation': solicitation } : {};
}

for (const backend of backends) {
  const attack = besiege(backend, layout);

  attack('stops packets from one network to a container of another network', async (t, siege) => {
    for (const family of families) {
      await siege.repels(t, shots(siege, 'front.a', 'back.a', everyKind(way(siege, 'front.a', 'back.a', family))));
      // With the source address of a sibling of the target.
      const { destination } = way(siege, 'front.a', 'back.a', family);
      const claim = { source: siege.address('back.b', family), destination };
      await siege.repels(t, shots(siege, 'front.a', 'back.a', everyKind(claim)));
    }
  });

  attack('stops a container that uses a source address of the host', async (t, siege) => {
    let port = 23_000;
    const answer = (family: 4 | 6): Shot => ({
      title: `IPv${family}`,
      at: 'back.a',
      fire: async (text) => {
        const question = way(siege, 'back.a', 'host', family);
        const [there, own] = [way(siege, 'host', 'back.a', family), ++port];
        await send(siege, 'front.a', [packet(question, protocols.udp, udp(question, 80, own, 'a question'))]);
        await send(siege, 'front.a', [packet(there, protocols.udp, udp(there, own, 80, text))]);
      },
    });
    await siege.repels(t, families.map(answer));
  });

  attack('stops a container that connects to itself with an address of another network', async (t, siege) => {
    let port = 22_000;
    const datagram = (there: Way, from: number, to: number, text: string) =>
      packet(there, protocols.udp, udp(there, from, to, text));
    // Replies to masqueraded packets come from the gateway's address.
    const answer = (from: string, asked: string, to: number, family: 4 | 6): Shot => ({
      title: `from ${from}, who asked ${asked}, IPv${family}`,
      at: 'back.a',
      fire: async (text) => {
        const question = way(siege, 'back.a', asked, family);
        const [there, gateway] = ['back.a', from.replace(/\..*/, '')].map((name) => way(siege, from, name, family));
        const [claim, own] = [++port, asked === 'host' ? 80 : to];
        await send(siege, from, [datagram(question, claim, to, 'a question')]);
        for (const each of [there, gateway] as Way[]) await send(siege, from, [datagram(each, own, claim, text)]);
      },
    });
    await siege.repels(
      t,
      families.flatMap((family) => [
        answer('front.a', 'front.a', 6000, family),
        answer('front.a', 'host', 8080, family),
        answer('split.a', 'host', 8081, family),
      ]),
    );
  });

  attack('stops connections with a source address of another network’s container', async (t, siege) => {
    let port = 46_000;
    const answer = (family: 4 | 6): Shot => ({
      title: `IPv${family}`,
      at: 'back.a',
      fire: async (text) => {
        const [question, claim] = [way(siege, 'back.a', 'host', family), ++port];
        await send(siege, 'front.a', [packet(question, protocols.udp, udp(question, claim, 8081, 'a question'))]);
        // The target sees its own gateway and replies to it. Without translation the target replies to the false source.
        for (const seen of ['split', 'back.a']) {
          const there = way(siege, 'split.a', seen, family);
          await send(siege, 'split.a', [packet(there, protocols.udp, udp(there, 80, claim, text))]);
        }
      },
    });
    await siege.repels(t, families.map(answer));
  });

  attack('stops packets from a bridge to the host’s loopback', async (t, siege) => {
    await siege.at('host').serve(7001, '127.0.0.2');
    const target = { source: siege.address('front.a', 4), destination: '127.0.0.2' };
    const shot = {
      title: '127.0.0.2',
      at: 'host',
      fire: (text: string) => send(siege, 'front.a', [datagram(target, 7001, text)]),
    };
    await siege.repels(t, [shot], (body) => siege.set({ 'net.ipv4.conf.front0.route_localnet': 1 }, body));
  });

  attack('stops packets that would leave with an internal address', async (t, siege) => {
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
    t.deepEqual((await rounds()).leaked, []);
    // Last, because a flow keeps its translation from its first packet.
    await siege.disarmed(async () => {
      const { leaked, count } = await rounds();
      t.true(leaked.length > count / 2, `control: ${leaked.length} of ${count}`);
    });
    await seen.kill();
  });

  attack('stops all packets between siblings with enable_icc=false', async (t, siege) => {
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

  attack('stops ICMP errors between siblings about connections of others', async (t, siege) => {
    let port = 24_000;
    const by = (name: string, what: Buffer) => {
      if (name !== 'world') return send(siege, name, [what]);
      const frames = [ethernet(hostMac, worldMac, what).toString('hex')];
      return siege.at('world').request('frames', { link: 'eth0', frames });
    };
    const error = (from: string, asker: string, family: 4 | 6): Shot => ({
      title: `from ${from} about what ${asker} has asked, IPv${family}`,
      at: 'apart.a',
      fire: async (text) => {
        const [question, told] = [way(siege, asker, 'host', family), way(siege, from, 'host', family)];
        const [back, own] = [way(siege, 'host', asker, family), ++port];
        const about = packet(back, protocols.udp, udp(back, 8082, own, text));
        const [protocol, type, code] = family === 4 ? [protocols.icmp, 3, 3] : [protocols.icmp6, 1, 4];
        const body = Buffer.concat([Buffer.alloc(4), about]);
        await by(asker, packet(question, protocols.udp, udp(question, own, 8082, 'a question')));
        await by(from, packet(told, protocol, icmp(told, type, code, body)));
      },
    });
    const errors = (from: string, asker: string) => families.map((family) => error(from, asker, family));
    await siege.land(t, [...errors('world', 'world'), ...errors('apart.b', 'apart.b')]);
    await siege.miss(t, errors('apart.b', 'world'));
  });

  // The bridge applies the rules to plain IP only; the anti-spoofing rules see other frames.
  attack('stops frames between siblings that hide a packet', async (t, siege) => {
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
        // Linux removes a tag of VLAN 0 and accepts the packet.
        shot(`IPv${family} in VLAN 0`, (text) => tagged(plain(family, text), 0)),
        shot(`IPv${family} in VLAN 5`, (text) => tagged(plain(family, text), 5)),
      ]),
      shot('an unknown type', (text) => ethernet(sibling, own, Buffer.from(text.padEnd(50)), 0x88b5)),
    ]);
  });
}
