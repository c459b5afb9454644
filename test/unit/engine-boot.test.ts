/** What the records say of another boot says nothing about this kernel: what carries those names now is somebody else's. */

import test from 'ava';
import { engineOf } from '../../src/engine/create-engine.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { ContainerRecord, NetworkRecord } from '../../src/engine/store/record.ts';
import { nftables } from '../../src/firewall/nftables.ts';
import { bootId } from '../../src/kernel/boot.ts';
import { createNetwork, type Network } from '../../src/networks/network.ts';
import type { Parent } from '../../src/networks/parent-interface.ts';
import type { Plan } from '../../src/plan/step.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import { gather } from '../../src/values/forward-set.ts';
import { parseMac } from '../../src/values/mac.ts';
import { connectionTo } from '../../src/values/network.ts';
import { parseNetworkCreate } from '../../src/values/network-grammar.ts';
import { gangway } from '../support/cli.ts';
import { steps } from '../support/fake-machine.ts';
import { Facts } from '../support/fuzz/facts.ts';
import { container, defaultBridge, lifeIn, request } from '../support/records.ts';

/** The plans of what `body` asks for, each as its direction and the kinds of its steps. */
async function plans(facts: Facts, body: (engine: Engine) => Promise<unknown>): Promise<readonly string[]> {
  const told: Plan[] = [];
  await body(facts.planner({ onPlan: (plan) => told.push(plan) }));
  return told.map(({ direction, steps }) => [direction, ...steps.map(({ kind }) => kind)].join(' '));
}

function on(parent: Parent, made: NetworkRecord['made']): NetworkRecord {
  const { network } = defaultBridge;
  const common = { name: 'lane', parent, subnets: network.subnets, internal: false };
  const lane: Network = { ...common, kind: 'macvlan', mode: 'bridge' };
  return { id: 'e'.repeat(64), createdAt: defaultBridge.createdAt, network: lane, ...(made && { made }) };
}

const vlan = (link: string): Parent => ({ kind: 'vlan', link, trunk: 'eth0', id: 10 });
const ownBridge: Network = { ...defaultBridge.network, name: 'mine' };

test('of a network that was made in another boot nothing is taken away but its record', async (t) => {
  const remove = async (boot: string, network: Network) => {
    using facts = new Facts();
    facts.put('networks', {
      ...defaultBridge,
      network,
      made: { boot, steps: createNetwork(network, [4, 6], nftables) },
    });
    return await plans(facts, (engine) => engine.removeNetwork(network.name));
  };
  const lane = on(vlan('eth0.10'), undefined).network;
  t.regex((await remove(bootId(), ownBridge)).at(-1) ?? '', /^unmake .*bridge/);
  t.regex((await remove(bootId(), lane)).at(-1) ?? '', /^unmake vlan/);
  t.deepEqual(await remove('another', ownBridge), ['unmake']);
  t.deepEqual(await remove('another', lane), ['unmake']);
});

test('gc takes away the default bridge of this boot only', async (t) => {
  const collect = async (boot: string) => {
    using facts = new Facts();
    facts.put('networks', {
      ...defaultBridge,
      made: { boot, steps: createNetwork(defaultBridge.network, [4, 6], nftables) },
    });
    return (await plans(facts, (engine) => engine.collectGarbage())).join();
  };
  t.regex(await collect(bootId()), /bridge/);
  t.notRegex(await collect('another'), /bridge/);
});

test('a parent that the machine has made itself since the last boot is used as it is found', async (t) => {
  const run = async (link: string) => {
    using facts = new Facts();
    const { network } = on(vlan(link), undefined);
    facts.put('networks', on(vlan(link), { boot: 'another', steps: createNetwork(network, [4, 6], nftables) }));
    const connections = [connectionTo('lane')];
    return await plans(facts, (engine) => engine.run({ ...request, network: { kind: 'networks', connections } }));
  };
  t.regex((await run('eth0.10'))[0] ?? '', /^make (?=.*vlan).*macvlan/);
  t.regex((await run('eth0'))[0] ?? '', /^make (?!.* vlan).*macvlan/);
});

test('who inherits a parent takes away what stands of it', async (t) => {
  const inherit = async (boot: string) => {
    using facts = new Facts();
    // Network wire has found eth0.
    const { network } = on(vlan('eth0'), undefined);
    facts.put('networks', on(vlan('eth0'), { boot, steps: createNetwork(network, [4, 6], nftables) }));
    const context = facts.context();
    await engineOf({ ...context, dryRun: false }).removeNetwork('lane');
    const heir = context.records.networks().find((record) => record.network.name === 'wire');
    return heir?.made?.steps[0]?.kind;
  };
  t.is(await inherit(bootId()), 'vlan');
  t.is(await inherit('another'), undefined);
});

test('every network on a parent that was made for one of them can make it in another boot', async (t) => {
  using facts = new Facts();
  facts.put('networks', on(vlan('eth0'), { boot: bootId(), steps: [] }));
  const context = facts.context();
  const asked = { name: 'next', driver: 'macvlan', options: ['parent=eth0'], subnets: ['192.168.9.0/24'] };
  await engineOf({ ...context, dryRun: false }).createNetwork(parseNetworkCreate(asked));
  const next = context.records.networks().find(({ network }) => network.name === 'next');
  t.like(next, { network: { parent: vlan('eth0') }, made: { steps: [] } });
});

const front = '1'.repeat(64);
const binding = {
  protocol: 'tcp',
  hostAddress: parseAddress('0.0.0.0'),
  hostPort: 18_080,
  containerPort: 80,
} as const;

/** One whose record says that it has 10.1.0.9 in network front, and port 18080 of the machine. */
function plugged(name: string, boot: string): ContainerRecord {
  const endpoint = {
    id: '9'.repeat(64),
    link: 'eth0',
    mac: parseMac('02:42:0a:01:00:09'),
    addresses: [parsePrefix('10.1.0.9/24')],
    linkLocalAddresses: [],
    sysctls: [],
  };
  const life = lifeIn('/nonexistent', {
    boot,
    plugs: [{ networkId: front, request: connectionTo('front'), endpoint, steps: [steps.veth('veth9', 'gangway-9')] }],
    forwards: gather([{ binding, target: parseAddress('10.1.0.9') }]),
    published: [steps.element(18_080)],
    rest: [{ kind: 'directory', path: '/nonexistent', mode: 0o711, why: '' }, steps.file('/nonexistent/hosts')],
  });
  const network = { kind: 'networks', connections: [connectionTo('front')] } as const;
  return container({ id: name.padEnd(64, '0'), name, network, life });
}

test('a life of another boot has neither ports nor addresses, and is in no network', async (t) => {
  const look = async (boot: string) => {
    using facts = new Facts();
    facts.put('containers', plugged('0ld', boot));
    const createEngine = async (options: Parameters<Facts['planner']>[0]) => facts.planner(options);
    const explained = async (line: string) => {
      const { status, stderr } = await gangway(['explain', 'run', ...line.split(' '), 'true'], { createEngine });
      return status === 0 ? 'can be had' : stderr;
    };
    const network = await facts.planner({}).inspectNetwork('front');
    return {
      port: await explained('-p 18080:80'),
      address: await explained('--network front --ip 10.1.0.9'),
      network: [network.dangling, network.containers.length, network.occupancies[0]?.inUse],
      inspected: JSON.stringify(await facts.planner({}).inspect('0ld')).includes('10.1.0.9'),
    };
  };
  const now = await look(bootId());
  t.regex(now.port, /18080.* container 0ld/);
  t.regex(now.address, /10\.1\.0\.9 is in use/);
  t.deepEqual([now.network, now.inspected], [[false, 1, 5n], true]);
  const then = await look('another');
  t.deepEqual(then, { port: 'can be had', address: 'can be had', network: [true, 0, 4n], inspected: false });
});

test('of a life of another boot nothing is taken away but its files', async (t) => {
  const remove = async (boot: string) => {
    using facts = new Facts();
    facts.put('containers', plugged('0ld', boot));
    return await plans(facts, (engine) => engine.remove('0ld', {}));
  };
  t.deepEqual(await remove(bootId()), ['unmake veth flows element directory file']);
  t.deepEqual(await remove('another'), ['unmake directory file']);
});

test('forwarding ends with the last plug of this boot', async (t) => {
  const remove = async (boot: string) => {
    using facts = new Facts();
    const forwarding = [steps.sysctl('net/ipv4/ip_forward')];
    facts.write(facts.context().records.putMachine({ boot: bootId(), ruleset: [], forwarding }));
    facts.put('containers', plugged('0ld', boot));
    facts.put('containers', plugged('last', bootId()));
    return (await plans(facts, (engine) => engine.remove('last', {}))).join();
  };
  t.notRegex(await remove(bootId()), /sysctl/);
  t.regex(await remove('another'), /sysctl/);
});
