/**
 * A host with a network in each mode, both families everywhere, built with `ip` alone.
 *
 *                   203.0.113.0/24  +------------------ host ------------------+
 *      world .2 ------------------- | .1 up0                                   |
 *                   198.51.100.0/24 |                                          |
 *      partner .2 ----------------- | .1 pa0            trusted by `nat`       |
 *                                   |                                          |
 *      nat.a, nat.b ----------------| nat0       10.0.1.1   nat                |
 *      open.a, open.b --------------| open0      10.0.2.1   nat-unprotected    |
 *      routed.a, routed.b ----------| routed0    10.0.3.1   routed             |
 *      internal.a, internal.b ------| internal0  10.0.4.1   internal           |
 *      isolated.a, isolated.b ------| isolated0  no address internal, isolated |
 *      strict.a, strict.b ----------| strict0    10.0.6.1   nat, icc=false,    |
 *                                   +-----------------  goes out as .9 --------+
 *
 * In IPv6 the same with 2001:db8:f::/64, 2001:db8:e::/64 and fd00:0:0:N::/64. Nobody needs to guess a way: world and
 * partner send everything to the host, the host has one to the isolated network too, and the containers of internal
 * networks have a default route, and the MAC that belongs to it. Every a publishes its port 80, on all addresses of the host, strict on that
 * of up0 alone; 8080 is served as well and not published.
 */
import { networkElements, portElements } from '../../src/firewall/policy.ts';
import { type Family, parseAddress, parsePrefix, unspecified } from '../../src/values/address.ts';
import type { SetElement } from '../../src/values/set-element.ts';
import type { Carrier } from './ruleset-carrier.ts';
import { type Place, Scene } from './ruleset-scene.ts';

const plain = {
  mode: 'nat',
  guarded: false,
  internal: false,
  interContainer: true,
  trustedLinks: [],
  sources: [],
} as const;

const networks = {
  nat: { ...plain, number: 1, trustedLinks: ['pa0'] },
  open: { ...plain, number: 2, mode: 'nat-unprotected', guarded: true },
  routed: { ...plain, number: 3, mode: 'routed' },
  internal: { ...plain, number: 4, internal: true },
  isolated: { ...plain, number: 5, mode: 'isolated', internal: true },
  strict: { ...plain, number: 6, interContainer: false, sources: ['203.0.113.9', '2001:db8:f::9'] },
} as const;

export type NetworkName = keyof typeof networks;
export type ContainerName = `${NetworkName}.${'a' | 'b'}`;
export type PlaceName = 'host' | 'world' | 'partner' | 'far' | ContainerName;

const networkNames = Object.keys(networks) as NetworkName[];
const containerNames = networkNames.flatMap((name): ContainerName[] => [`${name}.a`, `${name}.b`]);
const families = [4, 6] as const;
const far = { 4: '192.0.2.0/24', 6: '2001:db8:d::/64' } as const;

/** The host's port that leads to port 80 of a network's a. */
export function hostPort(name: NetworkName): number {
  return 9000 + networks[name].number;
}

export const uplink = { 4: '203.0.113.1', 6: '2001:db8:f::1' } as const;
export const chosenSource = { 4: '203.0.113.9', 6: '2001:db8:f::9' } as const;

/** The address that the bridge has, or would have. */
export function gateway(name: NetworkName, family: Family): string {
  return inNetwork(name, family, 1);
}

function inNetwork(name: NetworkName, family: Family, host: number): string {
  const { number } = networks[name];
  return family === 4 ? `10.0.${number}.${host}` : `fd00:0:0:${number}::${host}`;
}

export function addressOf(place: PlaceName, family: Family): string {
  if (place === 'host') return uplink[family];
  if (place === 'world') return family === 4 ? '203.0.113.2' : '2001:db8:f::2';
  if (place === 'far') return family === 4 ? '192.0.2.2' : '2001:db8:d::2';
  if (place === 'partner') return family === 4 ? '198.51.100.2' : '2001:db8:e::2';
  const [name, letter] = place.split('.') as [NetworkName, string];
  return inNetwork(name, family, letter === 'a' ? 2 : 3);
}

export class Modes extends Scene<PlaceName> {
  static async open(carrier?: Carrier): Promise<Modes> {
    const host = await Scene.openHost();
    await host.ip(hostLines());
    const places = new Map<PlaceName, Place>([['host', host]]);
    await Promise.all(
      (['world', 'partner', ...containerNames] as const).map(async (name) => {
        const lines = name === 'world' || name === 'partner' ? outsideLines(name) : containerLines(name);
        places.set(name, await Scene.openPlace(host, name, lines));
      }),
    );
    await host.serve(80);
    return new Modes(places, carrier);
  }

  async load(): Promise<void> {
    await this.loadRuleset();
    await this.add(elements());
  }

  /** Puts far behind world, on a wire that takes 1280 bytes. */
  async narrowWire(): Promise<void> {
    const host = this.at('host');
    await host.ip([
      'netns add far',
      ...families.map((family) => `route add ${far[family]} via ${addressOf('world', family)}`),
    ]);
    const wire = 'link add far0 mtu 1280 type veth peer name eth0 mtu 1280 netns far';
    await host.run(['ip', '-n', 'world', ...wire.split(' ')]);
    const world = this.at('world');
    await world.ip([
      'address add 192.0.2.1/24 dev far0',
      'address add 2001:db8:d::1/64 dev far0 nodad',
      'link set far0 up',
    ]);
    await world.sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 });
    this.places.set('far', await Scene.openPlace(host, 'far', outsideLines('far')));
  }

  /** Do the rules see what this bridge's ports say to each other, even where the sysctls are 0? */
  async askTheRules(name: NetworkName, on: 0 | 1): Promise<void> {
    await this.at('host').ip([`link set ${name}0 type bridge nf_call_iptables ${on} nf_call_ip6tables ${on}`]);
  }

  /** Who did not answer is asked again at once. */
  async forgetNeighbours(name: PlaceName, link: string): Promise<void> {
    await this.at(name).run(['ip', '-6', 'neighbour', 'flush', 'dev', link]);
  }

  /** What keeps siblings apart where the bridge does not ask the rules. */
  async isolatePorts(name: NetworkName, state: 'on' | 'off'): Promise<void> {
    const lines = ['a', 'b'].map((letter) => `link set v${name}${letter} type bridge_slave isolated ${state}`);
    await this.at('host').ip(lines);
  }
}

/** All that the rules know of these networks. */
function elements(): readonly SetElement[] {
  return networkNames.flatMap((name) => {
    const { mode, internal, sources, ...rest } = networks[name];
    const policy = {
      ...rest,
      bridge: `${name}0`,
      subnets: [parsePrefix(`${gateway(name, 4)}/24`), parsePrefix(`${gateway(name, 6)}/64`)],
      internal,
      masquerade: true,
      gatewayModes: { 4: mode, 6: mode },
      sourceAddresses: sources.map(parseAddress),
    };
    const port = { hostPort: hostPort(name), containerPort: 80 };
    const ports = (['tcp', 'udp'] as const).flatMap((protocol) =>
      families.flatMap((family) => {
        const hostAddress = name === 'strict' ? parseAddress(uplink[family]) : unspecified(family);
        const binding = { ...port, protocol, hostAddress };
        return portElements(binding, parseAddress(addressOf(`${name}.a`, family)), policy);
      }),
    );
    return [...networkElements(policy), ...(internal ? [] : ports)];
  });
}

function hostLines(): readonly string[] {
  return [
    'link set lo up',
    ...(['world', 'partner'] as const).flatMap((name) => {
      const link = name === 'world' ? 'up0' : 'pa0';
      return [
        `netns add ${name}`,
        `link add ${link} type veth peer name eth0 netns ${name}`,
        ...families.map((family) => `address add ${beside(name, family)} dev ${link}${family === 6 ? ' nodad' : ''}`),
        `link set ${link} up`,
      ];
    }),
    'address add 203.0.113.9/32 dev up0',
    'address add 2001:db8:f::9/128 dev up0 nodad preferred_lft 0',
    ...networkNames.flatMap(bridgeLines),
  ];
}

type Outside = 'world' | 'partner' | 'far';

/** The next hop of a place on an outside wire: the host's own address there, or world's. */
function beside(name: Outside, family: Family): string {
  return `${addressOf(name, family).replace(/2$/, '1')}/${family === 4 ? 24 : 64}`;
}

function macOf(bridge: NetworkName): string {
  return `02:00:00:00:00:0${networks[bridge].number}`;
}

function bridgeLines(name: NetworkName): readonly string[] {
  const isolated = name === 'isolated';
  return [
    `link add ${name}0 address ${macOf(name)} type bridge forward_delay 0`,
    `link set ${name}0 up`,
    `address add fe80::1/64 dev ${name}0 nodad`,
    isolated ? 'route add 10.0.5.0/24 dev isolated0' : `address add ${gateway(name, 4)}/24 dev ${name}0`,
    isolated ? 'route add fd00:0:0:5::/64 dev isolated0' : `address add ${gateway(name, 6)}/64 dev ${name}0 nodad`,
    ...['a', 'b'].flatMap((letter) => [
      `netns add ${name}.${letter}`,
      `link add v${name}${letter} master ${name}0 type veth peer name eth0 netns ${name}.${letter}`,
      `link set v${name}${letter} up type bridge_slave hairpin on`,
    ]),
  ];
}

function outsideLines(name: Outside): readonly string[] {
  const [four, six] = families.map((family) => beside(name, family).replace(/\/.*/, ''));
  return [
    `address add ${addressOf(name, 4)}/24 dev eth0`,
    `address add ${addressOf(name, 6)}/64 dev eth0 nodad`,
    'address add fe80::2/64 dev eth0 nodad',
    'link set eth0 up',
    `route add default via ${four}`,
    `route add default via ${six}`,
  ];
}

function containerLines(name: ContainerName): readonly string[] {
  const network = name.split('.')[0] as NetworkName;
  return [
    `address add ${addressOf(name, 4)}/24 dev eth0`,
    `address add ${addressOf(name, 6)}/64 dev eth0 nodad`,
    'link set eth0 up',
    network === 'isolated'
      ? `route add default via ${uplink[4]} dev eth0 onlink`
      : `route add default via ${gateway(network, 4)}`,
    'route add default via fe80::1 dev eth0',
    `neighbour add fe80::1 lladdr ${macOf(network)} dev eth0`,
  ];
}
