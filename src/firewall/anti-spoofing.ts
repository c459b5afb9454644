/**
 * The port guard: what may stand as the sender in a frame that comes out of a container's plug.
 *
 * The rules stand in nftables/anti-spoofing.nft and never change; what comes and goes are elements. They come before the cable, and
 * go after it: a plug that the rules don't know is somebody else's, and says what it likes. Whichever back end has the
 * policy, the guard is nftables': of the bridge, iptables sees IP alone.
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
  const why = 'who may say what on a bridge: a table of our own that never changes afterwards';
  return { kind: 'ruleset', in: 'host', family: table.family, table: table.name, text, why };
}

/** A container as the bridge sees it. */
export interface AllowedSender {
  /** The host's end of the cable. */
  readonly hostLink: string;
  readonly mac: Mac;
  /**
   * All that it may use on this wire, its addresses in other networks included. With one of IPv6 it has also the
   * link-local address that the kernel makes of its MAC.
   */
  readonly addresses: readonly Address[];
}

/** `nft add element bridge gangway plugs { "veth3f2a9c4" }` and so on, one step an element. */
export function allowSender(sender: AllowedSender): readonly ElementStep[] {
  return senderElements(sender).map((element) => elementStep(element, reasonOf(element, sender)));
}

function reasonOf({ key }: SetElement, { hostLink: plug, mac }: AllowedSender): string {
  const last = key.at(-1);
  if (last?.type === 'address') return `behind ${plug} is ${formatAddress(last.address)}, and may say so`;
  return last?.type === 'ether_addr'
    ? `behind ${plug} is ${mac}, and may say so`
    : `nobody behind ${plug} may speak in another one’s name`;
}

/** What the kernel has of the guard's elements, whoever brought them in. */
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

/** Each once: a link-local address that somebody asked for may be the kernel's own. */
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

/** The sets of the table, and what their keys are made of. */
export const antiSpoofingSets: Readonly<Record<string, SetParts>> = {
  plugs: { key: [{ type: 'ifname' }] },
  macs: { key: sender },
  addresses4: { key: addressed(4) },
  addresses6: { key: addressed(6) },
};
