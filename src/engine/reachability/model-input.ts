/** What the model of the firewall is told of this machine: from the records, and from the kernel's links and routes. */
import { learnedEntry, learnedSets } from '../../firewall/dns-egress-elements.ts';
import type { HostLink, HostRoute, ModelNetwork, ModelTopology } from '../../firewall/model/topology.ts';
import { listAddresses } from '../../kernel/address.ts';
import { bootId } from '../../kernel/boot.ts';
import { listLinks } from '../../kernel/link.ts';
import { listRoutesOfAllTables } from '../../kernel/route.ts';
import { readSysctl } from '../../kernel/sysctl.ts';
import { policyOf } from '../../networks/bridge.ts';
import { closesTransit } from '../../networks/masquerade.ts';
import { KernelHandles as KernelWorld } from '../../plan/kernel-handles.ts';
import { type Family, families } from '../../values/address.ts';
import { spread } from '../../values/forward-set.ts';
import { isAlive } from '../container-state.ts';
import type { Context } from '../context.ts';
import { activeBackend } from '../firewall/backend-selection.ts';
import { ipForward, kernelFamilies } from '../host-facts.ts';
import { containersWithRun, type RunningContainer } from '../store/record.ts';
import type { Records } from '../store/record-store.ts';

/** Takes no lock, and changes nothing. */
export function observeWorld(context: Context): ModelTopology {
  const { records } = context;
  const containers = running(records);
  return {
    ...observeWays(context),
    forwarding: kernelFamilies().filter((family) => forwards(family)),
    closedTransit: families.filter((family) => closesTransit(records.machine().forwarding, family)),
    networks: bridges(context),
    endpoints: containers.flatMap(({ name, life }) =>
      life.plugs.flatMap(({ networkId, endpoint }) => {
        const network = records.networkById(networkId)?.network;
        if (network?.kind !== 'bridge') return [];
        return [
          { container: name, network: network.name, addresses: endpoint.addresses.map(({ address }) => address) },
        ];
      }),
    ),
    publications: containers.flatMap(({ name, life }) =>
      spread(life.forwards).map((forward) => ({ container: name, forward })),
    ),
    switchboard: true,
  };
}

/** Those that have a process at this moment. */
function running(records: Records): readonly RunningContainer[] {
  return containersWithRun(records.containers(), bootId()).filter(({ life }) => isAlive(life));
}

function bridges(context: Context): readonly ModelNetwork[] {
  const boot = bootId();
  const standing = context.records.networks().flatMap(({ network, made }) => {
    return network.kind === 'bridge' && made?.boot === boot ? [network] : [];
  });
  const hasNames = standing.some(({ egress }) => egress?.allow.some(({ kind }) => kind === 'name'));
  const learned = hasNames ? learnedFacts(context) : [];
  return standing.map((network) => ({
    name: network.name,
    policy: policyOf(network),
    learned: learned.flatMap(({ link, entry }) => (link === network.bridge ? [entry] : [])),
  }));
}

/** No record has them. */
function learnedFacts(context: Context): readonly ReturnType<typeof learnedEntry>[] {
  using world = new KernelWorld(context.host());
  const found = activeBackend(context).installed(world, 'an answer for a name', learnedSets);
  return found.map(({ step }) => learnedEntry(step));
}

function observeWays({ host }: Context): {
  readonly links: readonly HostLink[];
  readonly routes: readonly HostRoute[];
} {
  const { route } = host();
  const links = listLinks(route);
  const addresses = listAddresses(route);
  const names = new Map(links.map(({ index, name }) => [index, name]));
  const routes = kernelFamilies().flatMap((family) => listRoutesOfAllTables(route, family));
  return {
    links: links.map(({ index, name }) => ({
      name,
      addresses: addresses.filter(({ linkIndex }) => linkIndex === index).map(({ prefix }) => prefix),
    })),
    routes: routes
      .toSorted((a, b) => a.metric - b.metric)
      .flatMap(({ destination, linkIndex }) => {
        const link = names.get(linkIndex ?? 0);
        return link === undefined ? [] : [{ destination, link }];
      }),
  };
}

function forwards(family: Family): boolean {
  return (family === 4 ? ipForward() : readSysctl('net/ipv6/conf/all/forwarding')) !== '0';
}
