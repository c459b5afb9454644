/**
 * Routing rules: which packets are routed by which table, or not at all.
 *
 * @see struct fib_rule_hdr, FRA_* and FR_ACT_* in linux/fib_rules.h, ip-rule(8)
 */
import { attributes, struct } from '../netlink/attributes.ts';
import { address, cstring, u8, u32 } from '../netlink/codec.ts';
import type { Connection } from '../netlink/connection.ts';
import { flags, type Request, request } from '../netlink/message.ts';
import { type Family, formatPrefix, type Prefix, sameAddress } from '../values/address.ts';
import { addressFamily } from './family.ts';

const FR_ACT_TO_TBL = 1;
const FR_ACT_BLACKHOLE = 6;
/** linux/rtnetlink.h */
const RT_TABLE_MAIN = 254;
const WHOLE_MARK = 0xffff_ffff;
/** Whose they are: a number that iproute2 has no name for. */
const RTPROT_GANGWAY = 103;

const ruleHeader = struct({
  family: [1, u8],
  destinationLength: [1, u8],
  sourceLength: [1, u8],
  tos: [1, u8],
  table: [1, u8],
  reserved1: [1, u8],
  reserved2: [1, u8],
  action: [1, u8],
  flags: [4, u32],
});
const ruleAttributes = attributes({
  destination: [1, address],
  inputLink: [3, cstring],
  priority: [6, u32],
  mark: [10, u32],
  table: [15, u32],
  markMask: [16, u32],
  protocol: [21, u8],
});

const RTM_NEWRULE = { name: 'RTM_NEWRULE', type: 32, header: ruleHeader, attributes: ruleAttributes };
const RTM_DELRULE = { name: 'RTM_DELRULE', type: 33, header: ruleHeader, attributes: ruleAttributes };
const RTM_GETRULE = { name: 'RTM_GETRULE', type: 34, header: ruleHeader, attributes: ruleAttributes };

export interface RoutingRule {
  readonly family: Family;
  /** The smaller, the earlier; the kernel's own are 0 (local), 32766 (main) and 32767 (default). */
  readonly priority: number;
  /** For packets to these addresses alone. */
  readonly to?: Prefix;
  /** For packets that came in here; `lo`: for what the machine itself sends, or asks the table on its own behalf. */
  readonly inputLink?: string;
  /** For packets without a mark alone. */
  readonly unmarked?: true;
  /** For packets with this mark alone, all of whose bits count. */
  readonly mark?: number;
  /** The number of a table, or `main`; `blackhole`: it ends here, and nobody is told. */
  readonly action: 'main' | 'blackhole' | number;
}

/** `ip rule add pref 641 to 172.17.0.0/16 fwmark 0/0xffffffff blackhole protocol 103` */
export function addRoutingRule(rule: RoutingRule): Request {
  const { header, body } = message(rule);
  return request(
    `add routing rule ${formatRoutingRule(rule)}`,
    RTM_NEWRULE,
    flags.create | flags.exclusive,
    header,
    body,
  );
}

/** `ip rule delete …`: the one with exactly these words. */
export function deleteRoutingRule(rule: RoutingRule): Request {
  const { header, body } = message(rule);
  return request(`delete routing rule ${formatRoutingRule(rule)}`, RTM_DELRULE, 0, header, body);
}

function message({ family, priority, to, inputLink, unmarked, mark, action }: RoutingRule) {
  const wanted = unmarked === true ? 0 : mark;
  return {
    header: {
      family: addressFamily(family),
      ...(to === undefined ? {} : { destinationLength: to.length }),
      ...(action === 'main' ? { table: RT_TABLE_MAIN } : {}),
      action: action === 'blackhole' ? FR_ACT_BLACKHOLE : FR_ACT_TO_TBL,
    },
    body: {
      ...(to === undefined ? {} : { destination: to.address }),
      ...(inputLink === undefined ? {} : { inputLink }),
      priority,
      protocol: RTPROT_GANGWAY,
      ...(wanted === undefined ? {} : { mark: wanted, markMask: WHOLE_MARK }),
      ...(typeof action === 'number' ? { table: action } : {}),
    },
  };
}

/** The words of ip-rule(8) that make it. */
export function formatRoutingRule({ priority, to, inputLink, unmarked, mark, action }: RoutingRule): string {
  return [
    `pref ${priority}`,
    ...(inputLink === undefined ? [] : [`iif ${inputLink}`]),
    ...(to === undefined ? [] : [`to ${formatPrefix(to)}`]),
    ...(unmarked === undefined ? [] : ['fwmark 0/0xffffffff']),
    ...(mark === undefined ? [] : [`fwmark 0x${mark.toString(16)}`]),
    action === 'blackhole' ? action : `lookup ${action}`,
    `protocol ${RTPROT_GANGWAY}`,
  ].join(' ');
}

/** `ip rule show protocol 103`, of one family: ours. */
export function listRoutingRules(connection: Connection, family: Family): readonly RoutingRule[] {
  const question = request(`list IPv${family} routing rules`, RTM_GETRULE, 0, { family: addressFamily(family) }, {});
  return connection.dump(question, RTM_NEWRULE).flatMap(({ header, attributes: found }): readonly RoutingRule[] => {
    if (found.protocol !== RTPROT_GANGWAY) return [];
    const to = found.destination && { address: found.destination, length: header.destinationLength ?? 0 };
    return [
      {
        family,
        priority: found.priority ?? 0,
        ...(to === undefined ? {} : { to }),
        ...(found.inputLink === undefined ? {} : { inputLink: found.inputLink }),
        ...(found.markMask === WHOLE_MARK ? markOf(found.mark ?? 0) : {}),
        action: header.action === FR_ACT_BLACKHOLE ? 'blackhole' : tableOf(found.table ?? header.table ?? 0),
      },
    ];
  });
}

function markOf(mark: number): Pick<RoutingRule, 'unmarked' | 'mark'> {
  return mark === 0 ? { unmarked: true } : { mark };
}

function tableOf(table: number): 'main' | number {
  return table === RT_TABLE_MAIN ? 'main' : table;
}

export function sameRoutingRule(a: RoutingRule, b: RoutingRule): boolean {
  return (
    a.family === b.family &&
    a.priority === b.priority &&
    a.inputLink === b.inputLink &&
    a.unmarked === b.unmarked &&
    a.mark === b.mark &&
    a.action === b.action &&
    a.to?.length === b.to?.length &&
    sameAddress(a.to?.address, b.to?.address)
  );
}
