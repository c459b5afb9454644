/** Containers behind the MAC of the host's uplink, each with an address of its own. Most of this wants a kernel with ipvlan. */
import test, { type ExecutionContext } from 'ava';
import { attachIpvlan, createIpvlan, type IpvlanNetwork, ipvlanRoutes } from '../../src/networks/ipvlan.ts';
import type { Step } from '../../src/plan/step.ts';
import { parsePrefix } from '../../src/values/address.ts';
import { skipUnless } from '../support/skip.ts';
import { endpoint, plugged, sandbox, subnet4, type Wire, withWire } from '../support/wire-lab.ts';
import { rulesetFile } from './ruleset-carrier.ts';

const network: IpvlanNetwork = {
  kind: 'ipvlan',
  name: 'wire',
  parent: { kind: 'found', link: 'up0' },
  mode: 'l2',
  flag: 'bridge',
  subnets: [subnet4],
  internal: false,
};
/** Two subnets that nobody on the wire knows of. */
const routed: IpvlanNetwork = {
  ...network,
  mode: 'l3',
  subnets: ['10.8.1.0/24', '10.8.2.0/24'].map((text) => ({ subnet: parsePrefix(text), auxiliary: {} })),
};

/** Those that the kernel has. */
const families = [4, 6] as const;

function container(number: number, on: IpvlanNetwork, address: string): readonly Step[] {
  const plug = endpoint(number, address);
  return plugged(number, attachIpvlan(on, plug, sandbox(number), families), ipvlanRoutes(on, plug));
}

function ipvlan(title: string, body: (t: ExecutionContext, wire: Wire) => Promise<void>): void {
  test(title, async (t) => {
    await withWire(t, async (wire) => {
      if (!skipUnless(t, await wire.lacks('ipvlan'))) await body(t, wire);
    });
  });
}

for (const [flag, siblings] of [
  ['bridge', true],
  ['private', false],
  ['vepa', false],
] as const) {
  ipvlan(`l2 ${flag}: on the wire with the parent’s MAC`, async (t, wire) => {
    const on: IpvlanNetwork = { ...network, flag };
    const steps = [
      ...createIpvlan(on, families),
      ...container(1, on, '203.0.113.101/24'),
      ...container(2, on, '203.0.113.102/24'),
    ];
    const before = await wire.lab.leftovers();
    t.is(await wire.apply(steps), '');
    const { kind, data, mac } = await wire.eth0(1);
    t.deepEqual([kind, data.mode, mac], ['ipvlan', 'l2', '02:42:cb:00:71:01']);
    t.is(await wire.reaches(1, '203.0.113.102'), siblings);
    t.true(await wire.reaches(1, '203.0.113.2'));
    t.true(await wire.reaches('world', '203.0.113.102'));
    t.false(await wire.reaches('host', '203.0.113.101'));
    t.false(await wire.reaches(1, '203.0.113.1'));
    t.regex(await wire.run(1, 'ip', 'route'), /default via 203\.0\.113\.2 dev eth0/);
    t.is(await wire.undo(steps), '');
    t.deepEqual(await wire.leftSince(before), []);
  });
}

for (const mode of ['l3', 'l3s'] as const) {
  ipvlan(`${mode}: subnets reach each other, and the world where it knows the way`, async (t, wire) => {
    const on: IpvlanNetwork = { ...routed, mode };
    const steps = [...container(1, on, '10.8.1.2/24'), ...container(2, on, '10.8.2.2/24')];
    t.is(await wire.apply(steps), '');
    t.is((await wire.eth0(1)).data.mode, mode);
    t.regex(await wire.run(1, 'ip', 'route'), /^default dev eth0 scope link/m);
    t.true(await wire.reaches(1, '10.8.2.2'));
    t.false(await wire.reaches(1, '203.0.113.2'), 'the world does not know the way back');
    await wire.run('world', 'ip', 'route', 'add', '10.8.0.0/16', 'via', '203.0.113.1');
    t.true(await wire.reaches(1, '203.0.113.2'));
    t.true(await wire.reaches('world', '10.8.2.2'));
    await wire.run('host', 'nft', '-f', rulesetFile);
    await wire.run('host', 'nft', 'add element inet gangway closed_transit { ipv4 }');
    t.true(await wire.reaches(1, '203.0.113.2'), 'it is no stranger, whose packets the machine does not forward');
  });
}

ipvlan('the next life has the same address at once, while a second one is refused it', async (t, wire) => {
  const one = container(1, network, '203.0.113.101/24');
  for (let life = 0; life < 3; life++) {
    t.is(await wire.apply(one), '');
    t.regex(await wire.apply(container(2, network, '203.0.113.101/24')), /EADDRINUSE/);
    t.is(await wire.undo(one), '');
  }
});

ipvlan('explain’s script does the same', async (t, wire) => {
  await wire.script([...container(1, network, '203.0.113.101/24'), ...container(2, network, '203.0.113.102/24')]);
  t.true(await wire.reaches(1, '203.0.113.102'));
  t.true(await wire.reaches(1, '203.0.113.2'));
});

test('a kernel without ipvlan says so, and nothing is left', async (t) => {
  await withWire(t, async (wire) => {
    const missing = await wire.lacks('ipvlan');
    if (skipUnless(t, missing === undefined ? 'this kernel has ipvlan' : undefined)) return;
    const before = await wire.lab.leftovers();
    t.is(await wire.apply(container(1, network, '203.0.113.101/24')), 'this kernel has no ipvlan');
    t.deepEqual(await wire.leftSince(before), []);
  });
});
