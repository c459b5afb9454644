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
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { closedTransitElements, networkElements, portElements } from '../../src/firewall/policy.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import type { Protocol } from '../../src/values/port.ts';
import { formatSetElement, type SetElement } from '../../src/values/set-element.ts';

export const rulesetFile = fileURLToPath(new URL('../../src/firewall/nftables/ruleset.nft', import.meta.url));
const placeFile = fileURLToPath(new URL('ruleset-place.mjs', import.meta.url));

const containers = {
  a1: { bridge: 'gangway0', address: '172.17.0.2/16', gateway: '172.17.0.1' },
  a2: { bridge: 'gangway0', address: '172.17.0.3/16', gateway: '172.17.0.1' },
  b1: { bridge: 'gangway1', address: '172.18.0.2/16', gateway: '172.18.0.1' },
  b2: { bridge: 'gangway1', address: '172.18.0.3/16', gateway: '172.18.0.1' },
  l1: { bridge: 'lan0', address: '192.0.2.2/24', gateway: '192.0.2.1' },
  l2: { bridge: 'lan0', address: '192.0.2.3/24', gateway: '192.0.2.1' },
} as const;

export type PlaceName = 'host' | 'world' | keyof typeof containers;

/** A process in a namespace. */
export class Place {
  private readonly waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  private count = 0;

  private constructor(private readonly process: ChildProcess) {
    process.on('message', (message: { id?: number; result?: unknown; error?: string }) => {
      const caller = this.waiting.get(message.id ?? 0);
      this.waiting.delete(message.id ?? 0);
      if (message.error === undefined) caller?.resolve(message.result);
      else caller?.reject(new Error(message.error));
    });
  }

  /** Starts `prefix… node ruleset-place.mjs`; the prefix enters the namespaces and becomes the process. */
  static async open(...prefix: readonly [string, ...string[]]): Promise<Place> {
    const [program, ...rest] = [...prefix, process.execPath, placeFile];
    // Not the caller's PATH: npm puts node_modules/.bin first, where @vercel/nft calls its program `nft` too.
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
    const child = spawn(program, rest, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    await once(child, 'message');
    return new Place(child);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  async run(argv: readonly string[], input = ''): Promise<string> {
    return (await this.request('run', { argv, input })) as string;
  }

  /** Lines for `ip -batch`. */
  async ip(lines: readonly string[]): Promise<void> {
    await this.run(['ip', '-batch', '-'], `${lines.join('\n')}\n`);
  }

  async sysctl(values: Readonly<Record<string, number>>): Promise<void> {
    await this.request('sysctl', values);
  }

  async serve(port: number, host?: string): Promise<void> {
    await this.request('serve', { port, host });
  }

  async ask(protocol: Protocol, host: string, port: number): Promise<string> {
    return (await this.request('ask', { protocol, host, port })) as string;
  }

  async close(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.disconnect();
    await ended;
  }

  request(act: string, request: object): Promise<unknown> {
    const id = ++this.count;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.process.send({ id, act, request });
    });
  }
}

export class Topology {
  private constructor(private readonly places: ReadonlyMap<PlaceName, Place>) {}

  static async open(): Promise<Topology> {
    const host = await Place.open('unshare', '--net', '--mount', '--ipc', '--propagation', 'private');
    await host.run(['mount', '-t', 'tmpfs', 'tmpfs', '/run']);
    // Before the first link, which copies `default`.
    await host.sysctl({
      'net.ipv4.conf.all.rp_filter': 0,
      'net.ipv4.conf.default.rp_filter': 0,
      'net.ipv4.ip_forward': 1,
      // Several refusals a second to the same place are part of the test.
      'net.ipv4.icmp_ratelimit': 0,
      'net.ipv6.conf.all.forwarding': 1,
    });
    await host.ip(links());
    const places = new Map<PlaceName, Place>([['host', host]]);
    const names = ['world', ...(Object.keys(containers) as (keyof typeof containers)[])] as const;
    await Promise.all(names.map(async (name) => places.set(name, await openPlace(host, name))));
    return new Topology(places);
  }

  at(name: PlaceName): Place {
    const place = this.places.get(name);
    if (place === undefined) throw new Error(`no place ${name}`);
    return place;
  }

  async nft(...commands: readonly string[]): Promise<void> {
    await this.at('host').run(['nft', '-f', '-'], `${commands.join('\n')}\n`);
  }

  /** The ruleset, both networks, and what a1 publishes. */
  async load(): Promise<void> {
    await this.at('host').run(['nft', '-f', rulesetFile]);
    await this.add([...elements.gangway0, ...elements.gangway1, ...elements.ports]);
  }

  async unload(): Promise<void> {
    await this.nft('delete table inet gangway');
  }

  async add(list: readonly SetElement[]): Promise<void> {
    await this.nft(
      ...list.map((element) => `add element inet gangway ${element.set} { ${formatSetElement(element)} }`),
    );
  }

  async remove(list: readonly SetElement[]): Promise<void> {
    await this.nft(
      ...list.map(({ set, key }) => `delete element inet gangway ${set} { ${formatSetElement({ set, key })} }`),
    );
  }

  async bridgeNetfilter(on: 0 | 1): Promise<void> {
    await this.at('host').sysctl({
      'net.bridge.bridge-nf-call-iptables': on,
      'net.bridge.bridge-nf-call-ip6tables': on,
    });
  }

  /** `ip link set va1 type bridge_slave hairpin on` */
  async hairpin(container: keyof typeof containers, state: 'on' | 'off'): Promise<void> {
    await this.at('host').ip([`link set v${container} type bridge_slave hairpin ${state}`]);
  }

  async close(): Promise<void> {
    await Promise.all([...this.places.values()].map((place) => place.close()));
  }
}

/** Written once, used by the tests for add and remove. */
export const elements = {
  gangway0: networkElements({
    bridge: 'gangway0',
    subnets: [parsePrefix('172.17.0.1/16')],
    interContainer: true,
    masquerade: true,
  }),
  gangway1: networkElements({
    bridge: 'gangway1',
    subnets: [parsePrefix('172.18.0.1/16')],
    interContainer: true,
    masquerade: true,
  }),
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
      portElements({ protocol, hostAddress: parseAddress(host), hostPort, containerPort }, parseAddress('172.17.0.2')),
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

async function openPlace(host: Place, name: Exclude<PlaceName, 'host'>): Promise<Place> {
  const place = await Place.open('nsenter', `--target=${host.pid}`, '--net', '--mount', 'ip', 'netns', 'exec', name);
  await place.sysctl({ 'net.ipv4.icmp_ratelimit': 0 });
  await place.ip(['link set lo up', ...(name === 'world' ? worldLines() : containerLines(name))]);
  await Promise.all([place.serve(80), place.serve(8080)]);
  return place;
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
