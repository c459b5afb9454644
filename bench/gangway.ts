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
import { portSteps } from '../src/networks/port-mapping.ts';
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

const subnet = parsePrefix('10.214.0.0/16');
const gateway = offset(subnet.address, 1);
const bridge: BridgeNetwork = {
  ...defaultPolicy,
  kind: 'bridge',
  name: 'bench',
  bridge: 'gangway-bench',
  mac: parseMac('02:42:0a:d6:00:01'),
  mtuBytes: 1_500,
  subnets: [{ subnet, gateway, auxiliary: {} }],
};

export class Gangway implements Contender {
  readonly name = 'gangway';
  readonly resident = true;
  readonly method = 'the plan of `run` without its process: planned, applied and undone in this Node process';
  private readonly plans = new Map<number, readonly Step[]>();

  private constructor(
    private readonly host: KernelNamespace,
    private readonly kernel: KernelHandles,
  ) {}

  static async open(): Promise<Gangway> {
    const host = KernelNamespace.own();
    const kernel = new KernelHandles(host);
    const ground = [...nftables.load(), loadAntiSpoofing(), ...createBridge(bridge, [4, 6], nftables)];
    await apply('create the bridge', ground, kinds, kernel);
    return new Gangway(host, kernel);
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
    const address = this.ip(index);
    const endpoint = {
      id: String(index).padStart(64, '0'),
      hostLink: `gangway-${index}`,
      link: 'eth0',
      mac: macOf(address),
      addresses: [{ address, length: subnet.length }],
    };
    const binding = {
      protocol: 'tcp',
      hostAddress: unspecified(4),
      hostPort: hostPort(index),
      containerPort: 80,
    } as const;
    const routes = defaultRoutes(bridgeRoutes(bridge, endpoint), sandbox);
    const ports = published ? portSteps(gather([{ binding, target: address }]), () => policyOf(bridge), nftables) : [];
    const known = allowSenders([{ network: bridge, endpoint }]);
    return [
      ...createSandbox(sandbox),
      ...known,
      ...attachBridge(bridge, endpoint, sandbox, [4, 6]),
      ...routes,
      ...ports,
    ];
  }

  namespace(index: number): string {
    return `gangway-${index}`;
  }

  private ip(index: number): Address {
    return offset(subnet.address, index + 2);
  }

  address(index: number): string {
    return formatAddress(this.ip(index));
  }

  async close(): Promise<void> {
    this.kernel[Symbol.dispose]();
    this.host.close();
  }
}
