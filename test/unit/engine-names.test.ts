/** From records to what each container's name server answers. */
import test from 'ava';
import { nameServices, namesOf } from '../../src/engine/dns/zones.ts';
import { defaultRoutesOf } from '../../src/engine/endpoint/routes.ts';
import { defaultPolicy } from '../../src/engine/store/network-lookup.ts';
import type { ContainerRecord, EndpointRecord, NetworkRecord, Run } from '../../src/engine/store/record.ts';
import { bootId } from '../../src/kernel/boot.ts';
import { defaultRoutes } from '../../src/networks/default-route.ts';
import { explainAnswer } from '../../src/services/dns/explain.ts';
import { recordType } from '../../src/services/dns/message.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import { parseEgress } from '../../src/values/egress-grammar.ts';
import type { ForwardSet } from '../../src/values/forward-set.ts';
import { parseMac } from '../../src/values/mac.ts';
import { type ConnectionRequest, connectionTo } from '../../src/values/network.ts';
import { resolverSettings } from '../../src/values/resolver.ts';
import { container, lifeIn } from '../support/records.ts';

const resolver = resolverSettings('nameserver 203.0.113.53\n');
const mac = parseMac('02:42:ac:12:00:02');

function network(name: string, subnet: string, internal = false): NetworkRecord {
  return {
    id: name.padEnd(64, '0'),
    createdAt: '2026-01-01T00:00:00.000Z',
    network: {
      ...defaultPolicy,
      internal,
      kind: 'bridge',
      name,
      bridge: `br-${name}`,
      mac,
      mtuBytes: 1500,
      subnets: [
        {
          subnet: parsePrefix(subnet),
          gateway: { family: 4, value: parsePrefix(subnet).address.value + 1n },
          auxiliary: {},
        },
      ],
    },
  };
}

const bridge = network('bridge', '172.17.0.0/16');
const front = network('front', '172.18.0.0/16');
const back = network('back', '172.19.0.0/16', true);
const networks = [bridge, front, back];

type Seat = readonly [record: NetworkRecord, address: string, asked?: Partial<ConnectionRequest>];

function plug([record, address, asked = {}]: Seat, index: number): EndpointRecord {
  return {
    networkId: record.id,
    request: { ...connectionTo(record.network.name), ...asked },
    endpoint: { id: 'e', link: `eth${index}`, mac, addresses: [parsePrefix(address)] },
    steps: [],
  };
}

/** A container that runs. */
function running(name: string, seats: readonly Seat[], parts: Partial<Run> = {}): ContainerRecord {
  const plugs = seats.map(plug);
  const wired = seats.map(([record], index) => ({ plug: plugs[index] as EndpointRecord, record }));
  const named = seats.some(
    ([
      {
        network: { name: of },
      },
    ]) => of !== 'bridge',
  );
  return container({
    id: name.padEnd(64, '0'),
    name,
    hostname: name.padEnd(12, '0'),
    network: { kind: 'networks', connections: plugs.map(({ request }) => request) },
    life: lifeIn('/nowhere', {
      namespace: `gangway-${name}`,
      plugs,
      routes: defaultRoutes(defaultRoutesOf(wired), { namespace: name }),
      ...(named ? { names: { steps: [], resolver } } : {}),
      ...parts,
    }),
  });
}

function stopped(name: string, ...on: readonly string[]): ContainerRecord {
  return container({
    id: name.padEnd(64, '0'),
    name,
    hostname: name,
    network: { kind: 'networks', connections: on.map(connectionTo) },
  });
}

const noAddresses = () => [];

/** What a container is told: addresses, or who is silent. */
function ask(records: readonly ContainerRecord[], from: string, name: string, type: number = recordType.A): string {
  const service = nameServices(records, networks, bootId(), noAddresses).find((candidate) => candidate.name === from);
  if (service === undefined) return 'no name server';
  const found = explainAnswer(service.zone, { name, type, class: 1 });
  if (found.by !== 'network') return found.by;
  return found.records.map(({ data }) => [...data].join('.')).join(' ');
}

test('each container of a network knows the others by name, alias, id, hostname, and with the network’s name', (t) => {
  const records = [
    running('web', [[front, '172.18.0.2/16', { aliases: ['www', '*.web'] }]]),
    running('db', [[front, '172.18.0.3/16']]),
  ];
  for (const name of ['web', 'www', 'a.web', 'web000000000', 'web.front']) t.is(ask(records, 'db', name), '172.18.0.2');
  t.is(ask(records, 'db', 'other'), 'upstream');
});

test('a container is called each name once, in Docker’s order', (t) => {
  const id = '0123456789ab'.padEnd(64, '0');
  t.deepEqual(namesOf({ id, name: 'web', hostname: 'shop' }, ['www']), ['web', 'www', '0123456789ab', 'shop']);
  t.deepEqual(namesOf({ id, name: 'web', hostname: '0123456789ab' }, []), ['web', '0123456789ab']);
  t.deepEqual(namesOf({ id, name: 'web', hostname: 'web' }, ['web']), ['web', '0123456789ab']);
});

test('on the default bridge alone there is no name server, and its names are no stranger’s business', (t) => {
  const records = [running('old', [[bridge, '172.17.0.2/16']]), running('web', [[front, '172.18.0.2/16']])];
  t.is(ask(records, 'old', 'web'), 'no name server');
  t.is(ask(records, 'web', 'old'), 'silence');
});

test('the name of a container that does not run is known and has no address', (t) => {
  const records = [running('web', [[front, '172.18.0.2/16']]), stopped('db', 'front'), stopped('far', 'back')];
  t.is(ask(records, 'web', 'db'), '');
  t.is(ask(records, 'web', 'far'), 'silence');
  t.is(ask([...records, stopped('lost', 'no-such-network')], 'web', 'lost'), 'upstream');
});

test('a life of another boot has neither name server nor address', (t) => {
  const old = running('old', [[front, '172.18.0.3/16']], { boot: 'another' });
  const records = [running('web', [[front, '172.18.0.2/16']]), old];
  t.is(ask(records, 'web', 'old'), '');
  t.is(ask(records, 'old', 'web'), 'no name server');
});

test('links are names that one container alone has for another, in the networks that they share', (t) => {
  const links = [
    { container: 'db', alias: 'store' },
    { container: 'far', alias: 'away' },
  ];
  const records = [
    running('web', [[front, '172.18.0.2/16', { links }]]),
    running('db', [[front, '172.18.0.3/16']]),
    running('far', [[back, '172.19.0.2/16']]),
  ];
  t.is(ask(records, 'web', 'store'), '172.18.0.3');
  t.is(ask(records, 'db', 'store'), 'upstream');
  t.is(ask(records, 'web', 'away'), 'upstream');
});

test('a link by the beginning of an id is for the one whose id begins so, and for nobody where several do', (t) => {
  const links = [
    { container: 'sto', alias: 'one' },
    { container: 'stone', alias: 'other' },
    { container: 'stor', alias: 'third' },
  ];
  const records = [
    running('web', [[front, '172.18.0.2/16', { links }]]),
    { ...running('a', [[front, '172.18.0.3/16']]), id: 'stone'.padEnd(64, '0') },
    { ...running('b', [[front, '172.18.0.4/16']]), id: 'store'.padEnd(64, '0') },
  ];
  t.is(ask(records, 'web', 'one'), 'upstream');
  t.is(ask(records, 'web', 'other'), '172.18.0.3');
  t.is(ask(records, 'web', 'third'), '172.18.0.4');
});

test('networks are asked in the order of the gateways, an internal one last', (t) => {
  const records = [
    running('both', [
      [back, '172.19.0.2/16'],
      [front, '172.18.0.2/16'],
    ]),
    running('a', [[back, '172.19.0.3/16', { aliases: ['x'] }]]),
    running('b', [[front, '172.18.0.3/16', { aliases: ['x'] }]]),
  ];
  t.is(ask(records, 'both', 'x'), '172.18.0.3');
  t.is(ask(records, 'both', 'x.back'), '172.19.0.3');
});

test('in internal networks alone nobody outside is asked; a further network opens the way', (t) => {
  const inside = running('c', [[back, '172.19.0.2/16']]);
  t.is(ask([inside], 'c', 'example.org'), 'nobody');
  const outside = running('c', [
    [back, '172.19.0.2/16'],
    [front, '172.18.0.2/16'],
  ]);
  t.is(ask([outside], 'c', 'example.org'), 'upstream');
  const bridged = running('c', [
    [back, '172.19.0.2/16'],
    [bridge, '172.17.0.2/16'],
  ]);
  t.is(ask([bridged], 'c', 'example.org'), 'upstream');
});

const limited = (...texts: string[]): NetworkRecord => {
  const { network, ...record } = front;
  return { ...record, network: { ...network, egress: parseEgress(texts) } as NetworkRecord['network'] };
};

/** Of each of these servers: is it asked from the machine, or left in the container? */
function places(record: NetworkRecord, servers: readonly string[], others: readonly ContainerRecord[] = []) {
  const upstreams = servers.map((text) => ({ address: parseAddress(text), place: 'container' as const }));
  const seats: readonly Seat[] = [
    [record, '172.18.0.2/16'],
    [back, '172.19.0.2/16'],
  ];
  const web = running('web', seats, { names: { steps: [], resolver: { ...resolver, upstreams } } });
  const own = () => ['203.0.113.1', '172.18.0.1', '2001:db8::1'].map((text) => parseAddress(text));
  const [service] = nameServices([web, ...others], [bridge, record, back], bootId(), own);
  return service?.zone.upstreams.map(({ place }) => place);
}

const [within, machine] = ['container', 'host'] as const;

test('a server in a container to which names open addresses is told from all others', (t) => {
  const servers = ['127.0.0.1', '172.19.0.2', '172.18.0.3', '172.18.0.1', '172.19.0.3', '172.19.0.4', '203.0.113.1'];
  const told = (record: NetworkRecord) =>
    places(record, servers, [
      running('sibling', [
        [record, '172.18.0.3/16'],
        [back, '172.19.0.4/16'],
      ]),
      running('resolver', [[back, '172.19.0.3/16']], { forwards: [published('0.0.0.0', 53)] }),
    ]);
  t.deepEqual(told(limited('allow=x.test')), [within, within, within, machine, machine, within, machine]);
  t.deepEqual(told(limited('deny=x.test')), [within, ...Array(6).fill(machine)]);
  t.deepEqual(told(front), Array(7).fill(within));
});

/** As if published by 172.18.0.3. */
function published(host: string, hostPort: number, parts: Partial<ForwardSet> = {}): ForwardSet {
  const ports = [{ hostPort, containerPort: 5353, count: 1 }];
  return { protocol: 'udp', hostAddress: parseAddress(host), target: parseAddress('172.18.0.3'), ports, ...parts };
}

test('so is one that is asked at a port of the machine which leads there', (t) => {
  const record = limited('allow=x.test');
  const told = (...forwards: readonly ForwardSet[]) => {
    const sibling = running('sibling', [[record, '172.18.0.3/16']], { forwards });
    const servers = ['203.0.113.1', '172.18.0.1', '0.0.0.0', '203.0.113.53', '2001:db8::1', '::1'];
    return places(record, servers, [sibling])?.map((place) => place === within);
  };
  t.deepEqual(told(published('0.0.0.0', 53)), [true, true, true, false, false, true]);
  t.deepEqual(told(published('::', 53, { protocol: 'tcp' })), [false, false, false, false, true, true]);
  t.deepEqual(told(published('203.0.113.1', 53)), [true, false, false, false, false, true]);
  t.deepEqual(told(published('127.0.0.1', 53)), [false, false, true, false, false, true]);
  const row = { ports: [{ hostPort: 50, containerPort: 50, count: 10 }] };
  t.deepEqual(told(published('203.0.113.1', 0, row)), [true, false, false, false, false, true]);
  const none = [false, false, false, false, false, true];
  t.deepEqual(told(published('0.0.0.0', 54)), none);
  t.deepEqual(told(published('0.0.0.0', 53, { protocol: 'sctp' })), none);
  t.deepEqual(told(published('0.0.0.0', 53, { routed: true })), none);
});

test('one on the machine’s loopback is asked, unless a port there leads to such a container', (t) => {
  const record = limited('allow=x.test');
  const settings = resolverSettings('nameserver 127.0.0.53\nnameserver 127.0.0.1\nnameserver ::1\n');
  const told = (...forwards: readonly ForwardSet[]) => {
    const parts = { names: { steps: [], resolver: settings }, forwards };
    const liar = running('liar', [[record, '172.18.0.3/16']], parts);
    const [service] = nameServices([liar], [record], bootId(), noAddresses);
    return service?.zone.upstreams.map(({ place }) => place);
  };
  t.deepEqual(told(), [machine, machine, machine]);
  t.deepEqual(told(published('0.0.0.0', 53)), [within, within, machine]);
  t.deepEqual(told(published('127.0.0.1', 53)), [machine, within, machine]);
  t.deepEqual(told(published('::', 53)), [machine, machine, within]);
});

test('who has left the last network still has a name server', (t) => {
  const alone = running('c', [], { names: { steps: [], resolver } });
  t.is(ask([alone], 'c', 'example.org'), 'nobody');
});
