/** Attackers in an internal network. Topology: siege.ts */
import { waitFor } from '../../src/lab/wait.ts';
import { backends } from './backends.ts';
import { everybody, linkLocal, send, way } from './from.ts';
import { datagram } from './kinds.ts';
import { families, inNetwork } from './layout.ts';
import { icmp, packet, protocols } from './packets.ts';
import { besiege, type Shot } from './siege.ts';

/** Networks without anti-spoofing rules, so that a false sender reaches the firewall's rules. */
const unguarded = ['-o', 'gangway.guard=false'];
const layout = {
  outside: ['world'],
  networks: {
    front: { number: 1, options: unguarded },
    back: { number: 2, options: unguarded },
    inner: { number: 3, options: ['--internal', ...unguarded] },
    vault: { number: 6, options: ['--internal'] },
    old: { number: 5, families: [4] as const },
  },
  containers: {
    'front.a': ['-p', '8080:80/udp'],
    'back.a': [],
    'inner.a': [],
    'vault.a': [],
    // Published on the gateway of an internal network.
    'old.a': ['-p', '8082:80/udp', '-p', `[${inNetwork(3, 6, 1)}]:8083:80/udp`],
  },
};

/** Publishes a port, and waits between binding and rules for a connection from a namespace. */
const publishing = `
import { execFileSync } from 'node:child_process';
import { writeSync } from 'node:fs';
const [, library, port, namespace] = process.argv;
const { createEngine, parsePublish } = await import(library);
const asks = \`until ip netns exec \${namespace} ss -Htn state syn-sent "dport = :\${port}" | grep -q .; do :; done\`;
const onPlan = () => {
  writeSync(1, 'bound\\n');
  execFileSync('sh', ['-c', asks], { timeout: 20_000 });
};
await createEngine({ onPlan }).publish('front.a', [parsePublish(port + ':81')]);
writeSync(1, 'open\\n');
`;

for (const backend of backends) {
  const attack = besiege(backend, layout);

  attack('stops packets out of an internal network', async (t, siege) => {
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
    // Control: permitted containers reach the published ports.
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

  attack('closes ports published on the gateway of an internal network to that network', async (t, siege) => {
    const gateway = siege.address('inner', 6);
    const from = (name: string): Shot => ({
      title: gateway,
      at: 'old.a',
      fire: (text) => {
        const own = { source: siege.address(name, 6), destination: gateway };
        return send(siege, name, [datagram(own, 8083, text)]);
      },
    });
    await siege.land(t, [from('back.a')]);
    await siege.miss(t, [from('inner.a')]);
  });

  attack('stops an internal network’s repeated SYN to a port published later', async (t, siege) => {
    await siege.at('front.a').serve(81);
    const lateAnswer = async (from: string, port: number): Promise<string> => {
      const { namespace } = siege.container(from);
      const words = [
        '--input-type=module',
        '-e',
        publishing,
        `${process.cwd()}/dist/index.js`,
        String(port),
        namespace,
      ];
      const publish = siege.lab.host.spawn([process.execPath, ...words]);
      // The socket is bound, and its filter drops all packets.
      await publish.waitForOutput(/bound/);
      const host = siege.address(from.split('.')[0] ?? '', 4);
      // The kernel repeats an unanswered SYN after a second.
      const answer = siege.at(from).question({ protocol: 'tcp', host, port, wait: 3000 });
      await publish.waitForOutput(/open/);
      return await answer;
    };
    t.is(await lateAnswer('back.a', 8084), siege.address('front', 4), 'control: carried, and not translated');
    t.is(await lateAnswer('inner.a', 8085), 'silent');
  });

  attack('stops broadcast from an internal network to published ports', async (t, siege) => {
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

  attack('stops link-local connections from an internal network to published ports', async (t, siege) => {
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

  attack('stops answers of the host that would carry data out of an internal network', async (t, siege) => {
    const world = siege.lab.place('world');
    const seen = world.spawn(['tcpdump', '-i', 'eth0', '-Q', 'in', '-nn', '-l', '-A', '--immediate-mode']);
    await seen.waitForOutput(/listening on/);
    // The host replies to the false external source, with the data of the request.
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
  });

  attack('hides the host’s other addresses from an internal network', async (t, siege) => {
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
}
