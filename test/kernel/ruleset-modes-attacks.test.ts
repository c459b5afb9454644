/** What needs more than a question: forged sources, two ways to be a sibling, other tables, both families. */
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { closedTransitElements } from '../../src/firewall/policy.ts';
import { waitFor } from '../../src/lab/wait.ts';
import type { Family } from '../../src/values/address.ts';
import { skipUnless } from '../support/skip.ts';
import { backEnds, type Carrier } from './ruleset-carrier.ts';
import { addressOf, chosenSource, gateway, hostPort, Modes, type PlaceName, uplink } from './ruleset-modes-topology.ts';

const families = [4, 6] as const;

async function open(t: ExecutionContext, carrier: Carrier): Promise<Modes> {
  const scene = await Modes.open(carrier);
  t.teardown(() => scene.close());
  await scene.load();
  return scene;
}

/** What each family gets, of TCP. Silence is what lasts longer than a SYN that is sent again. */
async function both(scene: Modes, from: PlaceName, to: (family: Family) => string, port: number, wait = 2500) {
  const ask = (family: Family) => scene.at(from).question({ protocol: 'tcp', host: to(family), port, wait });
  return (await Promise.all(families.map(ask))).join(' ');
}

/** Addresses that somebody on this network could have. */
const inStrict = { 4: '10.0.6.7', 6: 'fd00:0:0:6::7' } as const;

for (const carrier of backEnds) {
  test.serial(`${carrier.name}: drops packets with a forged source into and out of an internal network`, async (t) => {
    const scene = await open(t, carrier);
    const forged = { 4: '10.0.4.9', 6: 'fd00:0:0:4::9' } as const;
    const borrowed = { 4: '203.0.113.77', 6: '2001:db8:f::77' } as const;
    const ways: readonly (readonly [PlaceName, PlaceName, Record<Family, string>])[] = [
      ['world', 'internal.a', forged],
      ['nat.b', 'internal.a', forged],
      ['internal.b', 'world', borrowed],
      ['internal.b', 'nat.a', borrowed],
      ['isolated.b', 'world', borrowed],
    ];
    for (const [from, , { 4: four, 6: six }] of ways) {
      const place = scene.at(from);
      await place.ip([`address replace ${four}/32 dev lo`, `address replace ${six}/128 dev lo nodad`]);
    }
    const arrivals = async (): Promise<readonly string[]> => {
      const told = ways.flatMap(([from, to, source]) =>
        families.map(async (family) => {
          const text = `${from} to ${to}, IPv${family}`;
          const question = { protocol: 'udp', host: addressOf(to, family), port: 80, text } as const;
          await scene.at(from).question({ ...question, localAddress: source[family] });
          return (await scene.at(to).heard()).includes(text) ? [text] : [];
        }),
      );
      return (await Promise.all(told)).flat();
    };
    t.deepEqual(await arrivals(), []);
    await scene.unload();
    t.is((await arrivals()).length, ways.length * 2, 'control: they arrive without the rules');
  });

  test.serial(`${carrier.name}: isolates siblings with enable_icc=false by the rules or the bridge`, async (t) => {
    const scene = await open(t, carrier);
    const sibling = () => both(scene, 'strict.b', (family) => addressOf('strict.a', family), 80);
    const published = () => both(scene, 'strict.b', (family) => uplink[family], hostPort('strict'));
    const masked = `${gateway('strict', 4)} ${gateway('strict', 6)}`;
    t.is(await sibling(), 'silent silent');
    t.is(await published(), masked);
    await scene.isolatePorts('strict', 'on');
    t.is(
      await published(),
      'silent silent',
      'not by both: the translated packet goes from one isolated port to another',
    );
    await scene.bridgeNetfilter(0);
    t.is(await published(), masked);
    t.notRegex(await sibling(), /^[\d.]+ |:/);
    await scene.isolatePorts('strict', 'off');
    await scene.forgetNeighbours('strict.b', 'eth0');
    await scene.askTheRules('strict', 1);
    t.is(await sibling(), 'silent silent', 'a bridge of our own asks the rules, whatever the sysctl says');
    t.is(await published(), masked);
    await scene.askTheRules('strict', 0);
    await scene.forgetNeighbours('strict.b', 'eth0');
    t.is(await sibling(), `${addressOf('strict.b', 4)} ${addressOf('strict.b', 6)}`, 'control: neither');
  });

  test.serial(`${carrier.name}: siblings that may not talk do not, in whichever mode`, async (t) => {
    const scene = await open(t, carrier);
    for (const name of ['open', 'routed', 'internal'] as const) {
      const sibling = () => both(scene, `${name}.b`, (family) => addressOf(`${name}.a`, family), 80);
      const pair = [`${name}0`, `${name}0`].map((link) => ({ type: 'ifname', name: link }) as const);
      t.is(await sibling(), `${addressOf(`${name}.b`, 4)} ${addressOf(`${name}.b`, 6)}`);
      await scene.remove([{ set: 'same_bridge', key: pair }]);
      await scene.add([{ set: 'apart', key: pair }]);
      t.is(await sibling(), 'silent silent', name);
    }
  });

  test.serial(`${carrier.name}: leaves clients with only a link-local address to a process of the host`, async (t) => {
    const scene = await open(t, carrier);
    const port = hostPort('nat');
    await scene.at('host').serve(port);
    const ask = (): Promise<string> =>
      scene.at('world').question({ protocol: 'tcp', host: uplink[6], port, localAddress: 'fe80::2%eth0', wait: 1500 });
    t.regex(await ask(), /^fe80::2/);
    await scene.rewrite('published', {
      nft: ['dnat ip6 to meta l4proto . th dport map @ports6'],
      table: 'nat',
      iptables: ['-j GANGWAY-PORTS'],
    });
    t.regex(await ask(), /^(silent|EHOSTUNREACH)$/, 'control: sent to a container, it is lost');
  });

  test.serial(
    `${carrier.name}: sends no redirect to a client of a published port, and serves the client`,
    async (t) => {
      const scene = await open(t, carrier);
      const redirects = async (): Promise<number> => {
        await both(scene, 'nat.b', (family) => uplink[family], hostPort('open'));
        const counters = await scene.at('nat.b').run(['cat', '/proc/net/snmp6']);
        return Number(/Icmp6InRedirects\s+(\d+)/.exec(counters)?.[1]);
      };
      t.is(await redirects(), 0);
      const masked = `${gateway('open', 4)} ${gateway('open', 6)}`;
      t.is(await both(scene, 'nat.b', (family) => addressOf('open.a', family), 80), masked);
      await scene.rewrite(carrier.name === 'nftables' ? 'own_packets' : 'redirects');
      // The kernel says it once a second.
      await setTimeout(1500);
      t.true((await redirects()) > 0, 'control');
    },
  );

  test.serial(
    `${carrier.name}: another table that drops what is forwarded closes what crosses the host, and nothing else`,
    async (t) => {
      const scene = await open(t, carrier);
      await scene.bridgeNetfilter(0);
      const rows = async () => ({
        published: await both(scene, 'world', (family) => uplink[family], hostPort('nat')),
        open: await both(scene, 'world', (family) => addressOf('routed.a', family), 80),
        outbound: await both(scene, 'nat.a', (family) => addressOf('world', family), 80),
        host: await both(scene, 'host', (family) => uplink[family], hostPort('nat')),
        sibling: await both(scene, 'nat.b', (family) => addressOf('nat.a', family), 80),
      });
      const before = await rows();
      t.notRegex(Object.values(before).join(' '), /silent/);
      await scene.nft(
        'add table inet other',
        'add chain inet other f { type filter hook forward priority 10; policy drop; }',
      );
      const closed = 'silent silent';
      t.deepEqual(await rows(), { ...before, published: closed, open: closed, outbound: closed });
    },
  );

  test.serial(`${carrier.name}: drops foreign transit if gangway enabled forwarding, for each family`, async (t) => {
    const scene = await open(t, carrier);
    const stranger = () => both(scene, 'world', (family) => addressOf('partner', family), 80);
    const [four, six] = [addressOf('world', 4), addressOf('world', 6)];
    t.is(await stranger(), `${four} ${six}`);
    await scene.add(closedTransitElements(6));
    t.is(await stranger(), `${four} silent`);
    await scene.add(closedTransitElements(4));
    t.is(await stranger(), 'silent silent');
    t.is(await both(scene, 'world', (family) => uplink[family], hostPort('nat')), `${four} ${six}`);
    t.is(await both(scene, 'nat.a', (family) => addressOf('partner', family), 80), '198.51.100.1 2001:db8:e::1');
  });

  test.serial(
    `${carrier.name}: out of a tunnel, the host’s own address is no way past that; the tunnel’s own packets leave`,
    async (t) => {
      const scene = await open(t, carrier);
      const other = { host: 'world', world: 'host' } as const;
      const made = await Promise.allSettled(
        (['host', 'world'] as const).map((name, index) =>
          scene
            .at(name)
            .ip([
              `link add vx0 address 02:00:00:00:07:0${index + 1} type vxlan id 7 dstport 4789 local ${addressOf(name, 6)} remote ${addressOf(other[name], 6)}`,
              `address add fd00:7::${index + 1}/64 dev vx0 nodad`,
              'link set vx0 up',
            ]),
        ),
      );
      const [refused] = made.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
      if (skipUnless(t, refused && `this kernel has no vxlan: ${refused}`)) return;
      await scene
        .at('world')
        .ip([`address add ${chosenSource[6]}/128 dev lo nodad`, 'route add 2001:db8:e::/64 via fd00:7::1 dev vx0']);
      const arrives = async (text: string) => {
        const question = { protocol: 'udp', host: addressOf('partner', 6), port: 80, text } as const;
        await scene.at('world').question({ ...question, localAddress: chosenSource[6] });
        return (await scene.at('partner').heard()).includes(text);
      };
      await waitFor('control: it forwarded before', () => arrives('before'));
      await scene.add(closedTransitElements(6));
      t.false(await arrives('after'));
      t.is(await scene.at('host').ask('tcp', 'fd00:7::2', 80), 'fd00:7::1');
    },
  );

  test.serial(
    `${carrier.name}: drops new connections with a source address of another network’s container`,
    async (t) => {
      const scene = await open(t, carrier);
      const from = ['nat.b', 'routed.b'] as const;
      for (const name of [...from, 'open.b'] as const)
        await scene.at(name).ip(families.map((family) => `address add ${inStrict[family]} dev lo`));
      const arrivals = async (names: readonly PlaceName[], asked: 'open' | 'nat') => {
        const ask = async (name: PlaceName, family: Family, port: number) => {
          const text = `${name} to ${port}, IPv${family}`;
          const question = { protocol: 'udp', host: uplink[family], port, text } as const;
          await scene.at(name).question({ ...question, localAddress: inStrict[family] });
          return (await scene.at(port === 80 ? 'host' : `${asked}.a`).heard()).includes(text) ? [text] : [];
        };
        const questions = names.flatMap((name) =>
          families.flatMap((family) => [80, hostPort(asked)].map((port) => ask(name, family, port))),
        );
        return (await Promise.all(questions)).flat().length;
      };
      t.is(await arrivals(from, 'open'), 0);
      t.is(await arrivals(['open.b'], 'nat'), 2 * families.length, 'behind a guard it is its own');
      await scene.rewrite('names', { table: 'mangle' });
      t.is(await arrivals(from, 'open'), from.length * 2 * families.length, 'control');
    },
  );

  test.serial(`${carrier.name}: a narrower route than that of a network is believed, and no other wire`, async (t) => {
    const scene = await open(t, carrier);
    const there = { 4: '10.0.1.200', 6: 'fd00:0:0:1:8000::1' } as const;
    const lines = families.map((family) => `${there[family]}/${family === 4 ? 32 : 128}`);
    await scene.at('host').ip(lines.map((prefix) => `route add ${prefix} dev pa0`));
    for (const name of ['partner', 'world'] as const)
      await scene.at(name).ip(lines.map((prefix) => `address add ${prefix} dev eth0 nodad`));
    const arrivals = async (name: PlaceName) => {
      const ask = (family: Family) =>
        scene.at(name).question({
          protocol: 'udp',
          host: uplink[family],
          port: 80,
          text: `${name}, IPv${family}`,
          localAddress: there[family],
        });
      await Promise.all(families.map(ask));
      return (await scene.at('host').heard()).filter((text) => text.startsWith(name)).toSorted();
    };
    t.deepEqual([...new Set(await arrivals('partner'))], ['partner, IPv4', 'partner, IPv6']);
    t.deepEqual(await arrivals('world'), []);
    t.is(await scene.at('host').ask('tcp', there[4], 80), addressOf('partner', 4).replace(/2$/, '1'));
    await scene.rewrite(carrier.name === 'nftables' ? 'wire_guard' : 'wire', { table: 'raw' });
    t.deepEqual([...new Set(await arrivals('world'))], ['world, IPv4', 'world, IPv6'], 'control');
  });

  test.serial(`${carrier.name}: the host hears what it says to all on a bridge`, async (t) => {
    const scene = await open(t, carrier);
    const host = scene.at('host');
    await host.request('tell', { host: '10.0.1.255', port: 80, text: 'to all' });
    await waitFor('the host hears itself', async () => (await host.heard()).includes('to all'));
    t.pass();
  });

  test.serial(`${carrier.name}: a router that wants smaller packets is heard`, async (t) => {
    const scene = await open(t, carrier);
    await scene.narrowWire();
    const learned = async (from: PlaceName, family: Family): Promise<boolean> => {
      const place = scene.at(from);
      const host = addressOf('far', family);
      await place.question({ protocol: 'udp', host, port: 80, bytes: 1400, wait: 4000 });
      return (await place.run(['ip', 'route', 'get', host])).includes('mtu 1280');
    };
    const rows = async () =>
      Promise.all((['nat.a', 'routed.a'] as const).flatMap((from) => families.map((family) => learned(from, family))));
    t.deepEqual(await rows(), [true, true, true, true]);
    await scene.rewrite('enter_nat', {
      nft: ['ct state established accept', 'drop'],
      iptables: ['-m conntrack --ctstate ESTABLISHED -j ACCEPT', '-j DROP'],
    });
    t.deepEqual([await learned('nat.b', 4), await learned('nat.b', 6)], [false, false], 'control: without `related`');
    await scene.at('host').sysctl({ 'net.ipv4.fwmark_reflect': 1, 'net.ipv6.fwmark_reflect': 1 });
    const narrow = (family: Family) =>
      `route add ${addressOf('far', family)} via ${addressOf('world', family)} mtu 1280`;
    await scene.at('host').ip(families.map(narrow));
    const own = await Promise.all(families.map((family) => learned('routed.b', family)));
    t.deepEqual(own, [true, true], 'the host itself, though its answer carries the mark of what it was asked');
  });
}
