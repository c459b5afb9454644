/**
 * Bridges whose network stands in no record, with what the firewall knows of them.
 *
 * A name proves nothing: Docker's bridges are called `br-` and 12 digits, too. Our table does. It is ours alone, and names
 * every bridge of ours from before its birth until after its end. Where somebody has flushed it, the file of a damaged
 * record still tells by its own name what the bridge was called.
 */
import { table } from '../firewall/nftables.ts';
import { networkSets } from '../firewall/policy.ts';
import { bootId } from '../kernel/boot.ts';
import { type Link, listLinks } from '../kernel/link.ts';
import { listKeys } from '../kernel/nftables.ts';
import type { Step } from '../plan/step.ts';
import type { World } from '../plan/world.ts';
import type { SetElement } from '../values/set-element.ts';
import { type Context, carry } from './context.ts';
import type { Removed } from './engine.ts';
import { defaultBridge, isBridgeBusy, ordinaryBridge } from './networks.ts';
import { living, stepsOf } from './record.ts';

const why = 'no record knows it';

interface Forgotten {
  readonly bridge: string;
  readonly link: Link | undefined;
  readonly elements: readonly SetElement[];
}

/**
 * Takes away bridges that no record knows and that nobody is plugged into. The caller holds the lock.
 *
 * @param lost ids of networks whose records were damaged
 * @param unplugging are containers just being taken away? The kernel unplugs them some 30 ms later
 * @throws GangwayError where a record can't be read, or is a newer gangway's: these bridges may be its own
 */
export async function removeForgottenBridges(
  context: Context,
  world: World,
  lost: readonly string[],
  unplugging: boolean,
): Promise<readonly Removed[]> {
  const links = listLinks(world.namespace('host').route);
  const used = usedBridges(context);
  const found = forgottenBridges(context, world, links, lost).filter(
    ({ bridge }) => !used.has(bridge) && (unplugging || !isBridgeBusy(links, bridge)),
  );
  if (found.length > 0)
    await carry(context, world, {
      plan: { subject: 'remove bridges that no record knows', direction: 'unmake', steps: found.flatMap(stepsFor) },
      records: [],
    });
  return found.map(({ bridge, link }) => ({
    what: link === undefined ? `what the firewall knew of bridge ${bridge}` : `bridge ${bridge}`,
    why,
  }));
}

function forgottenBridges(
  { records }: Context,
  world: World,
  links: readonly Link[],
  lost: readonly string[],
): readonly Forgotten[] {
  const known = new Set(records.everyNetwork().flatMap(({ network }) => ('bridge' in network ? [network.bridge] : [])));
  const { netfilter } = world.namespace('host');
  const elements = Object.entries(networkSets).flatMap(([set, parts]) => listKeys(netfilter, table, set, parts));
  const names = new Set([defaultBridge, ...lost.map(ordinaryBridge), ...elements.flatMap(bridgesIn)]);
  return [...names]
    .filter((bridge) => !known.has(bridge))
    .map((bridge) => ({
      bridge,
      link: links.find(({ name, kind }) => name === bridge && kind === 'bridge'),
      elements: elements.filter((element) => bridgesIn(element).includes(bridge)),
    }))
    .filter(({ link, elements: own }) => link !== undefined || own.length > 0);
}

function bridgesIn({ key }: SetElement): readonly string[] {
  return key.flatMap((datum) => (datum.type === 'ifname' ? [datum.name] : []));
}

/** A bridge into which a container has been plugged that lives, whatever became of its network's record. */
function usedBridges({ records }: Context): ReadonlySet<string> {
  const steps = living(records.everyContainer(), bootId()).flatMap(({ life }) => stepsOf(life));
  return new Set(steps.flatMap((step) => (step.kind === 'veth' ? [step.bridge] : [])));
}

/** In the order of making: the bridge goes before the firewall forgets it. */
function stepsFor({ bridge, link, elements }: Forgotten): readonly Step[] {
  return [
    ...elements.map((element): Step => ({ kind: 'element', in: 'host', table, element, why })),
    ...(link?.mac === undefined
      ? []
      : [{ kind: 'bridge', in: 'host', name: bridge, mac: link.mac, mtuBytes: link.mtu, why } as const]),
  ];
}
