/**
 * Worlds for the model of the firewall, made at random: up to three networks with two containers each, in whichever mode,
 * and ports that they publish.
 *
 *                 203.0.113.0/24  +---------------- host ----------------+
 *      world .2 ----------------- | .1 up0                               |
 *               198.51.100.0/24   |                                      |
 *      partner .2 --------------- | .1 pa0                               |
 *                                 |                                      |
 *      a1, b1 ------------------- | br1     10.0.1.1, fd00:0:0:1::1      |
 *      a2, b2 ------------------- | br2     10.0.2.1, fd00:0:0:2::1      |
 *      a3, b3 ------------------- | br3     10.0.3.1, fd00:0:0:3::1      |
 *                                 +--------------------------------------+
 *
 * Outside the same in IPv6, with 2001:db8:f::/64 and 2001:db8:e::/64.
 */
import fc from 'fast-check';
import type { ModelEndpoint, ModelNetwork, ModelTopology, Publication } from '../../../src/firewall/model/topology.ts';
import { type Family, parseAddress, parsePrefix } from '../../../src/values/address.ts';
import { parseEgress } from '../../../src/values/egress-grammar.ts';
import { parseFirewallMark } from '../../../src/values/firewall-mark.ts';
import type { GatewayMode } from '../../../src/values/network.ts';
import type { Forward, Protocol } from '../../../src/values/port.ts';
import {
  addressIn,
  addressOf,
  type ContainerName,
  chosenSource,
  families,
  lengthOf,
  type NetworkNumber,
  numbers,
  outsiders,
  subnet,
} from './places.ts';

/** A world, and what of the machine makes no difference to it. */
export interface Setting {
  readonly world: ModelTopology;
  /** net.bridge.bridge-nf-call-iptables and ip6tables. */
  readonly bridgeNetfilter: 0 | 1;
  /** What rules of the machine's owner mark: by the link by which it comes in, and what the machine itself sends. */
  readonly marks: Readonly<Record<MarkedAt, number>>;
  /** Chooses some of the many questions. */
  readonly pick: number;
}

export type MarkedAt = 'host' | `br${NetworkNumber}` | (typeof outsiders)[keyof typeof outsiders]['link'];

interface NetworkDraft {
  readonly modes: Readonly<Record<Family, GatewayMode>>;
  readonly families: readonly Family[];
  readonly internal: boolean;
  readonly guarded: boolean;
  readonly interContainer: boolean;
  readonly masquerade: boolean;
  readonly hasSource: boolean;
  readonly trustedLinks: readonly string[];
  readonly egress: readonly string[];
  readonly learned: readonly string[];
  /** None: ''. */
  readonly acceptedMark: string;
}

interface PortDraft {
  readonly letter: 'a' | 'b';
  /** Which network, counted round and round. */
  readonly network: number;
  readonly family: Family;
  readonly at: 'everywhere' | 'up0' | 'pa0' | 'gateway' | 'loopback';
  readonly protocol: Protocol;
  readonly hostPort: number;
  /** `same`: that of the machine, and so for as many ports as there are. */
  readonly containerPort: 80 | 81 | 'same';
  readonly span: number;
}

const mode = fc.oneof(
  { weight: 4, arbitrary: fc.constant<GatewayMode>('nat') },
  { weight: 2, arbitrary: fc.constant<GatewayMode>('nat-unprotected') },
  { weight: 2, arbitrary: fc.constant<GatewayMode>('routed') },
  { weight: 1, arbitrary: fc.constant<GatewayMode>('isolated') },
);

/** True, once in so many. */
function oneIn(many: number): fc.Arbitrary<boolean> {
  return fc.integer({ min: 1, max: many }).map((number) => number === many);
}

/** Everybody whom somebody may ask, more and less narrowly. */
const entries = [
  ...['0.0.0.0/0', '0.0.0.0/0:80', '203.0.113.0/24', '203.0.113.2:80/tcp', '203.0.113.1:9000-9001', '203.0.113.1'],
  ...['198.51.100.0/24:80-9001', '198.51.100.1', '10.0.0.0/8', '10.0.1.0/24', '10.0.2.0/24:80/udp', '10.0.3.2:80-81'],
  ...['::/0', '[::/0]:80/udp', '2001:db8:f::/64', '[2001:db8:f::1]:9000-9003', '2001:db8:e::/64', 'fd00::/16'],
  ...['fd00:0:0:1::/64', '[fd00:0:0:2::/64]:80-81', 'fe80::/10'],
];
const list = (word: string, minLength: number) =>
  fc
    .subarray(entries, { minLength, maxLength: 7 })
    .map((some) => (some.length === 0 ? [] : [`${word}=${some.join(',')}`]));
/** What names may be said to be: who is out in the world, and who is not. */
const learned = [
  ...['203.0.113.2:80/udp', '198.51.100.2', '203.0.113.1', '10.0.1.2:80/tcp', '10.0.2.3', '10.0.3.1:9000-9003/tcp'],
  ...['2001:db8:f::2', '[2001:db8:e::2]:80/tcp', '2001:db8:f::1', 'fd00:0:0:1::2', '[fd00:0:0:2::2]:80/udp'],
];
const egress = fc.oneof(
  { weight: 3, arbitrary: fc.constant<readonly string[]>([]) },
  { weight: 2, arbitrary: fc.tuple(list('allow', 2), list('deny', 0)).map((lists) => lists.flat()) },
  { weight: 1, arbitrary: list('deny', 1) },
);

/** What a network accepts, and what packets have: some the same, some so under the mask alone, some neither. */
const acceptedMark = fc.constantFrom('', '', '0x1', '0x1/0x3', '0x77', '0x50/0xf0', '0x80000000/0xc0000000');
const mark = fc.constantFrom(0, 0, 0x1, 0x5, 0x77, 0x80000051, 0xc0000052);

const networkDraft: fc.Arbitrary<NetworkDraft> = fc
  .record({
    modes: fc.record({ 4: mode, 6: mode }),
    families: fc.constantFrom<readonly Family[]>([4, 6], [4, 6], [4], [6]),
    internal: oneIn(7),
    guarded: fc.boolean(),
    interContainer: oneIn(3).map((apart) => !apart),
    masquerade: oneIn(4).map((bare) => !bare),
    hasSource: fc.boolean(),
    trustedLinks: fc.constantFrom<readonly string[]>([], [], ['pa0'], ['up0'], ['br1', 'br2'], ['pa0', 'br3']),
    egress,
    learned: fc.subarray(learned),
    acceptedMark,
  })
  // As `network create` demands it.
  .map((draft) => ({
    ...draft,
    internal: draft.internal || families.some((family) => draft.modes[family] === 'isolated'),
  }));

const portDraft: fc.Arbitrary<PortDraft> = fc.record({
  letter: fc.constantFrom('a', 'b'),
  network: fc.nat(5),
  family: fc.constantFrom(...families),
  at: fc.constantFrom('everywhere', 'everywhere', 'up0', 'pa0', 'gateway', 'loopback'),
  protocol: fc.constantFrom('tcp', 'udp'),
  hostPort: fc.integer({ min: 9000, max: 9003 }),
  containerPort: fc.constantFrom<PortDraft['containerPort']>(80, 80, 81, 'same', 'same'),
  span: fc.integer({ min: 1, max: 3 }),
});

export const settings: fc.Arbitrary<Setting> = fc
  .record({
    networks: fc.array(networkDraft, { minLength: 1, maxLength: 3, size: 'max' }),
    ports: fc.array(portDraft, { minLength: 4, maxLength: 16, size: 'max' }),
    closedTransit: fc.subarray([...families]),
    bridgeNetfilter: fc.constantFrom<0 | 1>(0, 1),
    marks: fc.record({ host: mark, up0: mark, pa0: mark, br1: mark, br2: mark, br3: mark }),
    pick: fc.nat(),
  })
  .map(({ networks: drafts, ports, closedTransit, ...rest }) => {
    const networks = drafts.map((draft, index) => network(draft, (index + 1) as NetworkNumber));
    return {
      ...rest,
      world: assemble(
        networks,
        withoutCollisions(ports.flatMap(eachPort)).flatMap((port) => publication(port, networks)),
        closedTransit,
      ),
    };
  });

function network(draft: NetworkDraft, number: NetworkNumber): ModelNetwork {
  const { modes, families: served, hasSource, egress: limits, learned: told, acceptedMark: text, ...options } = draft;
  const isLimited = limits.length > 0 && !options.internal;
  return {
    name: `net${number}`,
    ...(isLimited && told.length > 0 ? { learned: parseEgress([`allow=${told.join(',')}`]).allow } : {}),
    policy: {
      ...options,
      ...(isLimited ? { egress: parseEgress(limits) } : {}),
      ...(text === '' || options.internal ? {} : { acceptedMark: parseFirewallMark(text, 'accept-fwmark') }),
      bridge: `br${number}`,
      subnets: served.map((family) => parsePrefix(`${addressIn(number, family, 1)}/${lengthOf(family)}`)),
      gatewayModes: modes,
      sourceAddresses: hasSource ? families.map((family) => parseAddress(chosenSource[family])) : [],
    },
  };
}

function assemble(
  networks: readonly ModelNetwork[],
  publications: readonly Publication[],
  closedTransit: readonly Family[],
): ModelTopology {
  const link = (name: string, addresses: readonly string[]) => ({ name, addresses: addresses.map(parsePrefix) });
  const wires = Object.values(outsiders);
  return {
    links: [
      ...wires.map(({ link: name, near }) =>
        link(name, [
          ...families.map((family) => `${near[family]}/${lengthOf(family)}`),
          ...(name === 'up0' ? [`${chosenSource[4]}/32`, `${chosenSource[6]}/128`] : []),
        ]),
      ),
      ...numbers.map((number) =>
        link(
          `br${number}`,
          families
            .filter((family) => stands(networks, number, family))
            .map((family) => `${addressIn(number, family, 1)}/${lengthOf(family)}`),
        ),
      ),
    ],
    routes: [
      ...wires.flatMap(({ link: name, near }) =>
        families.map((family) => ({ destination: parsePrefix(`${near[family]}/${lengthOf(family)}`), link: name })),
      ),
      ...numbers.flatMap((number) =>
        families.map((family) => ({ destination: parsePrefix(subnet(number, family)), link: `br${number}` })),
      ),
    ],
    forwarding: families,
    closedTransit,
    networks,
    endpoints: networks.flatMap((each, index) => endpoints(each, (index + 1) as NetworkNumber)),
    publications,
    switchboard: false,
  };
}

/** Has the machine an address on this bridge? */
export function stands(networks: readonly ModelNetwork[], number: NetworkNumber, family: Family): boolean {
  return networks[number - 1]?.policy.gatewayModes[family] !== 'isolated';
}

function endpoints({ name, policy }: ModelNetwork, number: NetworkNumber): readonly ModelEndpoint[] {
  return (['a', 'b'] as const).map((letter) => ({
    container: `${letter}${number}`,
    network: name,
    addresses: policy.subnets.map(({ address }) => parseAddress(addressOf(`${letter}${number}`, address.family))),
  }));
}

/** As the engine does it: to the binding's own family, else to the other; and not at all without a way out. */
function publication(draft: PortDraft, networks: readonly ModelNetwork[]): readonly Publication[] {
  const number = ((draft.network % networks.length) + 1) as NetworkNumber;
  const container: ContainerName = `${draft.letter}${number}`;
  const policy = networks[number - 1]?.policy;
  if (policy === undefined || policy.internal) return [];
  const served = policy.subnets.map(({ address }) => address.family);
  const family = served.includes(draft.family) ? draft.family : served[0];
  if (family === undefined) return [];
  const forward: Forward = {
    binding: {
      protocol: draft.protocol,
      hostAddress: parseAddress(hostAddress(draft, number)),
      hostPort: draft.hostPort,
      containerPort: draft.containerPort === 'same' ? draft.hostPort : draft.containerPort,
    },
    target: parseAddress(addressOf(container, family)),
    ...(policy.gatewayModes[family] === 'routed' ? { routed: true } : {}),
  };
  return [{ container, forward }];
}

function hostAddress({ at, family }: PortDraft, number: NetworkNumber): string {
  switch (at) {
    case 'everywhere':
      return family === 4 ? '0.0.0.0' : '::';
    case 'loopback':
      return family === 4 ? '127.0.0.1' : '::1';
    case 'gateway':
      return addressIn(number, family, 1);
    case 'up0':
      return outsiders.world.near[family];
    case 'pa0':
      return outsiders.partner.near[family];
  }
}

function eachPort(draft: PortDraft): readonly PortDraft[] {
  if (draft.containerPort !== 'same') return [draft];
  return Array.from({ length: draft.span }, (_, index) => ({ ...draft, hostPort: draft.hostPort + index }));
}

/** No two processes could bind them. */
function withoutCollisions(ports: readonly PortDraft[]): readonly PortDraft[] {
  const collide = (a: PortDraft, b: PortDraft) =>
    a.hostPort === b.hostPort &&
    a.protocol === b.protocol &&
    a.family === b.family &&
    (a.at === 'everywhere' || b.at === 'everywhere' || a.at === b.at);
  return ports.filter((port, index) => !ports.slice(0, index).some((earlier) => collide(earlier, port)));
}
