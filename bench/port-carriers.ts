/**
 * Programs that publish ports on the bridge `ports0` with one container, 10.215.0.2, which serves port 80.
 *
 * Single ports are host ports from 20,000 on, all to port 80 of the container; a range maps each port to the same number.
 * Before the measurement, `fill` publishes N ports at once, in the fastest way.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { defaultPolicy } from '../src/engine/store/network-lookup.ts';
import type { Backend } from '../src/firewall/backend.ts';
import { iptablesKinds } from '../src/firewall/iptables/kinds.ts';
import { iptables } from '../src/firewall/iptables.ts';
import { nftables } from '../src/firewall/nftables.ts';
import { KernelNamespace } from '../src/kernel/namespace.ts';
import { type BridgeNetwork, policyOf } from '../src/networks/bridge.ts';
import { createNetwork } from '../src/networks/network.ts';
import { portSteps } from '../src/networks/port-mapping.ts';
import { apply } from '../src/plan/apply.ts';
import { KernelHandles } from '../src/plan/kernel-handles.ts';
import type { Kinds } from '../src/plan/kind.ts';
import { kernelKinds } from '../src/plan/kinds/index.ts';
import type { Step } from '../src/plan/step.ts';
import { undo } from '../src/plan/undo.ts';
import { parseAddress, parsePrefix, unspecified } from '../src/values/address.ts';
import { gather } from '../src/values/forward-set.ts';
import { parseMac } from '../src/values/mac.ts';
import { run } from './contender.ts';

export const bridgeName = 'ports0';
export const container = '10.215.0.2';
const firstPort = 20_000;

export interface PortCarrier {
  /** Creates the bridge and the permanent rules. */
  open(): Promise<void>;
  /** Publishes ports from `firstPort` on, untimed. */
  fill(count: number): Promise<void>;
  /** Publishes port `firstPort + index`. */
  add(index: number): Promise<void>;
  remove(index: number): Promise<void>;
  /** Publishes a range from 40,000 on at once. Absent if it takes too long. */
  range?(count: number): Promise<void>;
  unrange?(count: number): Promise<void>;
  /** Returns the port of `fill` that is last in the lookup order. */
  last(count: number): number;
}

export type CarrierName = keyof typeof carriers;

/** Carriers in their order, each for its own network namespace. */
export const carriers = {
  'gangway, nftables': () => new Gangway(nftables),
  'gangway, iptables-nft': () => new Gangway(iptables('nft', false)),
  'gangway, iptables-legacy': () => new Gangway(iptables('legacy', false)),
  'Docker’s way, iptables-nft': () => new OneByOne('iptables-nft'),
  'Docker’s way, iptables-legacy': () => new OneByOne('iptables-legacy'),
  netavark: () => new Netavark(),
} as const;

export const netavarkProgram = '/usr/lib/podman/netavark';

export function isThere(name: CarrierName): boolean {
  return name !== 'netavark' || existsSync(netavarkProgram);
}

const kinds = { ...kernelKinds, ...iptablesKinds } as unknown as Kinds;
const network: BridgeNetwork = {
  ...defaultPolicy,
  kind: 'bridge',
  name: 'ports',
  bridge: bridgeName,
  mac: parseMac('02:42:0a:d7:00:01'),
  mtuBytes: 1_500,
  subnets: [{ subnet: parsePrefix('10.215.0.0/16'), gateway: parseAddress('10.215.0.1'), auxiliary: {} }],
};

class Gangway implements PortCarrier {
  private readonly world = new KernelHandles(KernelNamespace.own());
  private readonly made = new Map<number, readonly Step[]>();
  private spanned: readonly Step[] = [];

  constructor(private readonly firewall: Backend) {}

  async open(): Promise<void> {
    const ground = [...this.firewall.load(), ...createNetwork(network, [4, 6], this.firewall)];
    await apply('create the bridge', ground, kinds, this.world);
  }

  async fill(count: number): Promise<void> {
    const steps = this.published(Array.from({ length: count }, (_, index) => [firstPort + index, 80]));
    await apply('publish', steps, kinds, this.world);
  }

  async add(index: number): Promise<void> {
    const steps = this.published([[firstPort + index, 80]]);
    await apply('publish', steps, kinds, this.world);
    this.made.set(index, steps);
  }

  async remove(index: number): Promise<void> {
    await undo('unpublish', this.made.get(index) ?? [], kinds, this.world);
  }

  async range(count: number): Promise<void> {
    const ports = Array.from({ length: count }, (_, index): [number, number] => [40_000 + index, 40_000 + index]);
    this.spanned = this.published(ports);
    await apply('publish', this.spanned, kinds, this.world);
  }

  async unrange(): Promise<void> {
    await undo('unpublish', this.spanned, kinds, this.world);
  }

  /** Rules are inserted at the head of a chain, so the first port is last; elements of a map have no order. */
  last(): number {
    return firstPort;
  }

  private published(ports: readonly (readonly [host: number, container: number])[]): readonly Step[] {
    const target = parseAddress(container);
    const forwards = ports.map(([hostPort, containerPort]) => ({
      binding: { protocol: 'tcp', hostAddress: unspecified(4), hostPort, containerPort } as const,
      target,
    }));
    return portSteps(gather(forwards), () => policyOf(network), this.firewall);
  }
}

function makeBridge(): void {
  run('ip', ['link', 'add', bridgeName, 'type', 'bridge']);
  run('ip', ['address', 'add', '10.215.0.1/16', 'dev', bridgeName]);
  run('ip', ['link', 'set', bridgeName, 'up']);
}

/** Starts iptables once for each rule, and once before it to check for the rule, as dockerd does. IPv4 only. */
class OneByOne implements PortCarrier {
  constructor(private readonly program: string) {}

  async open(): Promise<void> {
    makeBridge();
    this.restore([
      '*nat',
      ':DOCKER - [0:0]',
      '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
      'COMMIT',
      '*filter',
      ':DOCKER - [0:0]',
      '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      `-A FORWARD -o ${bridgeName} -j DOCKER`,
      `-A FORWARD -o ${bridgeName} -j DROP`,
      'COMMIT',
    ]);
  }

  async fill(count: number): Promise<void> {
    const each = Array.from({ length: count }, (_, index) => rules(firstPort + index, 80));
    const of = (table: string) => each.flat().filter((rule) => rule.table === table);
    this.restore(
      ['nat', 'filter'].flatMap((table) => [
        `*${table}`,
        ...of(table).map(({ verb, words }) => `${verb} DOCKER ${words}`),
        'COMMIT',
      ]),
    );
  }

  async add(index: number): Promise<void> {
    this.make(rules(firstPort + index, 80));
  }

  async remove(index: number): Promise<void> {
    this.take(rules(firstPort + index, 80));
  }

  async range(count: number): Promise<void> {
    for (let port = 40_000; port < 40_000 + count; port++) this.make(rules(port, port));
  }

  async unrange(count: number): Promise<void> {
    for (let port = 40_000; port < 40_000 + count; port++) this.take(rules(port, port));
  }

  last(count: number): number {
    return firstPort + count - 1;
  }

  private make(wanted: ReturnType<typeof rules>): void {
    for (const { table, verb, words } of wanted) {
      if (!this.has(table, words)) run(this.program, ['--wait', '-t', table, verb, 'DOCKER', ...words.split(' ')]);
    }
  }

  private take(wanted: ReturnType<typeof rules>): void {
    for (const { table, words } of wanted) {
      if (this.has(table, words)) run(this.program, ['--wait', '-t', table, '-D', 'DOCKER', ...words.split(' ')]);
    }
  }

  private has(table: string, words: string): boolean {
    const { status, stderr } = spawnSync(this.program, ['--wait', '-t', table, '-C', 'DOCKER', ...words.split(' ')], {
      encoding: 'utf8',
    });
    // Status 1: the rule does not exist.
    if (status === 0 || status === 1) return status === 0;
    throw new Error(`${this.program} -C: ${stderr.trim()}`);
  }

  private restore(lines: readonly string[]): void {
    run(`${this.program}-restore`, ['--noflush'], `${lines.join('\n')}\n`);
  }
}

/** Returns the DNAT rule, which is appended, and the accept rule, which is inserted and found first. */
function rules(hostPort: number, containerPort: number) {
  return [
    {
      table: 'nat',
      verb: '-A',
      words: `! -i ${bridgeName} -p tcp -m tcp --dport ${hostPort} -j DNAT --to-destination ${container}:${containerPort}`,
    },
    {
      table: 'filter',
      verb: '-I',
      words: `-d ${container}/32 ! -i ${bridgeName} -o ${bridgeName} -p tcp -m tcp --dport ${containerPort} -j ACCEPT`,
    },
  ];
}

/** Runs `setup` and `teardown` for another container. They also create its link: 10 ms of the result. */
class Netavark implements PortCarrier {
  async open(): Promise<void> {}

  async fill(count: number): Promise<void> {
    const ports = Array.from({ length: count }, (_, index) => mapping(firstPort + index, 80));
    this.call('setup', 0, ports);
  }

  async add(index: number): Promise<void> {
    this.call('setup', 1, [mapping(firstPort + index, 80)]);
  }

  async remove(index: number): Promise<void> {
    this.call('teardown', 1, [mapping(firstPort + index, 80)]);
  }

  async range(count: number): Promise<void> {
    this.call('setup', 1, [mapping(40_000, 40_000, count)]);
  }

  async unrange(count: number): Promise<void> {
    this.call('teardown', 1, [mapping(40_000, 40_000, count)]);
  }

  last(count: number): number {
    return firstPort + count - 1;
  }

  /** Container 0 serves; container 1 is created and removed. */
  private call(verb: 'setup' | 'teardown', index: number, ports: readonly object[]): void {
    const namespace = `ports-${process.pid}-${index}`;
    if (verb === 'setup') run('ip', ['netns', 'add', namespace]);
    const request = {
      container_id: String(index).padStart(64, 'd'),
      container_name: namespace,
      port_mappings: ports,
      networks: { ports: { interface_name: 'eth0', static_ips: [`10.215.0.${index + 2}`] } },
      network_info: {
        ports: {
          name: 'ports',
          id: '7'.repeat(64),
          driver: 'bridge',
          network_interface: bridgeName,
          subnets: [{ subnet: '10.215.0.0/16', gateway: '10.215.0.1' }],
          ipv6_enabled: false,
          internal: false,
          dns_enabled: false,
          ipam_options: { driver: 'host-local' },
        },
      },
    };
    const config = `/run/netavark-${process.pid}`;
    const args = ['--config', config, '--rootless', 'false', verb, `/run/netns/${namespace}`];
    run(netavarkProgram, args, JSON.stringify(request), { NETAVARK_FW: 'nftables' });
    if (verb === 'teardown') run('ip', ['netns', 'delete', namespace]);
  }
}

function mapping(hostPort: number, containerPort: number, range = 1): object {
  return { host_ip: '', host_port: hostPort, container_port: containerPort, protocol: 'tcp', range };
}
