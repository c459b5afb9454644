/**
 * A firewall that somebody has taken away, or a part of it, is put back as the records have it.
 *
 * `nft flush ruleset`, `iptables -F`, a service that loads its own rules anew: none of them asks whose the others are. What
 * is missing is told by the steps themselves, each of which can be asked whether it holds.
 *
 * That service may load ours, too, as they were when somebody saved them (`nft list ruleset >/etc/nftables.conf`). A port then
 * leads to whoever has that address by now. So a firewall that knows what no record tells of is loaded anew. What was
 * learned stands in no record: whoever has learned it brings it in again.
 */

import { installedAntiSpoofing } from '../../firewall/anti-spoofing.ts';
import { isFirewallStep, linksIn, unrecordedSteps } from '../../firewall/backend.ts';
import { isLearnedStep } from '../../firewall/dns-egress-elements.ts';
import { networkSets } from '../../firewall/policy.ts';
import { bootId } from '../../kernel/boot.ts';
import { linkOf } from '../../networks/network.ts';
import type { Change } from '../../plan/change.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { FirewallStep, RuleStep, Step } from '../../plan/step.ts';
import type { Context } from '../context.ts';
import { missingSteps } from '../store/installed-state.ts';
import { containersWithRun, type NetworkRecord, standingSteps, stepsOf } from '../store/record.ts';
import { livingGuards, reloadGuard } from './anti-spoofing.ts';
import { activeBackend } from './backend-selection.ts';

/**
 * What puts back what is missing: rules with everything that they have to know, in one transaction, so that nothing is
 * open while they come.
 *
 * @param how `rules`: where they are there, what they know is there, too. `everything`: each fact is looked for, and is one of ours
 */
export function repairs(context: Context, world: KernelHandles, how: 'rules' | 'everything'): readonly Change[] {
  if (!context.records.isMachineReadable) return [];
  return [
    putBack('routing', missingSteps(context, world, routingRules(context))),
    putBack('way back of transparent ports', repairWayBack(context, world)),
    putBack('firewall', [...repairFirewall(context, world, how), ...repairGuard(context, world, how)]),
  ].filter(({ plan }) => plan.steps.length > 0);
}

function putBack(whence: string, steps: readonly Step[]): Change {
  const subject = `put back what somebody has taken from the ${whence}`;
  return { plan: { subject, direction: 'make', steps }, records: [] };
}

/** What closes the networks while the firewall is not there: so it comes first, and stays even if that can't be put back. */
function routingRules({ records }: Context): readonly Step[] {
  const boot = bootId();
  return records
    .networks()
    .flatMap((record) => standingSteps(record, boot))
    .filter(({ kind }) => kind === 'routing-rule');
}

function repairFirewall(context: Context, world: KernelHandles, how: 'rules' | 'everything'): readonly Step[] {
  const { ruleset } = context.records.machine();
  if (ruleset.length === 0) return [];
  const firewall = activeBackend(context);
  const facts = factsOf(context);
  const anew = () => firewall.reload(ruleset, facts, ruleset);
  if (missingSteps(context, world, ruleset).length > 0) return anew();
  if (how === 'rules') return [];
  const found = firewall.installed(world, restored).map(({ step }) => step);
  const strange = unrecordedSteps([...facts, ...constants(ruleset)], found).filter((step) => !isLearnedStep(step));
  return strange.length > 0 && isOursAlone(context, world) ? anew() : missingSteps(context, world, facts);
}

function repairGuard(context: Context, world: KernelHandles, how: 'rules' | 'everything'): readonly Step[] {
  const { guard = [] } = context.records.machine();
  if (guard.length === 0) return [];
  const anew = (all: readonly Step[]) =>
    all.flatMap((step) => (step.kind === 'ruleset' ? [reloadGuard(context, step)] : []));
  const lost = missingSteps(context, world, guard);
  if (lost.length > 0) return anew(lost);
  if (how === 'rules') return [];
  const known = livingGuards(context);
  const strange = unrecordedSteps(known, installedAntiSpoofing(world, restored));
  return strange.length > 0 && isOursAlone(context, world) ? anew(guard) : missingSteps(context, world, known);
}

const restored = 'somebody has loaded what he saved';

/** As facts are found: another version's rules that never change are none of this one's. */
function constants(ruleset: readonly Step[]): readonly RuleStep[] {
  return ruleset.flatMap((step) =>
    step.kind === 'chains'
      ? step.rules.map((rule) => ({ kind: 'rule', in: 'host', variant: step.variant, rule, why: step.why }) as const)
      : [],
  );
}

/**
 * Do the records say all that the firewall has to know? A container whose record can't be read says nothing, nor does a bridge
 * of a network of which that is true, or of a gangway with other directories.
 */
function isOursAlone(context: Context, world: KernelHandles): boolean {
  const own = context.records.networks().map(({ network }) => linkOf(network));
  const bridges = activeBackend(context)
    .installed(world, restored, networkSets)
    .flatMap(({ step }) => linksIn(step))
    .filter((link) => !own.includes(link));
  const isThere = (link: string) => world.findLink('host', link)?.kind === 'bridge';
  return context.records.unreadable().size === 0 && ![...new Set(bridges)].some(isThere);
}

/** Everything that the firewall has been told, in the order in which it was; but for some networks, which are just being made. */
export function factsOf({ records }: Context, without: readonly NetworkRecord[] = []): readonly FirewallStep[] {
  const boot = bootId();
  const networks = records.networks().filter(({ id }) => !without.some((record) => record.id === id));
  return [
    ...records.machine().forwarding,
    ...networks.flatMap((record) => standingSteps(record, boot)),
    ...containersWithRun(records.containers(), boot).flatMap(({ life }) => stepsOf(life)),
  ].filter(isFirewallStep);
}

/** What puts back what somebody has taken of it: a table that is there may have lost its chain. */
function repairWayBack(context: Context, world: KernelHandles): readonly Step[] {
  return missingSteps(context, world, context.records.machine().wayBack ?? []).map((step) =>
    step.kind === 'ruleset' ? { ...step, replaces: true } : step,
  );
}
