/** Before every change: the firewall and the guard are brought to where they are wanted, and what somebody took from them is put back. */

import type { Backend } from '../../firewall/backend.ts';
import {
  type ForeignFirewall,
  formatForeignDrop,
  listForeignFirewalls,
  mentionsLink,
} from '../../firewall/foreign-firewalls.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import { GangwayError } from '../../values/errors.ts';
import { applyChange, type Context } from '../context.ts';
import type { NetworkRecord } from '../store/record.ts';
import { guardMoves } from './anti-spoofing.ts';
import { firewallLeaves, firewallMoves, isBackendSwitchRequested, loadedBackend } from './backend-selection.ts';
import { repairs } from './repair.ts';
import { staleRuleRemovals } from './stale-rules.ts';

/** @throws GangwayError of a move to another back end that somebody asks for, and that can't be made */
export async function reconcileFirewall(context: Context, world: KernelHandles): Promise<void> {
  await move(context, world);
  // In a dry run that has told a move, the kernel is not asked whether it was made.
  if (context.records.areAssumed) return;
  const taken = repairs(context, world, 'rules');
  for (const repair of taken) {
    await applyChange(context, world, repair);
    if (context.dryRun) context.records.assume(repair.records);
  }
  if (taken.length > 0) context.onWarning('somebody had taken rules of the firewall away: they are back');
}

async function move(context: Context, world: KernelHandles): Promise<void> {
  const before = loadedBackend(context);
  try {
    for (const moves of [
      staleRuleRemovals,
      firewallLeaves,
      firewallMoves,
      ...(context.canReloadRules ? [guardMoves] : []),
    ]) {
      for (const each of moves(context, world)) {
        await applyChange(context, world, each);
        if (context.dryRun) context.records.assume(each.records);
      }
    }
    if (before === 'nftables' && context.firewall === undefined && loadedBackend(context) === 'iptables')
      context.onWarning('somebody has rules in FORWARD of iptables now: the firewall has moved there from nftables');
  } catch (error) {
    if (isBackendSwitchRequested(context) || !(error instanceof GangwayError)) throw error;
    // What stands goes on standing: a container can be stopped, whatever somebody wrote into a file of rules.
    context.onWarning(`the rules stay as they were before: ${error.message}`);
  }
}

/** Says what stands in the way of the containers of some networks, and what to do about it. */
export function warnOfForeignRules(
  { host, onWarning }: Context,
  firewall: Backend,
  networks: readonly NetworkRecord[],
): void {
  const bridges = networks.flatMap(({ network }) => (network.kind === 'bridge' && !network.internal ? [network] : []));
  if (bridges.length === 0) return;
  const obstacles = listForeignFirewalls(host().netfilter).filter(
    (each) => each.drops && !firewall.precedes(each.variant),
  );
  for (const { bridge, subnets } of bridges)
    for (const each of obstacles)
      if (subnets.some(({ subnet }) => each.families.includes(subnet.address.family))) {
        const obstacle = foreignRulesWarning(bridge, each);
        if (obstacle !== undefined) onWarning(obstacle);
      }
}

/** Rules that can't be read stop nobody: whoever reloads his firewall has no table for a moment. */
function foreignRulesWarning(bridge: string, neighbour: ForeignFirewall): string | undefined {
  try {
    return mentionsLink(neighbour, bridge) ? undefined : formatForeignDrop(neighbour, bridge);
  } catch (error) {
    if (!(error instanceof GangwayError)) throw error;
    return `${neighbour.where} may be in the way of ${bridge}: its rules can't be read: ${error.message}`;
  }
}
