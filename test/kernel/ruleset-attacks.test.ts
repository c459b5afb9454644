/** The cases of the ruleset that need a change of the scene. Each has its control: the same packet, and no rule. */
import test, { type ExecutionContext } from 'ava';
import { backEnds, type Carrier, rulesetFile } from './ruleset-carrier.ts';
import { elements, type PlaceName, Topology } from './ruleset-topology.ts';

const settings = [0, 1] as const;

async function scene(t: ExecutionContext, carrier: Carrier, bridgeNetfilter: 0 | 1 = 1): Promise<Topology> {
  const topology = await Topology.open(carrier);
  t.teardown(() => topology.close());
  await topology.bridgeNetfilter(bridgeNetfilter);
  await topology.load();
  return topology;
}

/** What both protocols get, or both answers where they differ. */
async function ask(topology: Topology, from: PlaceName, to: string, port: number): Promise<string> {
  const place = topology.at(from);
  const [tcp, udp] = await Promise.all([place.ask('tcp', to, port), place.ask('udp', to, port)]);
  return tcp === udp ? tcp : `tcp ${tcp}, udp ${udp}`;
}

function elementsOf(set: string) {
  return [...elements.gangway0, ...elements.gangway1, ...elements.ports].filter((element) => element.set === set);
}

for (const carrier of backEnds) {
  test.serial(
    `${carrier.name}: a port published on loopback is closed to the wire, whatever route_localnet says`,
    async (t) => {
      const topology = await scene(t, carrier);
      await topology.at('host').sysctl({ 'net.ipv4.conf.all.route_localnet': 1 });
      await topology.at('host').serve(9000, '127.0.0.1');
      // From the world, and from a container, which is as much a wire.
      for (const [name, gateway, address] of [
        ['world', '203.0.113.1', '203.0.113.2'],
        ['a2', '172.17.0.1', '172.17.0.3'],
      ] as const) {
        const place = topology.at(name);
        // The attacker believes an answer from 127.0.0.1, an address that its own lo has, too (fib_validate_source).
        await place.sysctl({ 'net.ipv4.conf.all.route_localnet': 1, 'net.ipv4.conf.all.accept_local': 1 });
        await place.ip([
          'route del table local local 127.0.0.0/8 dev lo',
          'route del table local local 127.0.0.1 dev lo',
          `route add 127.0.0.1 via ${gateway} src ${address}`,
        ]);
      }
      t.is(await ask(topology, 'host', '127.0.0.1', 9000), '127.0.0.1');
      t.is(await ask(topology, 'world', '127.0.0.1', 9000), 'silent');
      t.is(await ask(topology, 'a2', '127.0.0.1', 9000), 'silent');
      await topology.remove(elementsOf('loopback_ports4'));
      t.is(await ask(topology, 'world', '127.0.0.1', 9000), '203.0.113.2');
      t.is(await ask(topology, 'a2', '127.0.0.1', 9000), '172.17.0.3');
    },
  );

  test.serial(`${carrier.name}: does not translate connections of a process bound to 127.0.0.1`, async (t) => {
    const topology = await scene(t, carrier);
    const reply = () =>
      topology
        .at('host')
        .request('ask', { protocol: 'tcp', host: '203.0.113.1', port: 8080, localAddress: '127.0.0.1' });
    t.is(await reply(), 'refused');
    await topology.alwaysFromHost();
    t.is(await reply(), 'silent', 'control: sent there, it is lost');
  });

  for (const bridgeNetfilter of settings) {
    const suffix = `bridge-nf-call-iptables=${bridgeNetfilter}`;

    test.serial(
      `${carrier.name}: a host that forwards because of gangway is no router for strangers, ${suffix}`,
      async (t) => {
        const topology = await scene(t, carrier, bridgeNetfilter);
        // By the bridge that it came from: a router with one arm.
        await topology
          .at('host')
          .sysctl({ 'net.ipv4.conf.all.send_redirects': 0, 'net.ipv4.conf.lan0.send_redirects': 0 });
        await topology.at('host').ip(['route add 198.51.100.3 via 192.0.2.3']);
        await topology.at('l2').ip(['address add 198.51.100.3/32 dev lo']);
        const transit = (): Promise<readonly string[]> =>
          Promise.all([
            ask(topology, 'world', '192.0.2.2', 80),
            ask(topology, 'l1', '203.0.113.2', 80),
            topology.at('l1').ask('tcp', '198.51.100.3', 80),
          ]);
        t.deepEqual(await transit(), ['203.0.113.2', '192.0.2.2', '192.0.2.2'], 'control: it forwarded before');
        await topology.add(elements.closedTransit);
        t.deepEqual(await transit(), ['silent', 'silent', 'silent']);
        t.is(await ask(topology, 'l1', '192.0.2.3', 80), '192.0.2.2', "a stranger's bridge still bridges");
        await topology.nft(
          'add table ip other',
          'add chain ip other p { type filter hook prerouting priority mangle; meta mark set 7; }',
        );
        t.deepEqual(await transit(), ['silent', 'silent', 'silent'], 'whatever their packets are marked with');
        t.is(await ask(topology, 'l1', '192.0.2.3', 80), '192.0.2.2');
        t.is(await ask(topology, 'host', '192.0.2.3', 80), '192.0.2.1', 'the host itself is no stranger');
        t.is(await ask(topology, 'l1', '203.0.113.1', 8080), '192.0.2.2', 'nor who asks for a published port');
        t.is(await ask(topology, 'a1', '192.0.2.2', 80), '192.0.2.1', 'nor a container');
      },
    );

    test.serial(`${carrier.name}: without masquerading, containers show their own addresses, ${suffix}`, async (t) => {
      const topology = await scene(t, carrier, bridgeNetfilter);
      await topology.remove(elementsOf('masqueraded'));
      t.is(await ask(topology, 'a1', '203.0.113.2', 80), '172.17.0.2');
      t.is(await ask(topology, 'b1', '203.0.113.1', 8080), '172.18.0.2');
      t.is(await ask(topology, 'a2', '203.0.113.1', 8080), '172.17.0.1', 'a sibling is masked all the same');
    });

    test.serial(
      `${carrier.name}: a container that asks again and again is not redirected around the host, ${suffix}`,
      async (t) => {
        const topology = await scene(t, carrier, bridgeNetfilter);
        for (let round = 0; round < 5; round++) t.is(await ask(topology, 'a2', '203.0.113.1', 8080), '172.17.0.1');
        t.is(await topology.at('a2').run(['ip', 'route', 'show', 'cache']), '');
      },
    );
  }

  test.serial(`${carrier.name}: siblings that may not talk do not, where the bridge asks these rules`, async (t) => {
    const topology = await scene(t, carrier);
    const pairs = elementsOf('same_bridge');
    await topology.remove(pairs);
    await topology.add(pairs.map((pair) => ({ ...pair, set: 'apart' })));
    t.is(await ask(topology, 'a2', '172.17.0.2', 80), 'silent');
    t.is(await ask(topology, 'a2', '203.0.113.1', 8080), '172.17.0.1', 'a published port is open to a sibling too');
    await topology.bridgeNetfilter(0);
    t.is(
      await ask(topology, 'a2', '172.17.0.2', 80),
      '172.17.0.3',
      'with 0 it does not ask: the ports must be isolated',
    );
  });

  test.serial(
    `${carrier.name}: a container reaches its own published port through a bridge port in hairpin mode`,
    async (t) => {
      const topology = await scene(t, carrier);
      t.is(await ask(topology, 'a1', '203.0.113.1', 8080), '172.17.0.1');
      await topology.hairpin('a1', 'off');
      t.is(await ask(topology, 'a1', '203.0.113.1', 8080), 'silent');
      t.is(await ask(topology, 'a2', '203.0.113.1', 8080), '172.17.0.1', 'a sibling does not need it');
      await topology.bridgeNetfilter(0);
      t.is(await ask(topology, 'a1', '203.0.113.1', 8080), '172.17.0.1', 'with bridge-nf-call-iptables=0 nobody does');
    },
  );

  test.serial(
    `${carrier.name}: drops packets without a connection that would leave with an internal address`,
    async (t) => {
      const topology = await scene(t, carrier);
      // Every first packet of a connection becomes an answer that nobody asked for.
      await topology
        .at('a1')
        .run(
          ['nft', '-f', '-'],
          'table ip m { chain o { type filter hook output priority 0; tcp flags syn tcp flags set syn|ack; }\n}\n',
        );
      await topology
        .at('world')
        .run(
          ['nft', '-f', '-'],
          'table ip m { chain i { type filter hook input priority 0; ip saddr 172.16.0.0/12 counter; }\n}\n',
        );
      const leaked = async (): Promise<number> => {
        await topology.at('a1').ask('tcp', '203.0.113.2', 80);
        const rules = await topology.at('world').run(['nft', 'list', 'chain', 'ip', 'm', 'i']);
        return Number(/packets (\d+)/.exec(rules)?.[1]);
      };
      t.is(await leaked(), 0);
      await topology.rewrite('leave_nat');
      t.true((await leaked()) > 0, 'control: without the rule it does');
    },
  );
}

test.serial('the ruleset is what nft prints of it, loads once, and refuses to be loaded twice', async (t) => {
  const topology = await Topology.open();
  t.teardown(() => topology.close());
  const host = topology.at('host');
  const list = () => host.run(['nft', 'list', 'table', 'inet', 'gangway']);
  await host.run(['nft', '-c', '-f', rulesetFile]);
  await topology.load();
  const printed = await list();
  await topology.unload();
  await host.run(['nft', '-f', '-'], printed);
  t.is(await list(), printed);
  const error = await t.throwsAsync(host.run(['nft', '-f', rulesetFile]));
  t.regex(error.message, /File exists/);
  t.is(await list(), printed);
});

test.serial('taking the elements away leaves the ruleset as it was loaded', async (t) => {
  const topology = await scene(t, backEnds[0] as Carrier);
  await topology.remove([...elements.ports, ...elements.gangway1, ...elements.gangway0]);
  const printed = await topology.at('host').run(['nft', 'list', 'table', 'inet', 'gangway']);
  await topology.unload();
  await topology.at('host').run(['nft', '-f', rulesetFile]);
  t.is(await topology.at('host').run(['nft', 'list', 'table', 'inet', 'gangway']), printed);
});
