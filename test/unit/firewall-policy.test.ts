import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { learnedElements, learnedEntry } from '../../src/firewall/dns-egress-elements.ts';
import { renderRules } from '../../src/firewall/iptables/render.ts';
import {
  closedTransitElements,
  type NetworkPolicy,
  networkElements,
  networkSets,
  type PortPolicy,
  portElements,
  portSets,
} from '../../src/firewall/policy.ts';
import { coalesce } from '../../src/firewall/ranges.ts';
import { reasonOf } from '../../src/firewall/rule-explanations.ts';
import { firstKey, lastKey, readKey, type SetParts } from '../../src/kernel/set-key.ts';
import { contains, formatPrefix, network, parseAddress, parsePrefix } from '../../src/values/address.ts';
import { entryFor, type Spoken } from '../../src/values/egress.ts';
import { formatEntry, parseEgress } from '../../src/values/egress-grammar.ts';
import { wholeMask } from '../../src/values/firewall-mark.ts';
import { type PortBinding, protocols } from '../../src/values/port.ts';
import { type Datum, formatSetElement, type SetElement } from '../../src/values/set-element.ts';
import { plainPolicy } from '../support/plain-policy.ts';

const container = parseAddress('172.17.0.2');
const ruleset = readFileSync(new URL('../../src/firewall/nftables/ruleset.nft', import.meta.url), 'utf8');

function written(list: readonly SetElement[]): readonly string[] {
  return list.map((element) => `${element.set} { ${formatSetElement(element)} }`);
}

/** Of what the kernel would say of an element, key and value are what was written. */
function readsBack(
  t: ExecutionContext,
  sets: Readonly<Record<string, SetParts>>,
  { set, key, value }: SetElement,
): void {
  const parts = sets[set];
  t.deepEqual(readKey(parts?.key ?? [], firstKey(key), lastKey(key)), key, set);
  if (parts?.value !== undefined) t.deepEqual(readKey(parts.value, firstKey(value ?? [])), value, set);
  else
    t.true(
      (value ?? []).every(({ type }) => type === 'goto'),
      set,
    );
}

function port(hostAddress: string, at = container, policy: Partial<PortPolicy> = {}): readonly string[] {
  return written(portElements(bound(hostAddress), at, { ...gangway0, ...policy }));
}

function bound(hostAddress: string): PortBinding {
  return { protocol: 'tcp', hostAddress: parseAddress(hostAddress), hostPort: 8080, containerPort: 80 };
}

const gangway0 = plainPolicy('gangway0', '172.17.0.1/16');
/** Of each kind of entry one, in both lists; and of names. */
const egress = parseEgress([
  ...['allow=', 'deny='].map((list) => `${list}10.0.0.0/8,10.0.0.0/8:1-9,2001:db8::/32,[2001:db8::/32]:53/udp`),
  'allow=x.test,y.test:443',
]);
const learned = ['x.test', 'y.test'].flatMap((name) =>
  ['203.0.113.7', '2001:db8::7'].flatMap((address) =>
    learnedElements('gangway0', egress, { name, address: parseAddress(address), seconds: 60 }),
  ),
);
const both = [parsePrefix('172.17.0.1/16'), parsePrefix('fd00::1/64')];
const six = parseAddress('fd00::2');

test('a network is known by its bridge, its subnet and what its containers may do', (t) => {
  t.deepEqual(written(networkElements(gangway0)), [
    'bridges { "gangway0" }',
    'same_bridge { "gangway0" . "gangway0" }',
    'leaving { ipv4 . "gangway0" : goto leave_nat }',
    'entering { ipv4 . "gangway0" : goto enter_nat }',
    'subnets4 { "gangway0" . 172.17.0.0/16 }',
    'inside4 { ipv4 . 172.17.0.0/16 }',
    'masqueraded { ipv4 . "gangway0" }',
  ]);
});

test('what a network does not allow is another element, or one less', (t) => {
  t.deepEqual(written(networkElements({ ...gangway0, interContainer: false, masquerade: false })), [
    'bridges { "gangway0" }',
    'apart { "gangway0" . "gangway0" }',
    'leaving { ipv4 . "gangway0" : goto leave_nat }',
    'entering { ipv4 . "gangway0" : goto enter_nat }',
    'subnets4 { "gangway0" . 172.17.0.0/16 }',
    'inside4 { ipv4 . 172.17.0.0/16 }',
  ]);
});

test('a network without a guard is one whose containers are asked for whom they claim to be, unless nothing leaves it', (t) => {
  const unguarded = (policy: Partial<NetworkPolicy>) =>
    written(networkElements({ ...gangway0, guarded: false, ...policy })).filter((each) => each.startsWith('unguarded'));
  t.deepEqual(unguarded({}), ['unguarded { "gangway0" }']);
  t.deepEqual(unguarded({ internal: true }), []);
  t.deepEqual(unguarded({ guarded: true }), []);
});

test('each family has a mode of its own', (t) => {
  const policy = { ...gangway0, subnets: both, gatewayModes: { 4: 'nat-unprotected', 6: 'routed' } } as const;
  t.deepEqual(written(networkElements(policy)).slice(2), [
    'leaving { ipv4 . "gangway0" : goto leave_nat }',
    'entering { ipv4 . "gangway0" : goto enter_unprotected }',
    'subnets4 { "gangway0" . 172.17.0.0/16 }',
    'inside4 { ipv4 . 172.17.0.0/16 }',
    'masqueraded { ipv4 . "gangway0" }',
    'leaving { ipv6 . "gangway0" : goto leave_routed }',
    'entering { ipv6 . "gangway0" : goto enter_routed }',
    'subnets6 { "gangway0" . fd00::/64 }',
    'inside6 { ipv6 . fd00::/64 }',
  ]);
});

test('a chosen source address stands in the place of the masquerade, in its family', (t) => {
  const policy = { ...gangway0, subnets: both, sourceAddresses: [parseAddress('203.0.113.9')] };
  t.deepEqual(
    written(networkElements(policy)).filter((element) => /^(masqueraded|sources)/.test(element)),
    ['sources4 { "gangway0" : 203.0.113.9 }', 'masqueraded { ipv6 . "gangway0" }'],
  );
});

test('an internal network is closed by what is not said of it', (t) => {
  const policy = { ...gangway0, internal: true, subnets: both, gatewayModes: { 4: 'nat', 6: 'isolated' } } as const;
  t.deepEqual(written(networkElements(policy)), [
    'bridges { "gangway0" }',
    'same_bridge { "gangway0" . "gangway0" }',
    'internal { ipv4 . "gangway0" }',
    'inside4 { ipv4 . 172.17.0.0/16 }',
    'isolated { ipv6 . "gangway0" }',
  ]);
});

test('an egress policy is elements of sets in which nothing overlaps', (t) => {
  const told = (...texts: string[]) =>
    written(networkElements({ ...gangway0, subnets: both, egress: parseEgress(texts) }))
      .filter((element) => /^(limited|leaving|denied|allowed)/.test(element))
      .map((element) => element.replaceAll('"gangway0" . ', ''));
  t.deepEqual(told('allow=10.0.0.0/8,10.1.0.0/16,203.0.113.7:443/tcp,203.0.113.7:440-442/tcp,203.0.113.0/24:400-441'), [
    'limited { "gangway0" }',
    'allowed4 { 10.0.0.0/8 }',
    'allowed_ports4 { 203.0.113.0/24 . tcp . 400-441 }',
    'allowed_ports4 { 203.0.113.7/32 . tcp . 442-443 }',
    'allowed_ports4 { 203.0.113.0/24 . udp . 400-441 }',
    'allowed_ports4 { 203.0.113.0/24 . sctp . 400-441 }',
    'leaving { ipv4 . "gangway0" : goto leave_limited }',
    'leaving { ipv6 . "gangway0" : goto leave_limited }',
  ]);
  t.deepEqual(told('deny=[fd00::/8]:53/udp,169.254.0.0/16'), [
    'limited { "gangway0" }',
    'denied4 { 169.254.0.0/16 }',
    'denied_ports6 { fd00::/8 . udp . 53 }',
    'allowed4 { 0.0.0.0/0 }',
    'allowed6 { ::/0 }',
    'leaving { ipv4 . "gangway0" : goto leave_limited }',
    'leaving { ipv6 . "gangway0" : goto leave_limited }',
  ]);
});

test('whatever overlaps in a policy, its elements mean the same and don’t overlap', (t) => {
  const byte = fc.integer({ min: 0, max: 3 });
  const entry = fc.record({
    length: fc.constantFrom(0, 8, 30, 31, 32),
    last: byte,
    ports: fc.option(
      fc.tuple(fc.integer({ min: 1, max: 9 }), byte).map(([first, more]) => `:${first}-${first + more}`),
    ),
    protocol: fc.constantFrom('', '/tcp', '/udp', '/sctp'),
  });
  const text = fc.array(entry, { minLength: 1, maxLength: 6 }).map((entries) =>
    entries.map(({ length, last, ports, protocol }) => {
      const prefix = formatPrefix(network(parsePrefix(`10.0.0.${last}/${length}`)));
      return `${prefix}${ports === null ? '' : ports + protocol}`;
    }),
  );
  fc.assert(
    fc.property(
      text,
      byte,
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(...protocols),
      (texts, last, port, protocol) => {
        const policy = parseEgress([`allow=${texts.join(',')}`]);
        const spoken = { address: parseAddress(`10.0.0.${last}`), port: { port, protocol } } as const;
        const elements = networkElements({ ...gangway0, egress: policy });
        const [whole, some] = ['allowed4', 'allowed_ports4'].map((set) =>
          elements.filter((each) => each.set === set && means(each, spoken)),
        );
        t.true((whole?.length ?? 0) < 2 && (some?.length ?? 0) < 2);
        t.is((whole?.length ?? 0) + (some?.length ?? 0) > 0, entryFor(policy.allow, spoken) !== undefined);
      },
    ),
  );
});

/** Does every part of the key mean it? */
function means({ key }: SetElement, { address, port }: Spoken): boolean {
  return key.every((datum) => {
    if (datum.type === 'prefix') return contains(datum.prefix, address);
    if (datum.type === 'inet_proto') return datum.protocol === port?.protocol;
    return datum.type !== 'ports' || (datum.first <= (port?.port ?? 0) && (port?.port ?? 0) <= datum.last);
  });
}

test('a published port is an element that leads there, and one that closes it to internal and limited networks', (t) => {
  // Whom connection tracking has met before is not translated, but carried.
  t.deepEqual(port('0.0.0.0'), ['ports4 { tcp . 8080 : 172.17.0.2 . 80 }', 'carried_ports { ipv4 . tcp . 8080 }']);
  t.deepEqual(port('203.0.113.1'), [
    'host_ports4 { 203.0.113.1 . tcp . 8080 : 172.17.0.2 . 80 }',
    'carried_host_ports4 { 203.0.113.1 . tcp . 8080 }',
  ]);
  t.deepEqual(port('127.0.0.1'), ['loopback_ports4 { 127.0.0.1 . tcp . 8080 }']);
});

test('a port that is published by its own number is the source of whom it belongs to', (t) => {
  const own = (hostAddress: string, hostPort: number, at = container) =>
    written(portElements({ ...bound(hostAddress), hostPort }, at, gangway0)).filter((element) => /^own/.test(element));
  t.deepEqual(own('0.0.0.0', 80), ['own_ports4 { 172.17.0.2 . tcp . 80 }']);
  t.deepEqual(own('2001:db8::1', 80, six), [
    'own_ports6 { fd00::2 . tcp . 80 }',
    'own_host_ports6 { 2001:db8::1 . fd00::2 . tcp . 80 }',
  ]);
  t.deepEqual(own('0.0.0.0', 8080), []);
  t.deepEqual(own('::', 80), [], 'of another family');
  t.deepEqual(own('127.0.0.1', 80), [], 'nobody else asks there');
});

test('a published port in IPv6', (t) => {
  // Who has an address of one link alone is not translated, but carried.
  t.deepEqual(port('::', six), ['ports6 { tcp . 8080 : fd00::2 . 80 }', 'carried_ports { ipv6 . tcp . 8080 }']);
  t.deepEqual(port('2001:db8::1', six), [
    'host_ports6 { 2001:db8::1 . tcp . 8080 : fd00::2 . 80 }',
    'carried_host_ports6 { 2001:db8::1 . tcp . 8080 }',
  ]);
});

test('a port that the kernel cannot carry over is none, but closed to internal and limited networks', (t) => {
  t.deepEqual(port('::'), ['carried_ports { ipv6 . tcp . 8080 }']);
  t.deepEqual(port('2001:db8::1'), ['carried_host_ports6 { 2001:db8::1 . tcp . 8080 }']);
  t.deepEqual(port('::1'), []);
  t.deepEqual(port('::1', six), []);
  t.deepEqual(port('0.0.0.0', six), ['carried_ports { ipv4 . tcp . 8080 }']);
  t.deepEqual(port('203.0.113.1', six), ['carried_host_ports4 { 203.0.113.1 . tcp . 8080 }']);
});

test('a port whose clients are introduced is translated nowhere, trusted to nobody, and open by itself in no network', (t) => {
  const introduced = (hostAddress: string, at = container, policy: Partial<PortPolicy> = {}) =>
    written(portElements({ ...bound(hostAddress), clientAddress: 'header' }, at, { ...gangway0, ...policy }));
  t.deepEqual(introduced('0.0.0.0'), ['carried_ports { ipv4 . tcp . 8080 }']);
  t.deepEqual(introduced('203.0.113.1'), ['carried_host_ports4 { 203.0.113.1 . tcp . 8080 }']);
  t.deepEqual(introduced('127.0.0.1'), port('127.0.0.1'));
  t.deepEqual(introduced('::', six), ['carried_ports { ipv6 . tcp . 8080 }']);
  t.deepEqual(introduced('::'), port('::'));
  t.deepEqual(introduced('0.0.0.0', container, { trustedLinks: ['wg0'] }), ['carried_ports { ipv4 . tcp . 8080 }']);
  t.deepEqual(introduced('0.0.0.0', container, { gatewayModes: { 4: 'routed', 6: 'routed' } }), []);
});

test('in a routed network the container’s own port is open, but not if it was asked for on loopback', (t) => {
  const routed = { gatewayModes: { 4: 'routed', 6: 'routed' } } as const;
  t.deepEqual(port('0.0.0.0', container, routed), ['open_ports4 { "gangway0" . 172.17.0.2 . tcp . 80 }']);
  t.deepEqual(port('203.0.113.1', container, routed), ['open_ports4 { "gangway0" . 172.17.0.2 . tcp . 80 }']);
  t.deepEqual(port('::', six, routed), ['open_ports6 { "gangway0" . fd00::2 . tcp . 80 }']);
  t.deepEqual(port('::', container, routed), []);
  t.deepEqual(port('127.0.0.1', container, routed), []);
});

test('in an isolated network there is no port', (t) => {
  t.deepEqual(port('0.0.0.0', container, { gatewayModes: { 4: 'isolated', 6: 'isolated' } }), []);
});

test('a trusted link may come directly, to what is published beyond loopback', (t) => {
  const trusting = { trustedLinks: ['eth1', 'eth2'] };
  t.deepEqual(port('0.0.0.0', container, trusting), [
    'ports4 { tcp . 8080 : 172.17.0.2 . 80 }',
    'carried_ports { ipv4 . tcp . 8080 }',
    'trusted_ports4 { "eth1" . "gangway0" . 172.17.0.2 . tcp . 80 }',
    'trusted_ports4 { "eth2" . "gangway0" . 172.17.0.2 . tcp . 80 }',
  ]);
  t.deepEqual(port('::', six, trusting).slice(2, 3), ['trusted_ports6 { "eth1" . "gangway0" . fd00::2 . tcp . 80 }']);
  t.deepEqual(port('127.0.0.1', container, trusting), ['loopback_ports4 { 127.0.0.1 . tcp . 8080 }']);
  const unprotected = { ...trusting, gatewayModes: { 4: 'nat-unprotected', 6: 'nat' } } as const;
  t.deepEqual(port('0.0.0.0', container, unprotected), port('0.0.0.0'));
});

test('transit is closed family by family', (t) => {
  t.deepEqual(written(closedTransitElements(4)), ['closed_transit { ipv4 }']);
});

test('every set and every chain that an element names stands in the ruleset', (t) => {
  const modes = ['nat', 'nat-unprotected', 'routed', 'isolated'] as const;
  const policies = modes.flatMap((mode): readonly NetworkPolicy[] => {
    const plain = { ...gangway0, subnets: both, gatewayModes: { 4: mode, 6: mode }, trustedLinks: ['eth1'] } as const;
    const sourceAddresses = [container, six];
    return [
      plain,
      { ...plain, sourceAddresses },
      { ...plain, egress },
      { ...plain, acceptedMark: { mark: 1, mask: wholeMask } },
      { ...plain, internal: true, interContainer: false },
      { ...plain, guarded: false },
    ];
  });
  const port = { protocol: 'udp', hostPort: 53, containerPort: 53 } as const;
  const all = policies.flatMap((policy) => [
    ...networkElements(policy),
    ...learned,
    ...['0.0.0.0', '203.0.113.1', '127.0.0.1', '::', '2001:db8::1'].map(parseAddress).flatMap((hostAddress) => {
      const target = hostAddress.family === 4 ? container : six;
      return portElements({ ...port, hostAddress }, target, policy);
    }),
    ...portElements({ ...port, hostAddress: parseAddress('::') }, container, policy),
    ...portElements({ ...port, hostAddress: parseAddress('203.0.113.1') }, six, policy),
  ]);
  const used = new Set([...all, ...ranges(all), ...closedTransitElements(4)].map(({ set }) => set));
  const declared = [...ruleset.matchAll(/^\t(?:set|map) (\w+) \{$/gm)].map(([, name]) => name ?? '');
  const filledByRules = ['moved4', 'moved6'];
  t.deepEqual([...used, ...filledByRules].sort(), declared.sort());
  for (const { set, value = [] } of all) {
    t.regex(ruleset, new RegExp(`^\\t${value.length === 0 ? 'set' : 'map'} ${set} \\{$`, 'm'));
    for (const datum of value)
      if (datum.type === 'goto') t.regex(ruleset, new RegExp(`^\\tchain ${datum.chain} `, 'm'));
  }
});

/** Of each element that leads to its own number, a range of it and the next one. */
function ranges(all: readonly SetElement[]): readonly SetElement[] {
  const next = ({ set, key, value }: SetElement): SetElement => ({
    set,
    key: key.map(neighbour),
    ...(value === undefined ? {} : { value: value.map(neighbour) }),
  });
  const facts = all.flatMap((element) => [element, next(element)]).map((element) => ({ element, sources: [] }));
  return coalesce(facts).map(({ element }) => element);
}

function neighbour(datum: Datum): Datum {
  if (datum.type === 'ports') return { ...datum, first: datum.first + 1, last: datum.last + 1 };
  return datum.type === 'inet_service' ? { ...datum, port: datum.port + 1 } : datum;
}

test('what a set of published ports holds can be read back', (t) => {
  const policy = { ...gangway0, trustedLinks: ['eth1'] };
  const routed = { ...gangway0, gatewayModes: { 4: 'routed', 6: 'routed' } } as const;
  const elements = [policy, routed].flatMap((each) =>
    ['0.0.0.0', '203.0.113.1', '127.0.0.1', '::', '2001:db8::1'].map(parseAddress).flatMap((hostAddress) => {
      const target = hostAddress.family === 4 ? container : six;
      return [80, 8080].flatMap((hostPort) =>
        portElements({ protocol: 'tcp', hostAddress, hostPort, containerPort: 80 }, target, each),
      );
    }),
  );
  const across = { protocol: 'tcp', hostAddress: parseAddress('::'), hostPort: 8080, containerPort: 80 } as const;
  elements.push(...portElements(across, container, policy));
  elements.push(...portElements({ ...across, hostAddress: parseAddress('203.0.113.1') }, six, policy));
  elements.push(...ranges(elements));
  t.deepEqual([...new Set(elements.map(({ set }) => set))].sort(), Object.keys(portSets).sort());
  for (const element of elements) readsBack(t, portSets, element);
});

test('what the sets of networks hold can be read back', (t) => {
  const bridge = { ...gangway0, subnets: ['172.17.0.0/16', '192.0.2.1/32', 'fd00::/64', '::/0'].map(parsePrefix) };
  const sourceAddresses = ['203.0.113.1', '2001:db8::1'].map(parseAddress);
  const elements = [
    bridge,
    { ...bridge, interContainer: false, sourceAddresses, egress, acceptedMark: { mark: 0x80000001, mask: wholeMask } },
    { ...bridge, internal: true },
    { ...bridge, guarded: false },
    { ...bridge, gatewayModes: { 4: 'isolated', 6: 'isolated' } as const },
  ].flatMap(networkElements);
  elements.push(...learned);
  t.deepEqual([...new Set(elements.map(({ set }) => set))].sort(), Object.keys(networkSets).sort());
  for (const element of elements) readsBack(t, networkSets, element);
});

test('what was learned is read back, from an element and from a rule', (t) => {
  const told = learned.map((element) =>
    formatEntry(learnedEntry({ kind: 'element', in: 'host', table: 'gangway', element, why: '' }).entry),
  );
  t.deepEqual(told.slice(0, 4), ['203.0.113.7', '2001:db8::7', '203.0.113.7:443/tcp', '203.0.113.7:443/udp']);
  const rules = learned
    .flatMap(renderRules)
    .map((rule) => learnedEntry({ kind: 'rule', in: 'host', variant: 'nft', rule, why: '' }));
  t.deepEqual(
    rules.map(({ entry }) => formatEntry(entry)),
    told,
  );
  t.true(rules.every(({ link }) => link === 'gangway0'));
});

test('of every set of networks it is said why it has an element', (t) => {
  const policy = { ...gangway0, subnets: both, gatewayModes: { 4: 'nat-unprotected', 6: 'routed' } } as const;
  const ofNone = reasonOf({ set: 'unheard-of', key: [] }, policy, 'front');
  for (const set of Object.keys(networkSets)) t.not(reasonOf({ set, key: [] }, policy, 'front'), ofNone, set);
  const reasons = networkElements(policy).map((element) => reasonOf(element, policy, 'front'));
  t.true(reasons.includes('IPv4 packets to containers of front enter under the rules of mode nat-unprotected'));
  t.true(reasons.includes('IPv6 packets from containers of front leave under the rules of mode routed'));
  t.is(new Set(reasons).size, reasons.length, 'each its own');
});
