/**
 * Rules of ours that are of another boot: others save all rules that they find (`nft list ruleset >/etc/nftables.conf`,
 * netfilter-persistent), and load them when the machine starts.
 *
 * What those know is true no more: the address to which a port led is somebody else's by now. No record of this boot tells
 * of them, and there is none of the bridges that they speak of. So they go as a whole, before the first rules of this boot come.
 */
import { linksIn } from '../firewall/backend.ts';
import { foundGuards, loadGuard } from '../firewall/guard.ts';
import { variantsIn } from '../firewall/iptables/program.ts';
import { iptables } from '../firewall/iptables.ts';
import { nftables } from '../firewall/nftables.ts';
import { listTables, type Table } from '../kernel/nftables.ts';
import type { Change } from '../plan/change.ts';
import { kindOf } from '../plan/kind.ts';
import type { FirewallStep, Step } from '../plan/step.ts';
import type { World } from '../plan/world.ts';
import type { Context } from './context.ts';
import { kernelBridgeFilter } from './observe.ts';
import { factsOf } from './repair.ts';

interface Found {
  readonly rules: readonly Step[];
  readonly facts: readonly FirewallStep[];
}

/** What takes them away, where they are there. */
export function relics(context: Context, world: World): readonly Change[] {
  const { records, kinds } = context;
  if (!records.isMachineReadable) return [];
  const { ruleset, guard = [] } = records.machine();
  if (ruleset.length + guard.length + factsOf(context).length > 0) return [];
  const holds = (step: Step) => kindOf(kinds, step).holds(step, world);
  const found = look(world).filter(({ rules, facts }) => facts.length > 0 || rules.every(holds));
  const isOfThisBoot = (fact: FirewallStep) =>
    linksIn(fact).some((link) => world.findLink('host', link)?.kind === 'bridge');
  if (found.length === 0 || found.some(({ facts }) => facts.some(isOfThisBoot))) return [];
  const steps = found.flatMap(({ rules }) => rules);
  return [{ plan: { subject: 'remove the rules of another boot', direction: 'unmake', steps }, records: [] }];
}

/** Of which the kernel may have something: both back ends', and the guard's. */
function look(world: World): readonly Found[] {
  const tables = listTables(world.namespace('host').netfilter);
  const has = (family: Table['family']) => tables.some((table) => table.family === family && table.name === 'gangway');
  const why = 'of another boot';
  return [
    ...[
      ...(has('inet') ? [nftables] : []),
      ...variantsIn(tables).map((variant) => iptables(variant, kernelBridgeFilter())),
    ].map((backend) => ({ rules: backend.load(), facts: backend.found(world, why).map(({ step }) => step) })),
    ...(has('bridge') ? [{ rules: [loadGuard()], facts: foundGuards(world, why) }] : []),
  ];
}
