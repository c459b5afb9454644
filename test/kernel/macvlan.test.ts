/** Containers as machines among machines, with a MAC of their own on the wire of the host's uplink. */
import test, { type ExecutionContext } from 'ava';
import { difference, type Snapshot } from '../../src/lab/snapshot.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { attachMacvlan, createMacvlan, type MacvlanNetwork, macvlanRoutes } from '../../src/networks/macvlan.ts';
import type { Step } from '../../src/plan/step.ts';
import { skipUnless } from '../support/skip.ts';
import { endpoint, plugged, sandbox, subnet4, subnet6, type Wire, withWire } from '../support/wire-lab.ts';

const network: MacvlanNetwork = {
  kind: 'macvlan',
  name: 'wire',
  parent: { kind: 'found', link: 'up0' },
  mode: 'bridge',
  mtuBytes: 1400,
  subnets: [subnet4, subnet6],
  internal: false,
};
const v4Only: MacvlanNetwork = { ...network, subnets: [subnet4] };

/** A container on the network, at .101 for the first one. */
/** Those that the kernel has. */
const families = [4, 6] as const;

function container(number: number, on: MacvlanNetwork = network): readonly Step[] {
  const addresses = [`203.0.113.10${number}/24`, `2001:db8:f::10${number}/64`].slice(0, on.subnets.length);
  const plug = endpoint(number, ...addresses);
  return plugged(number, attachMacvlan(on, plug, sandbox(number), families), macvlanRoutes(on, plug));
}

const two = [...createMacvlan(network, families), ...container(1), ...container(2)];

async function applied(t: ExecutionContext, wire: Wire, steps: readonly Step[]): Promise<void> {
  t.is(await wire.apply(steps), '');
}

/** What the network of the host itself is. */
async function host(wire: Wire): Promise<Snapshot> {
  return [
    ...(await wire.lab.leftovers()).filter((thing) => thing.includes(' host: ')),
    await wire.run('host', 'ip', '-o', 'link'),
  ];
}

test('siblings, the world and the containers reach each other under their own addresses, in both families', async (t) => {
  await withWire(t, async (wire) => {
    await applied(t, wire, two);
    for (const [from, to] of [
      [1, '203.0.113.102'],
      [2, '2001:db8:f::101'],
      [1, '203.0.113.2'],
      [1, '2001:db8:f::2'],
      ['world', '203.0.113.101'],
      ['world', '2001:db8:f::102'],
    ] as const)
      t.true(await wire.reaches(from, to), `${from} ${to}`);
    await wire.lab.world.serve();
    t.is((await wire.run(1, 'curl', '-s', 'http://203.0.113.2/')).trim(), '203.0.113.101');
    t.regex(await wire.run(1, 'ip', 'route'), /default via 203\.0\.113\.2 dev eth0/);
    t.regex(await wire.run(1, 'ip', '-6', 'route'), /default via 2001:db8:f::2 dev eth0/);
  });
});

test('the host and the containers don’t reach each other', async (t) => {
  await withWire(t, async (wire) => {
    await applied(t, wire, two);
    t.false(await wire.reaches('host', '203.0.113.101'));
    t.false(await wire.reaches(1, '203.0.113.1'));
    t.false(await wire.reaches('host', '2001:db8:f::101'));
  });
});

test('name, MAC and MTU are those that were chosen', async (t) => {
  await withWire(t, async (wire) => {
    await applied(t, wire, two);
    const { data, addresses, ...link } = await wire.eth0(2);
    t.deepEqual(link, { kind: 'macvlan', mac: '02:42:cb:00:71:66', mtu: 1400 });
    t.is(data.mode, 'bridge');
    t.deepEqual(addresses.slice(0, 2), ['203.0.113.102/24', '2001:db8:f::102/64']);
  });
});

test('without an MTU the container has the parent’s', async (t) => {
  await withWire(t, async (wire) => {
    await wire.run('host', 'ip', 'link', 'set', 'up0', 'mtu', '1450');
    const { mtuBytes: _, ...inherited } = network;
    await applied(t, wire, container(1, inherited));
    t.is((await wire.eth0(1)).mtu, 1450);
  });
});

test('the parent and its namespace are as before, and nobody there has seen the containers’ links', async (t) => {
  await withWire(t, async (wire) => {
    const before = await host(wire);
    const monitor = wire.lab.host.spawn(['ip', 'monitor', 'link']);
    const mark = (mtu: number) => wire.run('host', 'ip', 'link', 'set', 'lo', 'mtu', `${mtu}`);
    let marks = 0;
    await waitFor('ip monitor listens', async () => {
      await mark(60_000 + ++marks);
      return monitor.stdout.includes('mtu 60');
    });
    await applied(t, wire, two);
    await mark(65_536);
    await monitor.waitForOutput(/mtu 65536/);
    const { stdout } = await monitor.kill();
    t.notRegex(stdout, /eth0|gw\d/);
    t.deepEqual(difference(before, await host(wire)), []);
  });
});

test('a link of the machine may have the name and the number that the container’s will have', async (t) => {
  await withWire(t, async (wire) => {
    await wire.run('host', 'ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1');
    await applied(t, wire, container(1));
    t.is((await wire.eth0(1)).kind, 'macvlan');
  });
});

for (const [mode, siblings] of [
  ['private', false],
  ['vepa', false],
  ['bridge', true],
] as const) {
  test(`mode ${mode}: siblings ${siblings ? 'reach' : 'don’t reach'} each other, the world does`, async (t) => {
    await withWire(t, async (wire) => {
      const on = { ...v4Only, mode };
      await applied(t, wire, [...container(1, on), ...container(2, on)]);
      t.is((await wire.eth0(1)).data.mode, mode);
      t.is(await wire.reaches(1, '203.0.113.102'), siblings);
      t.true(await wire.reaches(1, '203.0.113.2'));
      t.true(await wire.reaches('world', '203.0.113.102'));
    });
  });
}

test('mode passthru: an only child with the parent’s MAC, which stays the parent’s', async (t) => {
  await withWire(t, async (wire) => {
    const on = { ...v4Only, mode: 'passthru' } as const;
    await applied(t, wire, container(1, on));
    t.is((await wire.eth0(1)).mac, '02:42:cb:00:71:01');
    t.regex(await wire.run('host', 'ip', 'link', 'show', 'up0'), /02:42:cb:00:71:01/);
    t.true(await wire.reaches(1, '203.0.113.2'));
    t.is(await wire.apply(container(2, on)), 'add link gw222222222222 (macvlan): EINVAL');
    t.is(await wire.undo(container(1, on)), '');
    await applied(t, wire, container(2, on));
  });
});

test('a network without IPv6 has none, nor does it hear of it', async (t) => {
  await withWire(t, async (wire) => {
    await applied(t, wire, container(1, v4Only));
    t.is(await wire.run(1, 'ip', '-6', 'address', 'show', 'dev', 'eth0'), '');
    t.is((await wire.run(1, 'sysctl', '-n', 'net.ipv6.conf.eth0.disable_ipv6')).trim(), '1');
  });
});

test('an internal network has no default route', async (t) => {
  await withWire(t, async (wire) => {
    await applied(t, wire, container(1, { ...network, internal: true }));
    t.notRegex(await wire.run(1, 'ip', 'route'), /default/);
    t.notRegex(await wire.run(1, 'ip', '-6', 'route'), /default/);
  });
});

test('a parent that is down is accepted, and stays down; when it goes up, packets flow', async (t) => {
  await withWire(t, async (wire) => {
    await wire.run('host', 'ip', 'link', 'set', 'up0', 'down');
    await applied(t, wire, [...container(1, v4Only), ...container(2, v4Only)]);
    t.regex(await wire.run('host', 'ip', 'link', 'show', 'up0'), /state DOWN/);
    t.false(await wire.reaches(1, '203.0.113.2'));
    await wire.run('host', 'ip', 'link', 'set', 'up0', 'up');
    await wire.lab.host.waitFor(['nsenter', '--net=/run/netns/c1', 'ping', '-c1', '-W1', '203.0.113.2']);
  });
});

/** Everything about the containers and the host but the numbers and timers of the kernel. */
async function state(wire: Wire): Promise<unknown> {
  const places = await Promise.all(
    (['host', 1, 2] as const).map(async (where) => [
      JSON.parse(await wire.run(where, 'ip', '-j', '-d', 'link')),
      JSON.parse(await wire.run(where, 'ip', '-j', 'address')),
      JSON.parse(await wire.run(where, 'ip', '-j', 'route', 'show', 'table', 'all')),
      JSON.parse(await wire.run(where, 'ip', '-j', '-6', 'route', 'show', 'table', 'all')),
    ]),
  );
  return places;
}

test('explain’s script does the same, and its way back leaves nothing', async (t) => {
  await withWire(t, async (one) => {
    await withWire(t, async (two_) => {
      const before = await two_.lab.leftovers();
      await applied(t, one, two);
      await two_.script(two);
      // A link-local address comes a moment after the link is up, and is tentative for a second.
      const settled = 'ip -n $n -6 -o address show dev eth0 scope link';
      for (const wire of [one, two_])
        await wire.lab.host.waitFor([
          'sh',
          '-c',
          `for n in c1 c2; do ${settled} | grep -q . && ! ${settled} | grep -q tentative || exit 1; done`,
        ]);
      t.deepEqual(await state(two_), await state(one));
      await two_.script(two, 'unmake');
      t.deepEqual(await two_.leftSince(before), []);
    });
  });
});

test('undo leaves nothing, and undoing twice is undoing once', async (t) => {
  await withWire(t, async (wire) => {
    const before = await wire.lab.leftovers();
    await applied(t, wire, two);
    t.is(await wire.undo(two), '');
    t.deepEqual(await wire.leftSince(before), []);
    t.is(await wire.undo(two), '');
  });
});

test('undo of a plug alone leaves the container its other links', async (t) => {
  await withWire(t, async (wire) => {
    const base = plugged(1, []);
    const plug = attachMacvlan(network, endpoint(1, '203.0.113.101/24'), sandbox(1), families);
    await applied(t, wire, [...base, ...plug]);
    t.is(await wire.undo(plug), '');
    t.regex(await wire.run(1, 'ip', '-br', 'link'), /^lo [^\n]*\n$/);
  });
});

test('the next life has the same MAC at once', async (t) => {
  await withWire(t, async (wire) => {
    for (let life = 0; life < 3; life++) {
      await applied(t, wire, container(1, v4Only));
      t.true(await wire.reaches('world', '203.0.113.101'));
      t.is(await wire.undo(container(1, v4Only)), '');
    }
  });
});

test('where the container’s name is taken, nothing is left', async (t) => {
  await withWire(t, async (wire) => {
    const base = plugged(1, attachMacvlan(v4Only, endpoint(1, '203.0.113.101/24'), sandbox(1), families));
    await applied(t, wire, base);
    const before = await wire.lab.leftovers();
    const second = attachMacvlan(v4Only, endpoint(2, '203.0.113.102/24'), sandbox(1), families);
    t.regex(await wire.apply(second), /^name link \d+ eth0: EEXIST$/);
    t.deepEqual(await wire.leftSince(before), []);
    t.is((await wire.run(1, 'ip', '-br', 'link')).trim().split('\n').length, 2);
    // And a journal's way back, after a kill between birth and name, takes the nameless one and no other.
    await wire.run('host', 'ip', '-n', 'c1', 'link', 'add', 'gw222222222222', 'type', 'veth', 'peer', 'name', 'other');
    t.is(await wire.undo(second.slice(0, 1)), '');
    t.deepEqual(await wire.leftSince(before), []);
  });
});

test('a parent that is a port of a bridge is refused in the kernel’s words', async (t) => {
  await withWire(t, async (wire) => {
    await wire.run('host', 'ip', 'link', 'add', 'br0', 'type', 'bridge');
    await wire.run('host', 'ip', 'link', 'set', 'up0', 'master', 'br0');
    t.is(await wire.apply(container(1)), 'add link gw111111111111 (macvlan): EBUSY');
  });
});

test('a parent that is not there is named', async (t) => {
  await withWire(t, async (wire) => {
    const on: MacvlanNetwork = { ...network, parent: { kind: 'found', link: 'nowhere0' } };
    t.is(await wire.apply(container(1, on)), 'find link nowhere0: ENODEV');
  });
});

test('a VLAN of the uplink: made, used, and taken away', async (t) => {
  await withWire(t, async (wire) => {
    if (skipUnless(t, await wire.lacks('vlan'))) return;
    const on: MacvlanNetwork = { ...v4Only, parent: { kind: 'vlan', link: 'up0.10', trunk: 'up0', id: 10 } };
    const before = await wire.lab.leftovers();
    const steps = [...createMacvlan(on, families), ...container(1, on)];
    await applied(t, wire, steps);
    t.false(await wire.reaches(1, '203.0.113.2'), 'the world is not on VLAN 10 yet');
    await wire.run('world', 'ip', 'link', 'add', 'link', 'eth0', 'name', 'eth0.10', 'up', 'type', 'vlan', 'id', '10');
    await wire.run('world', 'ip', 'address', 'add', '203.0.113.200/32', 'dev', 'eth0.10');
    await wire.run('world', 'ip', 'route', 'add', '203.0.113.101/32', 'dev', 'eth0.10', 'src', '203.0.113.200');
    t.true(await wire.reaches('world', '203.0.113.101'));
    await wire.run('world', 'ip', 'link', 'delete', 'eth0.10');
    t.is(await wire.undo(steps), '');
    t.deepEqual(await wire.leftSince(before), []);
  });
});

test('a network without a parent: the containers have each other and nobody else', async (t) => {
  await withWire(t, async (wire) => {
    if (skipUnless(t, await wire.lacks('dummy'))) return;
    const on: MacvlanNetwork = { ...v4Only, parent: { kind: 'dummy', link: 'dm-111111111111' } };
    const before = await wire.lab.leftovers();
    const steps = [...createMacvlan(on, families), ...container(1, on), ...container(2, on)];
    await applied(t, wire, steps);
    t.true(await wire.reaches(1, '203.0.113.102'));
    t.false(await wire.reaches(1, '203.0.113.2'));
    t.is(await wire.undo(steps), '');
    t.deepEqual(await wire.leftSince(before), []);
  });
});

for (const [kind, parent] of [
  ['vlan', { kind: 'vlan', link: 'up0.10', trunk: 'up0', id: 10 }],
  ['dummy', { kind: 'dummy', link: 'dm-111111111111' }],
] as const) {
  test(`a kernel without ${kind} says so, and nothing is left`, async (t) => {
    await withWire(t, async (wire) => {
      const missing = await wire.lacks(kind);
      if (skipUnless(t, missing === undefined ? `this kernel has ${kind}` : undefined)) return;
      const before = await wire.lab.leftovers();
      t.is(await wire.apply(createMacvlan({ ...network, parent }, families)), `this kernel has no ${kind}`);
      t.deepEqual(await wire.leftSince(before), []);
    });
  });
}
