/**
 * A host between networks, built with `ip` alone, in namespaces that die with the test.
 *
 *                      203.0.113.0/24                     +---------------- host ----------------+
 *      world .2 ------------------------------------------| .1 up0                               |
 *                                                         |                                      |
 *      a1 172.17.0.2, fd00:a::2 --+-- gangway0 -----------| 172.17.0.1/16, fd00:a::1/64  (ours)  |
 *      a2 172.17.0.3, fd00:a::3 --+                       |                                      |
 *      b1 172.18.0.2 -------------+-- gangway1 -----------| 172.18.0.1/16                (ours)  |
 *      b2 172.18.0.3 -------------+                       |                                      |
 *      l1 192.0.2.2 --------------+-- lan0 ---------------| 192.0.2.1/24          (a stranger's) |
 *      l2 192.0.2.3 --------------+                       +--------------------------------------+
 *
 * The host forwards, filters no reverse path, and no other table says anything. World knows the way to every network,
 * as an attacker on the wire would. Each place is one Node process in its namespace, which serves on ports 80 and 8080.
 */
import { closedTransitElements, networkElements, portElements } from '../../src/firewall/policy.ts';
import { parseAddress } from '../../src/values/address.ts';
import { plainPolicy } from '../support/plain-policy.ts';
import type { Carrier } from './ruleset-carrier.ts';
import { type Place, Scene } from './ruleset-scene.ts';

const containers = {
  a1: { bridge: 'gangway0', address: '172.17.0.2/16', gateway: '172.17.0.1' },
  a2: { bridge: 'gangway0', address: '172.17.0.3/16', gateway: '172.17.0.1' },
  b1: { bridge: 'gangway1', address: '172.18.0.2/16', gateway: '172.18.0.1' },
  b2: { bridge: 'gangway1', address: '172.18.0.3/16', gateway: '172.18.0.1' },
  l1: { bridge: 'lan0', address: '192.0.2.2/24', gateway: '192.0.2.1' },
  l2: { bridge: 'lan0', address: '192.0.2.3/24', gateway: '192.0.2.1' },
} as const;

export type PlaceName = 'host' | 'world' | keyof typeof containers;

export class Topology extends Scene<PlaceName> {
  static async open(carrier?: Carrier): Promise<Topology> {
    const host = await Scene.openHost();
    await host.ip(links());
    const places = new Map<PlaceName, Place>([['host', host]]);
    const names = ['world', ...(Object.keys(containers) as (keyof typeof containers)[])] as const;
    await Promise.all(
      names.map(async (name) => {
        const lines = name === 'world' ? worldLines() : containerLines(name);
        places.set(name, await Scene.openPlace(host, name, lines));
      }),
    );
    return new Topology(places, carrier);
  }

  /** The ruleset, both networks, and what a1 publishes. */
  async load(): Promise<void> {
    await this.loadRuleset();
    await this.add([...elements.gangway0, ...elements.gangway1, ...elements.ports]);
  }

  /** Also what comes from 127.0.0.1 is translated. */
  async alwaysFromHost(): Promise<void> {
    if (this.carrier.name === 'nftables') return await this.rewrite('from_host', { nft: ['goto published'] });
    await this.at('host').run([this.carrier.name, '-t', 'nat', '-I', 'OUTPUT', '-j', 'GANGWAY-PUBLISHED']);
  }

  /** `ip link set va1 type bridge_slave hairpin on` */
  async hairpin(container: keyof typeof containers, state: 'on' | 'off'): Promise<void> {
    await this.at('host').ip([`link set v${container} type bridge_slave hairpin ${state}`]);
  }
}

/** Written once, used by the tests for add and remove. */
export const elements = {
  gangway0: networkElements(plainPolicy('gangway0', '172.17.0.1/16')),
  gangway1: networkElements(plainPolicy('gangway1', '172.18.0.1/16')),
  closedTransit: closedTransitElements(4),
  /** 8080 everywhere, 8081 on the uplink's address, 8082 to a port where nobody listens, 9000 on loopback. */
  ports: (['tcp', 'udp'] as const).flatMap((protocol) =>
    (
      [
        ['0.0.0.0', 8080, 80],
        ['203.0.113.1', 8081, 80],
        ['0.0.0.0', 8082, 81],
        ['127.0.0.1', 9000, 80],
      ] as const
    ).flatMap(([host, hostPort, containerPort]) =>
      portElements(
        { protocol, hostAddress: parseAddress(host), hostPort, containerPort },
        parseAddress('172.17.0.2'),
        plainPolicy('gangway0', '172.17.0.1/16'),
      ),
    ),
  ),
} as const;

function links(): readonly string[] {
  return [
    'link set lo up',
    'netns add world',
    'link add up0 type veth peer name eth0 netns world',
    'address add 203.0.113.1/24 dev up0',
    'address add 2001:db8:f::1/64 dev up0 nodad',
    'link set up0 up',
    ...['gangway0', 'gangway1', 'lan0'].flatMap((bridge) => [
      `link add ${bridge} type bridge forward_delay 0`,
      `link set ${bridge} up`,
    ]),
    'address add 172.17.0.1/16 dev gangway0',
    'address add fd00:a::1/64 dev gangway0 nodad',
    'address add 172.18.0.1/16 dev gangway1',
    'address add 192.0.2.1/24 dev lan0',
    ...Object.entries(containers).flatMap(([name, { bridge }]) => [
      `netns add ${name}`,
      `link add v${name} master ${bridge} type veth peer name eth0 netns ${name}`,
      `link set v${name} up type bridge_slave hairpin on`,
    ]),
  ];
}

function worldLines(): readonly string[] {
  return [
    'address add 203.0.113.2/24 dev eth0',
    'address add 2001:db8:f::2/64 dev eth0 nodad',
    'link set eth0 up',
    ...['172.17.0.0/16', '172.18.0.0/16', '192.0.2.0/24'].map((subnet) => `route add ${subnet} via 203.0.113.1`),
    'route add fd00:a::/64 via 2001:db8:f::1',
  ];
}

function containerLines(name: keyof typeof containers): readonly string[] {
  const { address, gateway } = containers[name];
  const six = { a1: 'fd00:a::2', a2: 'fd00:a::3' }[name as string];
  return [
    `address add ${address} dev eth0`,
    ...(six === undefined ? [] : [`address add ${six}/64 dev eth0 nodad`]),
    'link set eth0 up',
    `route add default via ${gateway}`,
    ...(six === undefined ? [] : ['route add default via fd00:a::1']),
  ];
}
