/**
 * The places around the lab's host, and their links.
 *
 * The lab's own network namespace is `host`, the host under test. Every other place is a network namespace pinned in
 * the lab's /run/netns, so `ip netns exec world …` works inside. One place outside needs one veth:
 *
 *      ┌─ host ───────────────────────┐        ┌─ world ──────────────────────┐
 *      │ up0   203.0.113.1/24         │  veth  │ eth0   203.0.113.2/24        │
 *      │       2001:db8:f::1/64       ├────────┤        2001:db8:f::2/64      │
 *      │ default via .2 and ::2       │        │                              │
 *      └──────────────────────────────┘        └──────────────────────────────┘
 *
 * More places share one Ethernet: a bridge in its own namespace, `segment`. So an attacker can answer ARP for others,
 * or send unroutable packets to the host's MAC.
 *
 *      ┌─ host ────┐  ┌─ world ───┐  ┌─ neighbour ┐  ┌─ attacker ─┐
 *      │ up0    .1 │  │ eth0   .2 │  │ eth0    .3 │  │ eth0    .4 │
 *      └────┬──────┘  └────┬──────┘  └────┬───────┘  └────┬───────┘
 *      ┌────┴── segment ───┴── switch0 ───┴───────────────┴───────┐
 *      └───────────────────────────────────────────────────────────┘
 *
 * The first place is the others' default gateway. It stands for the Internet and has no default route. MACs follow from
 * addresses, so labs of one topology are identical. Addresses skip duplicate address detection, link-local ones too
 * (they are set explicitly), so they work at once.
 *
 * @see RFC 5737 and RFC 3849, the prefixes reserved for documentation
 */
import { GangwayError } from '../values/errors.ts';

export interface Topology {
  /**
   * The places outside of the host, in the order of their addresses (.2, .3, …). Default `['world']`; `[]` has no
   * uplink.
   */
  readonly outside?: readonly string[];
  /** MTU of the shared network, 1280 to 65535. Default 1500. */
  readonly mtu?: number;
}

/** A place and the `ip -batch` lines that configure its link, run inside it. */
export interface Wiring {
  readonly place: string;
  /** The link that must be up before the place is usable. */
  readonly link: string;
  readonly batch: string;
}

/** `ip -batch` lines that create namespaces and links, run in the host, and each place's own lines. */
export interface Cabling {
  readonly batch: string;
  readonly wirings: readonly Wiring[];
}

export const hostPlace = 'host';
const segmentPlace = 'segment';
const placeName = /^[a-z][a-z0-9-]{0,14}$/;

/** The addresses of the host (0), the first place (1), and so on. */
export function addressesOf(index: number): { readonly v4: string; readonly v6: string } {
  return { v4: `203.0.113.${index + 1}`, v6: `2001:db8:f::${(index + 1).toString(16)}` };
}

/**
 * Converts a topology to `ip -batch` lines.
 *
 * @throws GangwayError invalid-name, invalid-option
 */
export function cabling(topology: Topology): Cabling {
  const outside = topology.outside ?? ['world'];
  const mtu = topology.mtu ?? 1500;
  check(outside, mtu);
  const [first] = outside;
  if (first === undefined) return { batch: '', wirings: [] };
  const places = [hostPlace, ...outside];
  const switched = outside.length > 1;
  const namespaces = (switched ? [...outside, segmentPlace] : outside).map((place) => `netns add ${place}`);
  const cables = switched
    ? places.map((place, index) => {
        const near = place === hostPlace ? 'name up0' : `name eth0 netns ${place}`;
        return `link add ${near} address ${mac(index)} mtu ${mtu} type veth peer name port${index} netns ${segmentPlace} mtu ${mtu}`;
      })
    : [
        `link add up0 address ${mac(0)} mtu ${mtu} type veth peer name eth0 address ${mac(1)} netns ${first} mtu ${mtu}`,
      ];
  const ends = places.map((place, index) => end(place, index));
  const wirings = switched ? [switchWiring(places, mtu), ...ends] : ends;
  return { batch: lines(...namespaces, ...cables), wirings };
}

function check(outside: readonly string[], mtu: number): void {
  for (const place of outside) {
    if (placeName.test(place) && place !== hostPlace && place !== segmentPlace) continue;
    throw new GangwayError('invalid-name', `invalid place name ${JSON.stringify(place)}`, {
      hint: `use up to 15 lower-case letters, digits and dashes; "${hostPlace}" and "${segmentPlace}" are taken`,
    });
  }
  if (new Set(outside).size !== outside.length || outside.length > 200) {
    throw new GangwayError('invalid-option', 'invalid places: use at most 200 different names');
  }
  if (!Number.isInteger(mtu) || mtu < 1280 || mtu > 65535) {
    throw new GangwayError('invalid-option', `invalid mtu ${mtu}`, { hint: 'use 1280 (the least for IPv6) to 65535' });
  }
}

function end(place: string, index: number): Wiring {
  const link = place === hostPlace ? 'up0' : 'eth0';
  const { v4, v6 } = addressesOf(index);
  const gateway = addressesOf(1);
  const routes = index === 1 ? [] : [`route add default via ${gateway.v4}`, `route add default via ${gateway.v6}`];
  const batch = lines(
    'link set lo up',
    `link set ${link} addrgenmode none`,
    `address add ${v4}/24 brd + dev ${link}`,
    `address add ${v6}/64 dev ${link} nodad`,
    `address add fe80::${(index + 1).toString(16)}/64 dev ${link} nodad`,
    `link set ${link} up`,
    ...routes,
  );
  return { place, link, batch };
}

function switchWiring(places: readonly string[], mtu: number): Wiring {
  const ports = places.flatMap((_, index) => [
    `link set port${index} addrgenmode none`,
    `link set port${index} master switch0`,
    `link set port${index} up`,
  ]);
  const batch = lines(
    `link add switch0 address ${mac(254)} mtu ${mtu} type bridge mcast_snooping 0`,
    'link set switch0 addrgenmode none',
    ...ports,
    'link set switch0 up',
  );
  return { place: segmentPlace, link: 'switch0', batch };
}

/** Readable MACs, as in old Docker: 02:42 and the four bytes of the address. */
function mac(index: number): string {
  return `02:42:cb:00:71:${(index + 1).toString(16).padStart(2, '0')}`;
}

function lines(...texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

/** Checks the name of a lab, which is used for a hostname, a file and a cgroup. @throws GangwayError invalid-name */
export function parseLabName(text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,31}$/.test(text)) return text;
  throw new GangwayError('invalid-name', `invalid lab name ${JSON.stringify(text)}`, {
    hint: 'use up to 32 lower-case letters, digits and dashes, with a letter or digit first',
  });
}
