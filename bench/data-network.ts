/**
 * Creates containers with the services of load.c on a bridge network of gangway, with its firewall.
 *
 *      this network namespace --- data0 10.216.0.1/16 ===+=== eth0 10.216.0.2, serves
 *                                                        +=== eth0 10.216.0.3, a client
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { defaultPolicy } from '../src/engine/store/network-lookup.ts';
import { loadAntiSpoofing } from '../src/firewall/anti-spoofing.ts';
import { nftables } from '../src/firewall/nftables.ts';
import { KernelNamespace } from '../src/kernel/namespace.ts';
import { allowSenders } from '../src/networks/anti-spoofing.ts';
import { chooseGsoSizes } from '../src/networks/big-tcp.ts';
import { attachBridge, type BridgeNetwork, bridgeRoutes, createBridge } from '../src/networks/bridge.ts';
import { defaultRoutes } from '../src/networks/default-route.ts';
import { createSandbox } from '../src/networks/sandbox.ts';
import { apply } from '../src/plan/apply.ts';
import { KernelHandles } from '../src/plan/kernel-handles.ts';
import type { Kinds } from '../src/plan/kind.ts';
import { kernelKinds } from '../src/plan/kinds/index.ts';
import type { Step } from '../src/plan/step.ts';
import { formatAddress, offset, parsePrefix } from '../src/values/address.ts';
import { macOf, parseMac } from '../src/values/mac.ts';
import type { BigTcp } from '../src/values/network.ts';

/** Plans of this file start no process. */
const kinds = kernelKinds as Kinds;

export interface DataContainer {
  readonly namespace: string;
  readonly address: string;
}

/** Loads the firewall's constant rules. */
export async function loadRules(): Promise<void> {
  await carryOut([...nftables.load(), loadAntiSpoofing()]);
}

/**
 * Creates a network with two containers.
 *
 * @param number number of the network: `data0` has 10.216.0.0/16
 */
export async function makeNetwork(number: number, bigTcp: BigTcp, internal = false): Promise<readonly DataContainer[]> {
  const subnet = parsePrefix(`10.${216 + number}.0.0/16`);
  const subnets = [{ subnet, gateway: offset(subnet.address, 1), auxiliary: {} }];
  const network: BridgeNetwork = {
    ...defaultPolicy,
    kind: 'bridge',
    name: `data${number}`,
    bridge: `data${number}`,
    mac: parseMac(`02:42:0a:d8:${number.toString(16).padStart(2, '0')}:01`),
    mtuBytes: 1_500,
    subnets,
    internal,
    ...chooseGsoSizes({ bigTcp, internal, subnets }, [4]),
  };
  await carryOut(createBridge(network, [4], nftables));
  const containers = [2, 3].map((index) => ({ namespace: `${network.name}-${index}`, index }));
  for (const container of containers) await carryOut(endpointSteps(network, container));
  return containers.map(({ namespace, index }) => ({
    namespace,
    address: formatAddress(offset(subnet.address, index)),
  }));
}

function endpointSteps(network: BridgeNetwork, container: { readonly namespace: string; readonly index: number }) {
  const { namespace, index } = container;
  const [{ subnet } = { subnet: undefined }] = network.subnets;
  if (subnet === undefined) throw new RangeError(`${network.name} has no subnet`);
  const address = offset(subnet.address, index);
  const endpoint = {
    id: namespace.padEnd(64, '0'),
    hostLink: namespace,
    link: 'eth0',
    mac: macOf(address),
    addresses: [{ address, length: subnet.length }],
  };
  const routes = defaultRoutes(bridgeRoutes(network, endpoint), { namespace });
  return [
    ...createSandbox({ namespace }),
    ...allowSenders([{ network, endpoint }]),
    ...attachBridge(network, endpoint, { namespace }, [4]),
    ...routes,
  ];
}

async function carryOut(steps: readonly Step[]): Promise<void> {
  const host = KernelNamespace.own();
  const kernel = new KernelHandles(host);
  try {
    await apply('prepare the measurement', steps, kinds, kernel);
  } finally {
    kernel[Symbol.dispose]();
    host.close();
  }
}

/** Returns the command prefix for running in a container. */
export function within({ namespace }: DataContainer): readonly string[] {
  return ['ip', 'netns', 'exec', namespace];
}

/** Starts the services of load.c in a container. They end with this process. @returns when they listen */
export async function startServices(program: string, container: DataContainer, counter: string): Promise<void> {
  const [first = '', ...others] = [...within(container), program, 'serve', counter];
  const server = spawn(first, others, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => server.kill('SIGKILL'));
  await once(server.stdout, 'data');
}
