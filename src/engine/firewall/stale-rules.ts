/**
 * Rules of ours that are of another boot: others save all rules that they find (`nft list ruleset >/etc/nftables.conf`,
 * netfilter-persistent), and load them when the machine starts.
 *
 * What those know is true no more: the address to which a port led is somebody else's by now. No record of this boot tells
 * of them, and there is none of the bridges that they speak of. So they go as a whole, before the first rules of this boot come.
 */

import { installedAntiSpoofing, loadAntiSpoofing } from '../../firewall/anti-spoofing.ts';
import { linksIn } from '../../firewall/backend.ts';
import { variantsIn } from '../../firewall/iptables/program.ts';
import { iptables } from '../../firewall/iptables.ts';
import { nftables } from '../../firewall/nftables.ts';
import { networkSets } from '../../firewall/policy.ts';
import { listTables, type Table } from '../../kernel/nftables.ts';
import type { Change } from '../../plan/change.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { Step } from '../../plan/step.ts';
import type { Context } from '../context.ts';
import { kernelBridgeFilter } from '../host-facts.ts';
import { factsOf } from './repair.ts';

const why = 'of another boot';

/** What takes them away, where they are there. */
export function staleRuleRemovals(context: Context, world: KernelHandles): readonly Change[] {
  const { records } = context;
  if (!records.isMachineReadable) return [];
  const { ruleset, guard = [] } = records.machine();
  if (ruleset.length + guard.length + factsOf(context).length > 0) return [];
  const { bridges, steps } = look(world);
  const isOfThisBoot = bridges.some((bridge) => world.findLink('host', bridge)?.kind === 'bridge');
  if (steps.length === 0 || isOfThisBoot) return [];
  return [{ plan: { subject: 'remove the rules of another boot', direction: 'unmake', steps }, records: [] }];
}

/** The bridges that either back end knows, and what takes away whatever knows something: the guard too. */
function look(world: KernelHandles): { readonly bridges: readonly string[]; readonly steps: readonly Step[] } {
  const tables = listTables(world.namespace('host').netfilter);
  const has = (family: Table['family']) => tables.some((table) => table.family === family && table.name === 'gangway');
  const backends = [
    ...(has('inet') ? [nftables] : []),
    ...variantsIn(tables).map((variant) => iptables(variant, kernelBridgeFilter())),
  ];
  const known = backends
    .map((backend) => ({ backend, facts: backend.installed(world, why, networkSets) }))
    .filter(({ facts }) => facts.length > 0);
  return {
    bridges: known.flatMap(({ facts }) => facts.flatMap(({ step }) => linksIn(step))),
    steps: [
      ...known.flatMap(({ backend }) => backend.load([])),
      ...(has('bridge') && installedAntiSpoofing(world, why).length > 0 ? [loadAntiSpoofing()] : []),
    ],
  };
}
