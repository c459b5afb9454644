/**
 * A firewall that somebody has taken away, or a part of it, is put back as the records have it.
 *
 * `nft flush ruleset`, `iptables -F`, a service that loads its own rules anew: none of them asks whose the others are. What
 * is missing is told by the steps themselves, each of which can be asked whether it holds.
 */
import { isFirewallStep } from '../firewall/backend.ts';
import { bootId } from '../kernel/boot.ts';
import type { Change } from '../plan/change.ts';
import { kindOf } from '../plan/kind.ts';
import type { FirewallStep, Step } from '../plan/step.ts';
import type { World } from '../plan/world.ts';
import type { Context } from './context.ts';
import { standingBackend } from './firewall.ts';
import { livingGuards, reloadGuard } from './guard.ts';
import { living, type NetworkRecord, standingSteps, stepsOf } from './record.ts';
import { repairWayBack } from './way-back.ts';

/**
 * What puts back what is missing: rules with everything that they have to know, in one transaction, so that nothing is
 * open while they come.
 *
 * @param how `rules`: where they are there, what they know is there, too. `everything`: each fact is looked for
 */
export function repairs(context: Context, world: World, how: 'rules' | 'everything'): readonly Change[] {
  if (!context.records.isMachineReadable) return [];
  return [
    putBack('routing', missing(context, world, routingRules(context))),
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

function repairFirewall(context: Context, world: World, how: 'rules' | 'everything'): readonly Step[] {
  const { ruleset } = context.records.machine();
  if (ruleset.length === 0) return [];
  if (missing(context, world, ruleset).length > 0)
    return standingBackend(context).reload(ruleset, factsOf(context), ruleset);
  return how === 'rules' ? [] : missing(context, world, factsOf(context));
}

function repairGuard(context: Context, world: World, how: 'rules' | 'everything'): readonly Step[] {
  const { guard = [] } = context.records.machine();
  if (guard.length === 0) return [];
  const lost = missing(context, world, guard);
  if (lost.length > 0) return lost.flatMap((step) => (step.kind === 'ruleset' ? [reloadGuard(context, step)] : []));
  return how === 'rules' ? [] : missing(context, world, livingGuards(context));
}

/** Everything that the firewall has been told, in the order in which it was; but for some networks, which are just being made. */
export function factsOf({ records }: Context, without: readonly NetworkRecord[] = []): readonly FirewallStep[] {
  const boot = bootId();
  const networks = records.networks().filter(({ id }) => !without.some((record) => record.id === id));
  return [
    ...records.machine().forwarding,
    ...networks.flatMap((record) => standingSteps(record, boot)),
    ...living(records.containers(), boot).flatMap(({ life }) => stepsOf(life)),
  ].filter(isFirewallStep);
}

function missing<S extends Step>({ kinds }: Context, world: World, steps: readonly S[]): readonly S[] {
  return steps.filter((step) => !kindOf(kinds, step).holds(step, world));
}
