/** Options of the commands of networks and of DNS. */
import { createOptions } from './container-options.ts';
import type { Options } from './grammar.ts';
import { listFormat, noTruncation, objectFormat, quiet } from './options.ts';

export const networkListOptions = {
  filter: {
    kind: 'list',
    short: 'f',
    type: 'key=value',
    help: 'Filter by dangling, driver, id, label, name, scope or type',
  },
  format: listFormat('{{.Name}}', '{{.ID}}\\t{{.Name}}'),
  'no-trunc': noTruncation,
  quiet,
} as const satisfies Options;

export const networkInspectOptions = {
  format: { ...objectFormat('{{.Name}}', '{{json .IPAM}}'), short: 'f' },
  verbose: { kind: 'flag', short: 'v', help: 'No effect (Docker: for swarm networks)' },
} as const satisfies Options;

export const networkCreateOptions = {
  attachable: { kind: 'flag', help: 'Recorded and shown by inspect, no other effect' },
  'aux-address': { kind: 'list', type: 'name=address', help: 'Reserve an address: gangway never assigns it' },
  'config-from': { kind: 'value', type: 'network', help: 'Not supported' },
  'config-only': { kind: 'flag', help: 'Not supported' },
  driver: { kind: 'value', short: 'd', type: 'driver', help: 'Driver: bridge (default), macvlan or ipvlan' },
  egress: { kind: 'list', type: 'allow|deny=destination', help: 'Allow or deny traffic to 10.0.0.0/8, *.example.com' },
  gateway: { kind: 'list', type: 'address', help: 'IPv4 or IPv6 gateway of a subnet' },
  ingress: { kind: 'flag', help: 'Not supported' },
  internal: { kind: 'flag', help: 'Restrict external access to the network' },
  'ip-range': { kind: 'list', type: 'subnet', help: 'Assign container addresses from a sub-range' },
  'ipam-driver': { kind: 'value', type: 'driver', help: 'IP address management driver: only default' },
  'ipam-opt': { kind: 'list', type: 'key=value', help: 'Not supported' },
  ipv4: { kind: 'flag', tristate: true, help: 'Enable or disable IPv4 addresses (default true)' },
  ipv6: { kind: 'flag', tristate: true, help: 'Enable or disable IPv6 addresses' },
  label: { kind: 'list', type: 'key=value', help: 'Set metadata on the network' },
  opt: { kind: 'list', short: 'o', type: 'key=value', help: 'Set a driver-specific option' },
  scope: { kind: 'value', type: 'scope', help: 'Scope of the network: only local' },
  subnet: { kind: 'list', type: 'subnet', help: 'Subnet in CIDR format (10.1.0.0/24; 0.0.0.0/24: any free /24)' },
} as const satisfies Options;

export const networkConnectOptions = {
  alias: { kind: 'list', type: 'name', help: 'Add a network-scoped alias for the container' },
  'driver-opt': { kind: 'list', type: 'key=value', help: 'Set a driver option of the endpoint' },
  'gw-priority': { kind: 'value', type: 'number', help: 'The highest priority provides the default gateway' },
  ip: { kind: 'value', type: 'address', help: 'IPv4 address' },
  ip6: { kind: 'value', type: 'address', help: 'IPv6 address' },
  link: createOptions.link,
  'link-local-ip': createOptions['link-local-ip'],
  'mac-address': { kind: 'value', type: 'mac', help: 'MAC address' },
} as const satisfies Options;

export const networkDisconnectOptions = {
  force: { kind: 'flag', short: 'f', help: 'Do not error if the container is not connected' },
} as const satisfies Options;

export const networkRemoveOptions = {
  force: { kind: 'flag', short: 'f', help: 'Do not error if the network does not exist' },
} as const satisfies Options;

export const networkPruneOptions = {
  filter: { kind: 'list', type: 'key=value', help: 'Filter by label, label! or until (until=24h)' },
  force: { kind: 'flag', short: 'f', help: 'Do not prompt for confirmation' },
} as const satisfies Options;

export const dnsQueryOptions = {
  format: objectFormat('{{.By}}', '{{json .Records}}'),
  from: { kind: 'value', type: 'container', help: 'Container that sends the query (required)' },
  type: { kind: 'value', short: 't', type: 'type', help: 'A (default), AAAA, PTR, TXT, …' },
} as const satisfies Options;
