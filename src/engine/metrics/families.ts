/**
 * What the switchboard tells Prometheus.
 *
 * Bytes and connections go into a container (`receive`) and out of it (`transmit`), as in `docker stats`. A port is named as
 * `gangway stats --ports` names it. Which kinds of errors a port can have, its protocol says; those are told from the
 * beginning, with zeros, because a rate is known only of what was there before.
 */
import { type Counts, dropReasons, errorKinds } from '../../services/proxy/counters.ts';
import type { Protocol } from '../../values/port.ts';
import { formatRange, size } from '../../values/port-grammar.ts';
import type { HookStatus, NetworkTraffic, Traffic } from '../results.ts';
import { type PortTotals, portTotals } from './port-totals.ts';
import type { Family, Sample } from './prometheus-format.ts';

export interface Measured extends Traffic {
  readonly version: string;
  readonly hook: HookStatus;
  /** Containers whose names are answered for. */
  readonly nameServers: number;
  readonly process: ProcessUsage;
}

export interface ProcessUsage {
  /** Since 1970. */
  readonly startSeconds: number;
  readonly processorSeconds: number;
  readonly residentBytes: number;
  readonly openFiles: number;
  readonly openFileLimit: number;
}

type Field = keyof Counts;

const told: Readonly<Record<Protocol, { readonly errors: readonly Field[]; readonly drops: readonly Field[] }>> = {
  tcp: { errors: errorKinds, drops: ['turnedAway', 'overflowed'] },
  sctp: { errors: errorKinds, drops: ['turnedAway', 'overflowed'] },
  udp: { errors: ['refused', 'unreachable'], drops: dropReasons },
};

export function families(measured: Measured): readonly Family[] {
  const ports = portTotals(measured);
  return [
    ...ofItself(measured, ports),
    ...ofPorts(ports),
    ...ofNetworks(measured.networks),
    ...ofProcess(measured.process),
  ];
}

function ofItself({ version, hook, nameServers }: Measured, ports: readonly PortTotals[]): readonly Family[] {
  const published = ports.reduce((sum, { hostPort, containerPort }) => sum + size(hostPort ?? containerPort), 0);
  const led = hook.state === 'on' ? hook.ports : 0;
  const labels = { version, node: process.versions.node };
  return [
    gauge('gangway_build_info', 'The program that runs; always 1.', [{ labels, value: 1 }]),
    gauge('gangway_published_ports', 'Ports of containers that are published.', [{ value: published }]),
    gauge('gangway_name_servers', 'Containers that have a name server.', [{ value: nameServers }]),
    gauge('gangway_connect_hook_active', 'Are programs of the machine led past the relays (1) or not (0)?', [
      { value: hook.state === 'on' ? 1 : 0 },
    ]),
    gauge('gangway_connect_hook_ports', 'Addresses of ports that the connect hook leads to.', [{ value: led }]),
  ];
}

function ofPorts(ports: readonly PortTotals[]): readonly Family[] {
  const datagrams = ports.filter(({ protocol }) => protocol === 'udp');
  return [
    counter(
      'gangway_port_connections_total',
      'Connections, and over UDP flows, by the way they took: translated by the firewall, carried by a relay, or led by the connect hook.',
      each(ports, (port, labels) => [
        { labels: { ...labels, path: 'firewall' }, value: port.translated },
        { labels: { ...labels, path: 'relay' }, value: port.relayed.connections },
        { labels: { ...labels, path: 'hook' }, value: port.led },
      ]),
    ),
    gauge('gangway_port_open_connections', 'Connections and flows that a relay carries now.', relayed(ports, 'open')),
    counter('gangway_port_receive_bytes_total', 'Payload that relays took from clients.', relayed(ports, 'bytesIn')),
    counter(
      'gangway_port_transmit_bytes_total',
      'Payload that relays took from containers.',
      relayed(ports, 'bytesOut'),
    ),
    counter(
      'gangway_port_receive_datagrams_total',
      'Datagrams that relays took from clients.',
      relayed(datagrams, 'datagramsIn'),
    ),
    counter(
      'gangway_port_transmit_datagrams_total',
      'Datagrams that relays took from containers.',
      relayed(datagrams, 'datagramsOut'),
    ),
    counter('gangway_port_errors_total', 'What others did to relayed connections.', byKind(ports, 'errors', 'kind')),
    counter('gangway_port_drops_total', 'What a relay had no room for.', byKind(ports, 'drops', 'reason')),
  ];
}

function relayed(ports: readonly PortTotals[], field: Field): Iterable<Sample> {
  return each(ports, (port, labels) => [{ labels, value: port.relayed[field] }]);
}

function byKind(ports: readonly PortTotals[], what: 'errors' | 'drops', label: string): Iterable<Sample> {
  return each(ports, (port, labels) =>
    told[port.protocol][what].map((field) => ({
      labels: { ...labels, [label]: snakeCase(field) },
      value: port.relayed[field],
    })),
  );
}

function* each(
  ports: readonly PortTotals[],
  samples: (port: PortTotals, labels: Readonly<Record<string, string>>) => readonly Sample[],
): Generator<Sample> {
  for (const port of ports) yield* samples(port, labelsOf(port));
}

function labelsOf({ name, host, hostPort, containerPort, protocol }: PortTotals): Readonly<Record<string, string>> {
  const outside = hostPort === undefined ? {} : { host, port: formatRange(hostPort) };
  return { container: name, ...outside, container_port: formatRange(containerPort), protocol };
}

function ofNetworks(networks: readonly NetworkTraffic[]): readonly Family[] {
  const family = (name: string, help: string, of: (network: NetworkTraffic) => bigint) =>
    counter(
      `gangway_network_${name}_total`,
      help,
      networks.map((network) => ({ labels: { network: network.name }, value: of(network) })),
    );
  return [
    family('receive_bytes', 'Bytes that entered a network by this machine.', (network) => network.in.bytes),
    family('receive_packets', 'Packets that entered a network by this machine.', (network) => network.in.packets),
    family('transmit_bytes', 'Bytes that left a network by this machine.', (network) => network.out.bytes),
    family('transmit_packets', 'Packets that left a network by this machine.', (network) => network.out.packets),
  ];
}

/** By the names that all of Prometheus' own libraries have for them. */
function ofProcess(usage: ProcessUsage): readonly Family[] {
  const { startSeconds, processorSeconds, residentBytes, openFiles, openFileLimit } = usage;
  return [
    counter('process_cpu_seconds_total', 'Processor time of the switchboard.', [{ value: processorSeconds }]),
    gauge('process_resident_memory_bytes', 'Memory of the switchboard.', [{ value: residentBytes }]),
    gauge('process_open_fds', 'Files and sockets that it has open.', [{ value: openFiles }]),
    gauge('process_max_fds', 'How many it may have open.', [{ value: openFileLimit }]),
    gauge('process_start_time_seconds', 'When it was started, in seconds since 1970.', [{ value: startSeconds }]),
  ];
}

function counter(name: string, help: string, samples: Iterable<Sample>): Family {
  return { name, type: 'counter', help, samples };
}

function gauge(name: string, help: string, samples: Iterable<Sample>): Family {
  return { name, type: 'gauge', help, samples };
}

/** `timedOut` is `timed_out`. */
function snakeCase(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
