/**
 * Bridges whose network stands in no record, with what the firewall knows of them, and the routing rules.
 *
 * A name proves nothing: Docker's bridges are called `br-` and 12 digits, too. Our table does. It is ours alone, and names
 * every bridge of ours from before its birth until after its end. Where somebody has flushed it, the file of a damaged
 * record still tells by its own name what the bridge was called.
 */
import { isFirewallStep, linksIn, stepContent, stepKey } from '../../firewall/backend.ts';
import { networkSets } from '../../firewall/policy.ts';
import { listAddresses } from '../../kernel/address.ts';
import { bootId } from '../../kernel/boot.ts';
import { type Link, listLinks } from '../../kernel/link.ts';
import { formatRoutingRule, listRoutingRules, type RoutingRule, sameRoutingRule } from '../../kernel/routing-rule.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { FirewallStep, Step } from '../../plan/step.ts';
import { families, formatPrefix, network } from '../../values/address.ts';
import { applyChange, type Context } from '../context.ts';
import type { Removed } from '../engine.ts';
import { activeBackend } from '../firewall/backend-selection.ts';
import { bridgeName, defaultBridge, isBridgeBusy } from '../store/network-lookup.ts';
import { containersWithRun, standingSteps, stepsOf } from '../store/record.ts';

const why = 'no record knows it';

interface Forgotten {
  readonly bridge: string;
  readonly link: Link | undefined;
  readonly facts: readonly FirewallStep[];
  readonly rules: readonly RoutingRule[];
}

/**
 * Takes away bridges that no record knows and that nobody is plugged into, and routing rules of bridges that are gone: a
 * network of that subnet would find its way barred. The caller holds the lock.
 *
 * @param lost ids of networks whose records were damaged
 * @param unplugging are containers just being taken away? The kernel unplugs them some 30 ms later
 * @throws GangwayError where a record can't be read, or is a newer gangway's: these bridges may be its own
 */
export async function removeForgottenBridges(
  context: Context,
  world: KernelHandles,
  lost: readonly string[],
  unplugging: boolean,
): Promise<readonly Removed[]> {
  const links = listLinks(world.namespace('host').route);
  const used = usedBridges(context);
  const strange = strangeRules(context, world);
  const forgotten = forgottenBridges(context, world, { links, lost, strange });
  const found = forgotten.filter(({ bridge }) => !used.has(bridge) && (unplugging || !isBridgeBusy(links, bridge)));
  const orphans = strange.filter((rule) => !forgotten.some(({ rules }) => rules.includes(rule)));
  if (found.length + orphans.length > 0)
    await applyChange(context, world, {
      plan: {
        subject: 'remove bridges that no record knows',
        direction: 'unmake',
        steps: [...orphans.map(ruleStep), ...found.flatMap(stepsFor)],
      },
      records: [],
    });
  return [
    ...found.map(({ bridge, link }) => ({
      what: link === undefined ? `what the firewall knew of bridge ${bridge}` : `bridge ${bridge}`,
      why,
    })),
    ...orphans.map((rule) => ({ what: `routing rule ${formatRoutingRule(rule)}`, why })),
  ];
}

/** Ours, of no network that a record knows. */
function strangeRules({ records }: Context, world: KernelHandles): readonly RoutingRule[] {
  const boot = bootId();
  const ofNetworks = records.everyNetwork().flatMap((record) => standingSteps(record, boot));
  const known = [...ofNetworks, ...(records.machine().wayBack ?? [])].flatMap((step) =>
    step.kind === 'routing-rule' ? [step.rule] : [],
  );
  return families
    .flatMap((family) => listRoutingRules(world.namespace('host').route, family))
    .filter((rule) => !known.some((other) => sameRoutingRule(rule, other)));
}

interface Seen {
  readonly links: readonly Link[];
  /** Ids of networks whose records were damaged. */
  readonly lost: readonly string[];
  readonly strange: readonly RoutingRule[];
}

function forgottenBridges(
  context: Context,
  world: KernelHandles,
  { links, lost, strange }: Seen,
): readonly Forgotten[] {
  const known = new Set(
    context.records.everyNetwork().flatMap(({ network }) => ('bridge' in network ? [network.bridge] : [])),
  );
  const facts = activeBackend(context)
    .installed(world, why, networkSets)
    .map(({ step }) => step);
  const wanted = wantedPlaces(context);
  const nameless = facts.filter((fact) => linksIn(fact).length === 0 && !wanted.has(stepKey(fact)));
  const names = new Set([defaultBridge, ...lost.map(bridgeName), ...facts.flatMap(linksIn)]);
  return [...names]
    .filter((bridge) => !known.has(bridge))
    .map((bridge) => {
      const link = links.find(({ name, kind }) => name === bridge && kind === 'bridge');
      const own = facts.filter((fact) => linksIn(fact).includes(bridge));
      const subnets = new Set([...own.flatMap(subnetsIn), ...(link === undefined ? [] : subnetsOn(world, link))]);
      const behind = nameless.filter((fact) => subnetsIn(fact).some((subnet) => subnets.has(subnet)));
      const rules = strange.filter(
        ({ inputLink, to }) => inputLink === bridge || (to !== undefined && subnets.has(formatPrefix(to))),
      );
      return { bridge, link, facts: [...own, ...behind], rules };
    })
    .filter(({ link, facts: own }) => link !== undefined || own.length > 0);
}

/** What the records want the firewall to know of networks. */
function wantedPlaces({ records }: Context): ReadonlySet<string> {
  const boot = bootId();
  const steps = [
    ...records.everyNetwork().flatMap((record) => standingSteps(record, boot)),
    ...records.machine().forwarding,
  ];
  return new Set(steps.filter(isFirewallStep).map(stepKey));
}

/** The subnets that a fact speaks of: `172.18.0.0/16`. */
function subnetsIn(fact: FirewallStep): readonly string[] {
  return stepContent(fact).match(/[0-9a-f.:]+\/\d+/g) ?? [];
}

/** Those in which a link has an address. */
function subnetsOn(world: KernelHandles, { index }: Link): readonly string[] {
  return listAddresses(world.namespace('host').route)
    .filter(({ linkIndex }) => linkIndex === index)
    .map(({ prefix }) => formatPrefix(network(prefix)));
}

/** A bridge into which a container has been plugged that lives, whatever became of its network's record. */
function usedBridges({ records }: Context): ReadonlySet<string> {
  const steps = containersWithRun(records.everyContainer(), bootId()).flatMap(({ life }) => stepsOf(life));
  return new Set(steps.flatMap((step) => (step.kind === 'veth' ? [step.bridge] : [])));
}

/** In the order of making: the bridge goes before the firewall and the routing forget it. */
function stepsFor({ bridge, link, facts, rules }: Forgotten): readonly Step[] {
  return [
    ...rules.map(ruleStep),
    ...facts,
    ...(link?.mac === undefined
      ? []
      : [{ kind: 'bridge', in: 'host', name: bridge, mac: link.mac, mtuBytes: link.mtu, why } as const]),
  ];
}

function ruleStep(rule: RoutingRule): Step {
  return { kind: 'routing-rule', in: 'host', rule, why };
}
