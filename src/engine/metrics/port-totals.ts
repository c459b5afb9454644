/**
 * Each published port with what the firewall and the relays have counted of it.
 *
 * The two don't count the same things. The firewall has a fact for each family and for a whole range, and sees connections
 * begin; a relay is one socket for both families and one port, and sees every byte. So 0.0.0.0 and :: are one place, `*`, and
 * a range is one line.
 */
import { type Counts, sumOfCounts } from '../../services/proxy/counters.ts';
import { type Address, formatHost, isUnspecified } from '../../values/address.ts';
import { order } from '../../values/order.ts';
import type { PortRange, Protocol } from '../../values/port.ts';
import { formatRange, size } from '../../values/port-grammar.ts';
import type { PortTraffic, RelayTraffic, Traffic } from '../results.ts';

export interface PortTotals {
  /** Its id. */
  readonly container: string;
  readonly name: string;
  readonly protocol: Protocol;
  /** `*`, `127.0.0.1`, `[::1]` */
  readonly host: string;
  /** Absent in a routed network. */
  readonly hostPort?: PortRange;
  readonly containerPort: PortRange;
  /** Connections that the firewall has led to the container. */
  readonly translated: bigint;
  readonly relayed: Counts;
  /** Connections that the connect hook has led there. */
  readonly led: number;
}

type Place = Omit<PortTotals, 'translated' | 'relayed' | 'led'>;

interface Line {
  readonly place: Place;
  translated: bigint;
  readonly relayed: Counts[];
  led: number;
}

/** In the order of names and ports. */
export function portTotals({ ports, relays }: Pick<Traffic, 'ports' | 'relays'>): readonly PortTotals[] {
  const lines = new Map<string, Line>();
  for (const port of ports) lineOf(lines, placeOf(port)).translated += port.connections;
  const ranges = [...lines.values()].filter(({ place }) => size(place.containerPort) > 1);
  for (const relay of relays) {
    const place = placeOfRelay(relay);
    const range = ranges.find((each) => includes(each.place, place));
    const line = range ?? lineOf(lines, place);
    line.relayed.push(relay.counts);
    line.led += relay.led;
  }
  return [...lines.values()]
    .map(({ place, translated, relayed, led }) => ({ ...place, translated, relayed: sumOfCounts(relayed), led }))
    .toSorted((a, b) => order(a.name, b.name) || first(a) - first(b) || order(formatPlace(a), formatPlace(b)));
}

/** `*:8080->80/tcp`; in a routed network `80/tcp`. */
export function formatPlace({ host, hostPort, containerPort, protocol }: Place): string {
  const inside = `${formatRange(containerPort)}/${protocol}`;
  return hostPort === undefined ? inside : `${host}:${formatRange(hostPort)}->${inside}`;
}

function placeOf({ connections: _, hostAddress, ...port }: PortTraffic): Place {
  return { ...port, host: hostOf(hostAddress) };
}

function placeOfRelay({ counts: _1, led: _2, hostAddress, ...relay }: RelayTraffic): Place {
  return { ...relay, host: hostOf(hostAddress) };
}

function hostOf(address: Address): string {
  return isUnspecified(address) ? '*' : formatHost(address);
}

function lineOf(lines: Map<string, Line>, place: Place): Line {
  const key = `${place.container} ${formatPlace(place)}`;
  const line = lines.get(key) ?? { place, translated: 0n, relayed: [], led: 0 };
  lines.set(key, line);
  return line;
}

function includes(range: Place, one: Place): boolean {
  const same = range.container === one.container && range.protocol === one.protocol && range.host === one.host;
  return same && within(range.hostPort, one.hostPort) && within(range.containerPort, one.containerPort);
}

function within(range?: PortRange, one?: PortRange): boolean {
  return range !== undefined && one !== undefined && one.first >= range.first && one.last <= range.last;
}

function first({ hostPort, containerPort }: Place): number {
  return (hostPort ?? containerPort).first;
}
