/**
 * Anti-spoofing: each frame from a container's veth must carry that container's MAC and addresses as its sender.
 *
 * The rules in nftables/anti-spoofing.nft are constant; only set elements change. Elements are added before the veth
 * and removed after it, because the rules ignore unknown links. The rules always use nftables, also beside the iptables
 * back end: iptables sees only IP on a bridge.
 */
import { readFileSync } from 'node:fs';
import { listElements } from '../kernel/nftables.ts';
import type { KeyPart, SetParts } from '../kernel/set-key.ts';
import type { KernelHandles } from '../plan/kernel-handles.ts';
import type { ElementStep, RulesetStep, Step } from '../plan/step.ts';
import { type Address, type Family, formatAddress } from '../values/address.ts';
import { linkLocalOf, type Mac } from '../values/mac.ts';
import { type Datum, formatSetElement, type SetElement } from '../values/set-element.ts';

const table = { family: 'bridge', name: 'gangway' } as const;

/** `nft -f anti-spoofing.nft`. */
export function loadAntiSpoofing(): RulesetStep {
  const file = readFileSync(new URL('./nftables/anti-spoofing.nft', import.meta.url), 'utf8');
  const text = file.slice(file.indexOf('create table'));
  const why = 'anti-spoofing rules for bridge ports: a constant table of gangway';
  return { kind: 'ruleset', in: 'host', family: table.family, table: table.name, text, why };
}

/** The addresses that may appear as the sender behind one bridge port. */
export interface AllowedSender {
  /** The host end of the veth. */
  readonly hostLink: string;
  readonly mac: Mac;
  /**
   * All addresses of the container, in all its networks. With an IPv6 address, the link-local address of the MAC is
   * allowed too.
   */
  readonly addresses: readonly Address[];
}

/** `nft add element bridge gangway plugs { "veth3f2a9c4" }` and so on, one step an element. */
export function allowSender(sender: AllowedSender): readonly ElementStep[] {
  return senderElements(sender).map((element) => elementStep(element, reasonOf(element, sender)));
}

function reasonOf({ key }: SetElement, { hostLink: plug, mac }: AllowedSender): string {
  const last = key.at(-1);
  if (last?.type === 'address') return `the container behind ${plug} may send from ${formatAddress(last.address)}`;
  return last?.type === 'ether_addr'
    ? `the container behind ${plug} may send from ${mac}`
    : `${plug} is a container port: its sender addresses are checked`;
}

/** The installed elements as steps, whether or not a record has them. */
export function installedAntiSpoofing(kernel: KernelHandles, why: string): readonly ElementStep[] {
  return Object.entries(antiSpoofingSets)
    .flatMap(([set, parts]) => listElements(kernel.namespace('host').netfilter, table, set, parts))
    .map(({ element }) => elementStep(element, why));
}

export function isAntiSpoofingStep(step: Step): step is ElementStep {
  return step.kind === 'element' && step.family === table.family;
}

function elementStep(element: SetElement, why: string): ElementStep {
  return { kind: 'element', in: 'host', family: table.family, table: table.name, element, why };
}

/** Removes duplicates: a requested link-local address may equal the kernel's own. */
export function senderElements({ hostLink: plug, mac, addresses }: AllowedSender): readonly SetElement[] {
  const port: Datum = { type: 'ifname', name: plug };
  const sender: readonly Datum[] = [port, { type: 'ether_addr', mac }];
  const own = addresses.some(({ family }) => family === 6) ? [linkLocalOf(mac)] : [];
  const elements: readonly SetElement[] = [
    { set: 'plugs', key: [port] },
    { set: 'macs', key: sender },
    ...[...addresses, ...own].map((address) => ({
      set: `addresses${address.family}`,
      key: [...sender, { type: 'address', address } as const],
    })),
  ];
  return [...new Map(elements.map((element) => [element.set + formatSetElement(element), element])).values()];
}

const sender = [{ type: 'ifname' }, { type: 'ether_addr' }] as const;

const addressed = (family: Family): readonly KeyPart[] => [...sender, { type: 'address', family }];

/** The sets of the table and the types of their keys. */
export const antiSpoofingSets: Readonly<Record<string, SetParts>> = {
  plugs: { key: [{ type: 'ifname' }] },
  macs: { key: sender },
  addresses4: { key: addressed(4) },
  addresses6: { key: addressed(6) },
};
