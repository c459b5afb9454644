/** The model of the policy, case by case: what the ruleset's theory of operation tells, and one question for each way to be refused. */
import test from 'ava';
import { type Answer, formatDestination } from '../../src/firewall/model/answer.ts';
import { evaluate } from '../../src/firewall/model/model.ts';
import type { ModelTopology, Origin } from '../../src/firewall/model/topology.ts';
import type { NetworkPolicy } from '../../src/firewall/policy.ts';
import { formatAddress, parseAddress, parsePrefix } from '../../src/values/address.ts';
import { parseEgress } from '../../src/values/egress-grammar.ts';
import type { Forward } from '../../src/values/port.ts';
import { parsePort } from '../../src/values/port-grammar.ts';
import { plainPolicy } from '../support/plain-policy.ts';

const nat = plainPolicy('gangway0', '172.17.0.1/16', 'fd00:a::1/64');
const back: NetworkPolicy = { ...nat, bridge: 'br-back', subnets: [parsePrefix('172.18.0.1/16')] };

function forward(hostAddress: string, hostPort: number, target = '172.17.0.2'): Forward {
  const binding = { protocol: 'tcp', hostAddress: parseAddress(hostAddress), hostPort, containerPort: 80 } as const;
  return { binding, target: parseAddress(target) };
}

/** web and peer on front, db on back; web publishes port 80. */
function world(
  front: Partial<NetworkPolicy> = {},
  more: Partial<ModelTopology> = {},
  other: Partial<NetworkPolicy> = {},
): ModelTopology {
  const policy = { ...nat, ...front };
  const link = (name: string, ...addresses: string[]) => ({ name, addresses: addresses.map(parsePrefix) });
  const route = (destination: string, name: string) => ({ destination: parsePrefix(destination), link: name });
  return {
    links: [
      link('up0', '203.0.113.1/24', '2001:db8:f::1/64'),
      link('gangway0', ...(policy.gatewayModes[4] === 'isolated' ? [] : ['172.17.0.1/16', 'fd00:a::1/64'])),
      link('br-back', '172.18.0.1/16'),
      link('lan0', '192.0.2.1/24'),
    ],
    routes: [
      route('0.0.0.0/0', 'up0'),
      route('::/0', 'up0'),
      route('203.0.113.0/24', 'up0'),
      route('172.17.0.0/16', 'gangway0'),
      route('fd00:a::/64', 'gangway0'),
      route('172.18.0.0/16', 'br-back'),
    ],
    forwarding: [4, 6],
    closedTransit: [],
    networks: [
      { name: 'front', policy },
      { name: 'back', policy: { ...back, ...other } },
    ],
    endpoints: [
      { container: 'web', network: 'front', addresses: ['172.17.0.2', 'fd00:a::2'].map(parseAddress) },
      { container: 'peer', network: 'front', addresses: ['172.17.0.3', 'fd00:a::3'].map(parseAddress) },
      { container: 'db', network: 'back', addresses: [parseAddress('172.18.0.2')] },
    ],
    publications: [
      forward('0.0.0.0', 8080),
      forward('::', 8080, 'fd00:a::2'),
      forward('127.0.0.1', 9000),
      forward('::', 9001),
    ].map((each) => ({ container: 'web', forward: each })),
    switchboard: true,
    ...more,
  };
}

const outside: Origin = { kind: 'outside', link: 'up0', source: parseAddress('203.0.113.2') };
const outsideSix: Origin = { kind: 'outside', link: 'up0', source: parseAddress('2001:db8:f::2') };
const oneWire: Origin = { kind: 'outside', link: 'up0', source: parseAddress('fe80::2') };
const host: Origin = { kind: 'host' };
const bound: Origin = { kind: 'host', source: parseAddress('127.0.0.1') };
const web: Origin = { kind: 'container', container: 'web', network: 'front' };
const peer: Origin = { kind: 'container', container: 'peer', network: 'front' };
const db: Origin = { kind: 'container', container: 'db', network: 'back' };

/** `web 172.17.0.2:80/tcp sees 203.0.113.2`, or what decides that it doesn't. */
function said(answer: Answer): string {
  if (answer.outcome === 'dropped') return answer.reason.decision;
  const { where, seen } = answer;
  const who = {
    container: () => (where.kind === 'container' ? where.container : ''),
    host: () => 'host',
    outside: () => 'outside',
  };
  return `${who[where.kind]()} ${formatDestination(where.address, where.port)} sees ${formatAddress(seen)}`;
}

function ask(from: Origin, to: string, port?: number, of: ModelTopology = world()): string {
  const what = port === undefined ? {} : { port: parsePort(String(port)) };
  return said(evaluate(of, { from, to: parseAddress(to), ...what }));
}

test('the mode nat, as the ruleset tells it', (t) => {
  t.is(ask(outside, '203.0.113.1', 8080), 'web 172.17.0.2:80/tcp sees 203.0.113.2');
  t.is(ask(host, '203.0.113.1', 8080), 'web 172.17.0.2:80/tcp sees 203.0.113.1');
  t.is(ask(db, '203.0.113.1', 8080), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(peer, '203.0.113.1', 8080), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(web, '203.0.113.1', 8080), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(web, '203.0.113.2', 80), 'outside 203.0.113.2:80/tcp sees 203.0.113.1');
  t.is(ask(peer, '172.17.0.2', 81), 'web 172.17.0.2:81/tcp sees 172.17.0.3');
  t.is(ask(outside, '172.17.0.2', 80), 'not-published');
  t.is(ask(outside, '172.17.0.2'), 'not-published');
  t.is(ask(db, '172.17.0.2', 80), 'not-published');
  t.is(ask(outside, '203.0.113.1', 81), 'host 203.0.113.1:81/tcp sees 203.0.113.2');
});

test('what the kernel can’t translate is carried by the switchboard', (t) => {
  t.is(ask(host, '127.0.0.1', 8080), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(bound, '203.0.113.1', 8080), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(host, '127.0.0.1', 9000), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(outsideSix, '2001:db8:f::1', 9001), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(oneWire, '2001:db8:f::1', 8080), 'web [fd00:a::2]:80/tcp sees fd00:a::1');
  const alone = world({}, { switchboard: false });
  t.is(ask(host, '127.0.0.1', 8080, alone), 'host 127.0.0.1:8080/tcp sees 127.0.0.1');
  t.is(ask(outside, '203.0.113.1', 9000), 'host 203.0.113.1:9000/tcp sees 203.0.113.2');
});

test('of a port whose clients are introduced everything is carried, and nothing comes in by the container’s own address', (t) => {
  const introduced = (of: ModelTopology): ModelTopology => ({
    ...of,
    publications: of.publications.map(({ container, forward: { binding, target } }) => {
      return { container, forward: { binding: { ...binding, clientAddress: 'header' }, target } };
    }),
  });
  const of = introduced(world());
  t.is(ask(outside, '203.0.113.1', 8080, of), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(outsideSix, '2001:db8:f::1', 8080, of), 'web [fd00:a::2]:80/tcp sees fd00:a::1');
  t.is(ask(host, '203.0.113.1', 8080, of), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(peer, '203.0.113.1', 8080, of), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(outside, '172.17.0.2', 80, of), 'not-published');
  const routed = world({ gatewayModes: { 4: 'routed', 6: 'routed' } });
  t.is(ask(outside, '172.17.0.2', 80, introduced(routed)), ask(outside, '172.17.0.2', 81, routed));
});

test('of a transparent port the client is seen, but for whom the container answers itself, and across families', (t) => {
  const of = world();
  const near = ['172.17.0.0/16', 'fd00:a::/64'].map(parsePrefix);
  const transparent: ModelTopology = {
    ...of,
    publications: of.publications.map(({ container, forward: { binding, target } }) => {
      return { container, forward: { binding: { ...binding, clientAddress: 'transparent' }, target, near } };
    }),
  };
  t.is(ask(outside, '203.0.113.1', 8080, transparent), 'web 172.17.0.2:80/tcp sees 203.0.113.2');
  t.is(ask(db, '203.0.113.1', 8080, transparent), 'web 172.17.0.2:80/tcp sees 172.18.0.2');
  t.is(ask(db, '203.0.113.1', 8080), 'web 172.17.0.2:80/tcp sees 172.17.0.1', 'the control: translated');
  t.is(ask(outsideSix, '2001:db8:f::1', 9001, transparent), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(oneWire, '2001:db8:f::1', 8080, transparent), 'web [fd00:a::2]:80/tcp sees fd00:a::1');
  t.is(ask(peer, '203.0.113.1', 8080, transparent), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(host, '127.0.0.1', 8080, transparent), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
});

test('by SCTP the machine itself is never led away, and others are', (t) => {
  const binding = { ...forward('0.0.0.0', 8080).binding, protocol: 'sctp' } as const;
  const publications = [{ container: 'web', forward: { ...forward('0.0.0.0', 8080), binding } }];
  const way = (from: Origin, switchboard = true) =>
    said(
      evaluate(world({}, { publications, switchboard }), {
        from,
        to: parseAddress('203.0.113.1'),
        port: parsePort('8080/sctp'),
      }),
    );
  t.is(way(outside), 'web 172.17.0.2:80/sctp sees 203.0.113.2');
  t.is(way(db), 'web 172.17.0.2:80/sctp sees 172.17.0.1');
  t.is(way(host), 'web 172.17.0.2:80/sctp sees 172.17.0.1');
  t.is(way(host, false), 'host 203.0.113.1:8080/sctp sees 203.0.113.1');
});

test('loopback addresses stay inside their machine', (t) => {
  t.is(ask(outside, '127.0.0.1', 9000), 'loopback');
  t.is(ask(bound, '172.17.0.2', 80), 'loopback');
  t.is(ask(web, '127.0.0.1', 80), 'web 127.0.0.1:80/tcp sees 127.0.0.1');
});

test('the other modes', (t) => {
  const mode = (name: 'nat-unprotected' | 'routed') => world({ gatewayModes: { 4: name, 6: name } });
  t.is(ask(outside, '172.17.0.2', 81, mode('nat-unprotected')), 'web 172.17.0.2:81/tcp sees 203.0.113.2');
  t.is(ask(outside, '172.17.0.2', 80, mode('routed')), 'web 172.17.0.2:80/tcp sees 203.0.113.2');
  t.is(ask(outside, '172.17.0.2', undefined, mode('routed')), 'web 172.17.0.2 sees 203.0.113.2');
  t.is(ask(outside, '172.17.0.2', 81, mode('routed')), 'not-published');
  t.is(ask(outside, '203.0.113.1', 8080, mode('routed')), 'host 203.0.113.1:8080/tcp sees 203.0.113.2');
  t.is(ask(web, '203.0.113.2', 80, mode('routed')), 'outside 203.0.113.2:80/tcp sees 172.17.0.2');
});

test('a refusal names no port, since one stands for all others', (t) => {
  const told = (
    from: Origin,
    { policy, back = {} }: { policy?: Partial<NetworkPolicy>; back?: Partial<NetworkPolicy> },
  ) => {
    const answer = evaluate(world(policy, {}, back), { from, to: parseAddress('172.17.0.2'), port: parsePort('1') });
    return answer.outcome === 'dropped' ? answer.reason.sentence : 'reached';
  };
  t.is(
    told(outside, { policy: { gatewayModes: { 4: 'routed', 6: 'routed' } } }),
    'network front (routed) lets in pings and published ports of web alone',
  );
  t.is(told(db, { back: { egress: parseEgress(['allow=10.0.0.0/8']) } }), 'network back lets out only to 10.0.0.0/8');
});

test('a trusted link opens published ports, and no others', (t) => {
  const trusting = world({ trustedLinks: ['up0'] });
  t.is(ask(outside, '172.17.0.2', 80, trusting), 'web 172.17.0.2:80/tcp sees 203.0.113.2');
  t.is(ask(outside, '172.17.0.2', 81, trusting), 'not-published');
  t.is(ask(db, '172.17.0.2', 80, trusting), 'not-published');
});

test('an accepted mark opens what it is on, in the modes that close something', (t) => {
  for (const mode of ['nat', 'routed'] as const) {
    const accepting = world({ gatewayModes: { 4: mode, 6: mode }, acceptedMark: { mark: 1, mask: 3 } });
    const marked = (mark: number) =>
      said(evaluate(accepting, { from: outside, to: parseAddress('172.17.0.2'), port: parsePort('81'), mark }));
    t.is(marked(5), 'web 172.17.0.2:81/tcp sees 203.0.113.2');
    t.is(marked(0x80000001), 'web 172.17.0.2:81/tcp sees 203.0.113.2');
    t.deepEqual([0, 2, 3, 7].map(marked), Array(4).fill('not-published'));
    t.is(ask(outside, '172.17.0.2', 81, accepting), 'not-published', 'without a mark');
  }
});

test('a mark opens to containers of other networks, too, and nothing that is not a network’s port', (t) => {
  const accepting = world({ acceptedMark: { mark: 1, mask: 3 }, interContainer: false });
  const marked = (from: Origin, to: string, of = accepting) =>
    said(evaluate(of, { from, to: parseAddress(to), port: parsePort('81'), mark: 5 }));
  t.is(marked(db, '172.17.0.2'), 'web 172.17.0.2:81/tcp sees 172.17.0.1');
  t.is(marked(web, '172.18.0.2'), 'not-published', 'the other one accepts none');
  t.is(marked(peer, '172.17.0.2'), 'apart');
  t.is(marked({ ...outside, source: parseAddress('172.17.0.9') }, '172.17.0.2'), 'claim');
  const inner = world({ acceptedMark: { mark: 1, mask: 3 } }, {}, { internal: true });
  t.is(marked(db, '172.17.0.2', inner), 'internal');
});

test('internal and isolated networks', (t) => {
  const internal = world({ internal: true }, { publications: [] });
  t.is(ask(outside, '172.17.0.2', 80, internal), 'internal');
  t.is(ask(web, '203.0.113.2', 80, internal), 'internal');
  t.is(ask(web, '203.0.113.1', 22, internal), 'other-address');
  t.is(ask(web, '172.17.0.1', 22, internal), 'host 172.17.0.1:22/tcp sees 172.17.0.2');
  t.is(ask(host, '172.17.0.2', 80, internal), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  t.is(ask(peer, '172.17.0.2', 80, internal), 'web 172.17.0.2:80/tcp sees 172.17.0.3');
  const isolated = world({ internal: true, gatewayModes: { 4: 'isolated', 6: 'isolated' } }, { publications: [] });
  t.is(ask(outside, '172.17.0.2', 80, isolated), 'isolated');
  t.is(ask(web, '203.0.113.1', 22, isolated), 'isolated');
  t.is(ask(host, '172.17.0.2', 80, isolated), 'no-way');
  t.is(ask(peer, '172.17.0.2', 80, isolated), 'web 172.17.0.2:80/tcp sees 172.17.0.3');
});

test('what a process carries is closed to internal networks, as what the kernel leads', (t) => {
  const inside = world(
    {},
    {},
    { internal: true, subnets: [parsePrefix('172.18.0.1/16'), parsePrefix('fd00:b::1/64')] },
  );
  const links = [...inside.links, { name: 'br-back', addresses: [parsePrefix('fd00:b::1/64')] }];
  const endpoints = [
    ...inside.endpoints,
    { container: 'spy', network: 'back', addresses: [parseAddress('fd00:b::2')] },
  ];
  const all = { ...inside, links, endpoints };
  const spy = { kind: 'container', container: 'spy', network: 'back' } as const;
  t.is(ask(spy, 'fd00:b::1', 9001, all), 'internal', 'to IPv4');
  t.is(ask({ ...spy, source: parseAddress('fe80::2') }, 'fd00:b::1', 8080, all), 'internal', 'from one wire');
  t.is(ask(spy, 'fd00:b::1', 22, all), 'host [fd00:b::1]:22/tcp sees fd00:b::2');
});

test('nobody on a wire passes for a container, whoever is asked', (t) => {
  const pretended: Origin = { ...outside, source: parseAddress('172.18.0.2') };
  t.is(ask(pretended, '203.0.113.1', 8080), 'claim');
  t.is(ask(pretended, '203.0.113.1', 81), 'claim');
  t.is(ask(pretended, '203.0.113.1', 81, world({}, {}, { internal: true })), 'claim');
  t.is(ask(pretended, '192.0.2.9', 80), 'claim');
});

test('no container passes for the machine, or asks its own network in the name of somebody elsewhere', (t) => {
  const as = (source: string): Origin => ({ ...peer, source: parseAddress(source) });
  for (const interContainer of [true, false]) {
    const of = world({ interContainer });
    t.is(ask(as('172.18.0.2'), '203.0.113.1', 8080, of), 'claim');
    t.is(ask(as('203.0.113.2'), '203.0.113.1', 8080, of), 'claim');
    t.is(ask(as('172.17.0.1'), '203.0.113.1', 8080, of), 'claim');
    t.is(ask(as('203.0.113.1'), '203.0.113.2', 80, of), 'claim');
  }
});

test('nobody passes for a sibling', (t) => {
  const open = world({ gatewayModes: { 4: 'nat-unprotected', 6: 'nat' } });
  t.is(ask({ ...outside, source: parseAddress('172.17.0.3') }, '172.17.0.2', 80, open), 'claim');
  t.is(ask({ ...db, source: parseAddress('172.17.0.3') }, '172.17.0.2', 80, open), 'claim');
});

test('siblings that may not talk reach each other by published ports', (t) => {
  const apart = world({ interContainer: false });
  t.is(ask(peer, '172.17.0.2', 80, apart), 'apart');
  t.is(ask(peer, '203.0.113.1', 8080, apart), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
});

test('source addresses', (t) => {
  const chosen = world({ sourceAddresses: [parseAddress('203.0.113.9')] });
  t.is(ask(web, '203.0.113.2', 80, chosen), 'outside 203.0.113.2:80/tcp sees 203.0.113.9');
  t.is(ask(web, '203.0.113.2', 80, world({ masquerade: false })), 'outside 203.0.113.2:80/tcp sees 172.17.0.2');
  t.is(ask(peer, '203.0.113.1', 8080, world({ masquerade: false })), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
});

test('strangers', (t) => {
  const third: ModelTopology['routes'][number] = { destination: parsePrefix('192.0.2.0/24'), link: 'lan0' };
  const routes = [...world().routes, third];
  t.is(ask(outside, '192.0.2.2', 80, world({}, { routes })), 'outside 192.0.2.2:80/tcp sees 203.0.113.2');
  t.is(ask(outside, '192.0.2.2', 80, world({}, { routes, closedTransit: [4] })), 'transit');
  t.is(ask(web, '192.0.2.2', 80, world({}, { routes, closedTransit: [4] })), 'outside 192.0.2.2:80/tcp sees 192.0.2.1');
  t.is(ask(outside, '192.0.2.2', 80, world({}, { routes, forwarding: [6] })), 'no-way');
});

test('where nobody is, and what nobody has', (t) => {
  t.is(ask(peer, '172.17.0.9', 80), 'nobody');
  t.is(ask(host, '172.17.0.9', 80), 'nobody');
  t.is(ask(db, 'fd00:a::2', 80), 'no-family');
  t.is(ask(outsideSix, 'fd00:a::2', 80, world({ subnets: [parsePrefix('172.17.0.1/16')] })), 'no-family');
  t.is(ask(web, '203.0.113.2', 80, world({ subnets: [parsePrefix('fd00:a::1/64')] })), 'no-family');
});

test('a sentence says which fact decides', (t) => {
  const answer = evaluate(world(), { from: outside, to: parseAddress('172.17.0.2'), port: parsePort('80') });
  t.is(
    answer.outcome === 'dropped' ? answer.reason.sentence : '',
    'network front (nat) is entered by published ports of the machine alone, and not at the address of web',
  );
  const { way } = evaluate(world(), { from: db, to: parseAddress('203.0.113.1'), port: parsePort('8080') });
  t.deepEqual(
    way.map(({ at, sentence }) => `${at}: ${sentence}`),
    [
      'from_outside: published: 0.0.0.0:8080/tcp leads to 172.17.0.2:80/tcp',
      'leave: network back (nat) lets it out',
      'enter: network front (nat) lets it in: it came by a published port',
      'masks: 172.17.0.1 takes the place of 172.18.0.2',
    ],
  );
});

test('out of a limited network goes what may, by what was asked for; what is denied is so by what is behind it, too', (t) => {
  const limited = (...egress: string[]) => world({}, {}, { egress: parseEgress(egress) });
  const some = limited('allow=203.0.113.2:80/tcp,203.0.113.1:8080');
  t.is(ask(db, '203.0.113.2', 80, some), 'outside 203.0.113.2:80/tcp sees 203.0.113.1');
  t.is(ask(db, '203.0.113.1', 8080, some), 'web 172.17.0.2:80/tcp sees 172.17.0.1');
  for (const [to, port] of [
    ['203.0.113.2', 81],
    ['203.0.113.2'],
    ['203.0.113.1', 81],
    ['172.18.0.1'],
    ['192.0.2.9', 80],
  ] as const)
    t.is(ask(db, to, port, some), 'egress', `${to} ${port}`);
  const others = limited('deny=172.17.0.0/16,192.0.2.0/24');
  t.is(ask(db, '203.0.113.1', 8080, others), 'egress');
  t.is(ask(db, '192.0.2.9', 80, others), 'egress');
  t.is(ask(db, '203.0.113.2', 80, others), 'outside 203.0.113.2:80/tcp sees 203.0.113.1');
  t.is(ask(db, '203.0.113.1', 81, others), 'host 203.0.113.1:81/tcp sees 172.18.0.2');
  // What comes in is not its business.
  t.is(
    ask(db, '203.0.113.1', 8080, world({ egress: parseEgress(['deny=0.0.0.0/0']) })),
    'web 172.17.0.2:80/tcp sees 172.17.0.1',
  );
});

test('what a process carries on is closed to a limited network, which may speak to everybody else', (t) => {
  const six = { subnets: [parsePrefix('172.18.0.1/16'), parsePrefix('fd00:b::1/64')] };
  const links = [...world().links, { name: 'br-back', addresses: [parsePrefix('fd00:b::1/64')] }];
  const [front] = world().endpoints;
  const endpoints = [
    ...(front === undefined ? [] : [front]),
    { container: 'db', network: 'back', addresses: ['172.18.0.2', 'fd00:b::2'].map(parseAddress) },
  ];
  const of = (egress?: string) =>
    world({}, { links, endpoints }, { ...six, ...(egress === undefined ? {} : { egress: parseEgress([egress]) }) });
  t.is(ask(db, '2001:db8:f::1', 9001, of()), 'web 172.17.0.2:80/tcp sees 172.17.0.1', 'control: it is carried');
  t.is(ask(db, '2001:db8:f::1', 9001, of('deny=192.0.2.0/24')), 'egress');
  t.is(ask(db, '2001:db8:f::1', 9001, of('allow=::/0')), 'egress');
  t.is(ask(db, '2001:db8:f::1', 9002, of('allow=::/0')), 'host [2001:db8:f::1]:9002/tcp sees fd00:b::2');
});

test('what a name is said to be opens the world, and neither the machine nor a container', (t) => {
  const said = ['192.0.2.9', '203.0.113.1', '172.17.0.2', '203.0.113.2:80/tcp'];
  const { networks, ...rest } = world(
    { gatewayModes: { 4: 'nat-unprotected', 6: 'nat' } },
    {},
    { egress: parseEgress(['allow=x.test']) },
  );
  const learned = parseEgress([`allow=${said.join(',')}`]).allow;
  const told = { ...rest, networks: networks.map((network) => ({ ...network, learned })) };
  t.is(ask(db, '192.0.2.9', 80, told), 'outside 192.0.2.9:80/tcp sees 203.0.113.1');
  t.is(ask(db, '203.0.113.2', 80, told), 'outside 203.0.113.2:80/tcp sees 203.0.113.1');
  t.is(ask(db, '203.0.113.2', 81, told), 'egress');
  for (const [to, port] of [
    ['203.0.113.1', 81],
    ['203.0.113.1', 8080],
    ['172.17.0.2', 80],
  ] as const)
    t.is(ask(db, to, port, told), 'egress', `${to} ${port}`);
  t.is(ask(db, '192.0.2.9', 80, { ...rest, networks }), 'egress');
});

test('the reason names whom the network lets out to', (t) => {
  const told = (egress: string, to: string) => {
    const answer = evaluate(world({}, {}, { egress: parseEgress([egress]) }), { from: db, to: parseAddress(to) });
    return answer.outcome === 'dropped' ? answer.reason.sentence : 'reached';
  };
  t.is(
    told('allow=10.0.0.0/8,203.0.113.7:443', '192.0.2.9'),
    'network back lets out only to 10.0.0.0/8, 203.0.113.7:443',
  );
  t.regex(
    told(`allow=${[1, 2, 3, 4, 5, 6, 7].map((n) => `10.${n}.0.0/16`).join(',')}`, '192.0.2.9'),
    /10\.5\.0\.0\/16 and 2 more/,
  );
  t.is(told('deny=192.0.2.0/24', '192.0.2.9'), 'network back lets nothing out to 192.0.2.0/24');
});
