/** The step kinds that need only the kernel and nft. The engine adds those of iptables and crun. */
import type { Kinds } from '../kind.ts';
import { flowDeletion } from './conntrack.ts';
import { archive, directory, file } from './file.ts';
import { diversion, element, ruleset } from './firewall.ts';
import { address, localRoute, namespace, route, routingRule, sysctl } from './ip.ts';
import { claim, ended, signal } from './kill.ts';
import {
  bridge,
  dummy,
  groupsForwarded,
  hairpin,
  ipvlan,
  isolated,
  macvlan,
  segments,
  up,
  veth,
  vlan,
} from './link.ts';

export const kernelKinds: Omit<Kinds, 'chains' | 'rule' | 'process' | 'exec'> = {
  namespace,
  bridge,
  veth,
  macvlan,
  ipvlan,
  vlan,
  dummy,
  hairpin,
  'groups-forwarded': groupsForwarded,
  isolated,
  segments,
  up,
  address,
  route,
  'local-route': localRoute,
  'routing-rule': routingRule,
  sysctl,
  ruleset,
  diversion,
  element,
  flows: flowDeletion,
  'own-flows': flowDeletion,
  directory,
  file,
  archive,
  claim,
  signal: signal(),
  ended: ended(),
};
