/**
 * Every kind of step that needs nothing but the kernel, and nft for a whole ruleset. The engine adds those of iptables, and
 * `process` and `exec`, which need crun.
 */
import type { Kinds } from '../kind.ts';
import { flowDeletion } from './conntrack.ts';
import { archive, directory, file } from './file.ts';
import { element, ruleset } from './firewall.ts';
import { address, localRoute, route, routingRule, sysctl } from './ip.ts';
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
import { namespace } from './namespace.ts';
import { diversion } from './redirect.ts';

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
