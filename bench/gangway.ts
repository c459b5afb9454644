/**
 * Runs gangway: plans of the real chapters (src/networks), applied in this process.
 *
 * The times cover planning and applying, as in a program with the library. The netlink sockets of the host are open before.
 * Records, journal and the container's process are part of the whole commands only.
 */

import { defaultPolicy } from '../src/engine/store/network-lookup.ts';
import { loadAntiSpoofing } from '../src/firewall/anti-spoofing.ts';
import { nftables } from '../src/firewall/nftables.ts';
import { KernelNamespace } from '../src/kernel/namespace.ts';
import { allowSenders } from '../src/networks/anti-spoofing.ts';
import { attachBridge, type BridgeNetwork, bridgeRoutes, createBridge, policyOf } from '../src/networks/bridge.ts';
import { defaultRoutes } from '../src/networks/default-route.ts';
import { portSteps, withConntrackCleanup } from '../src/networks/port-mapping.ts';
import { createSandbox } from '../src/networks/sandbox.ts';
import { apply } from '../src/plan/apply.ts';
import { KernelHandles } from '../src/plan/kernel-handles.ts';
import type { Kinds } from '../src/plan/kind.ts';
import { kernelKinds } from '../src/plan/kinds/index.ts';
import type { Step } from '../src/plan/step.ts';
import { undo } from '../src/plan/undo.ts';
import { type Address, formatAddress, offset, parsePrefix, unspecified } from '../src/values/address.ts';
import { gather } from '../src/values/forward-set.ts';
import { macOf, parseMac } from '../src/values/mac.ts';
import type { Contender } from './contender.ts';
import { hostPort } from './contender.ts';

/** Plans of this file start no process. */
const kinds = kernelKinds as Kinds;

function networkOf(name: string, mac: string, ...subnets: readonly string[]): BridgeNetwork {
  return {
    ...defaultPolicy,
    kind: 'bridge',
    name,
    bridge: `gangway-${name}`,
    mac: parseMac(mac),
    mtuBytes: 1_500,
    subnets: subnets.map(parsePrefix).map((subnet) => ({ subnet, gateway: offset(subnet.address, 1), auxiliary: {} })),
  };
}

const ipv4 = networkOf('bench', '02:42:0a:d6:00:01', '10.214.0.0/16');
const dualStack = networkOf('bench6', '02:42:0a:d7:00:01', '10.215.0.0/16', 'fd00:d7::/64');

export class Gangway implements Contender {
  readonly name = 'gangway';
  readonly resident = true;
  readonly method = 'the plan of `run` without its process: planned, applied and undone in this Node process';
  private readonly plans = new Map<number, readonly Step[]>();

  private constructor(
    private readonly host: KernelNamespace,
    private readonly kernel: KernelHandles,
    private readonly network: BridgeNetwork,
  ) {}

  static async open(): Promise<Gangway> {
    const host = KernelNamespace.own();
    const kernel = new KernelHandles(host);
    await apply('load the rules', [...nftables.load(), loadAntiSpoofing()], kinds, kernel);
    return await Gangway.on(ipv4, host, kernel);
  }

  /** The same program, whose containers have an IPv6 address as well. */
  dualStack(): Promise<Gangway> {
    return Gangway.on(dualStack, this.host, this.kernel);
  }

  private static async on(network: BridgeNetwork, host: KernelNamespace, kernel: KernelHandles): Promise<Gangway> {
    await apply('create the bridge', createBridge(network, [4, 6], nftables), kinds, kernel);
    return new Gangway(host, kernel, network);
  }

  async create(index: number, published: boolean): Promise<number> {
    const start = process.hrtime.bigint();
    const steps = this.plan(index, published);
    await apply('create', steps, kinds, this.kernel);
    this.kernel.closeNamespace(this.namespace(index));
    const duration = Number(process.hrtime.bigint() - start);
    this.plans.set(index, steps);
    return duration;
  }

  async remove(index: number): Promise<number> {
    const steps = this.plans.get(index) ?? [];
    this.plans.delete(index);
    const start = process.hrtime.bigint();
    await undo('remove', steps, kinds, this.kernel);
    return Number(process.hrtime.bigint() - start);
  }

  private plan(index: number, published: boolean): readonly Step[] {
    const sandbox = { namespace: this.namespace(index) };
    const { network } = this;
    const addresses = network.subnets.map(({ subnet }) => ({
      address: offset(subnet.address, index + 2),
      length: subnet.length,
    }));
    const endpoint = {
      id: String(index).padStart(64, '0'),
      hostLink: `gangway-${index}`,
      link: 'eth0',
      mac: macOf(this.ip(index)),
      addresses,
    };
    const forwards = addresses.map(({ address }) => ({
      binding: {
        protocol: 'tcp' as const,
        hostAddress: unspecified(address.family),
        hostPort: hostPort(index),
        containerPort: 80,
      },
      target: address,
    }));
    const routes = defaultRoutes(bridgeRoutes(network, endpoint), sandbox);
    const facts = published ? portSteps(gather(forwards), () => policyOf(network), nftables) : [];
    const ports = published ? withConntrackCleanup(facts, forwards) : [];
    const known = allowSenders([{ network, endpoint }]);
    return [
      ...createSandbox(sandbox),
      ...known,
      ...attachBridge(network, endpoint, sandbox, [4, 6]),
      ...routes,
      ...ports,
    ];
  }

  namespace(index: number): string {
    return `gangway-${index}`;
  }

  private ip(index: number): Address {
    const [first] = this.network.subnets;
    if (first === undefined) throw new TypeError('a network without a subnet');
    return offset(first.subnet.address, index + 2);
  }

  address(index: number): string {
    return formatAddress(this.ip(index));
  }

  async close(): Promise<void> {
    this.kernel[Symbol.dispose]();
    this.host.close();
  }
}
