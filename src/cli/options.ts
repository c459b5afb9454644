/** The options of every command but `run` and `create`. */
import type { Option, Options } from './grammar.ts';
import { createOptions, detachKeys } from './run-options.ts';

/** Of commands that print lines. The examples are for fields that its lines have. */
const listFormat = (one: string, table: string) =>
  ({
    kind: 'value',
    type: 'string',
    help: `json: one object a line; or a Go template: '${one}', 'table ${table}'`,
  }) as const satisfies Option;
/** Of commands that print objects. */
const objectFormat = (one: string, other: string) =>
  ({ kind: 'value', type: 'string', help: `json, or a Go template: '${one}', '${other}'` }) as const satisfies Option;
const time = {
  kind: 'value',
  short: 't',
  alias: 'time',
  type: 'seconds',
  help: 'How long to wait before it is killed (10; -1: for ever)',
} as const satisfies Option;

const firewallBackend = {
  kind: 'value',
  type: 'name',
  help: 'nftables or iptables: all rules move over to it',
} as const satisfies Option;

export const explainOptions = { 'firewall-backend': firewallBackend } as const satisfies Options;

/** Before the command: `gangway --explain run …`. */
export const globalOptions = {
  color: { kind: 'value', type: 'when', help: 'auto, always or never' },
  'firewall-backend': firewallBackend,
  explain: { kind: 'flag', help: 'Print each step as a command while doing it, on stderr' },
  'runtime-directory': { kind: 'value', type: 'path', help: 'Where sockets and locks live (/run/gangway)' },
  'state-directory': { kind: 'value', type: 'path', help: 'Where records live (/var/lib/gangway)' },
  version: { kind: 'flag', short: 'v', help: 'Print the version' },
} as const satisfies Options;

export const startOptions = {
  attach: { kind: 'flag', short: 'a', help: 'Show its output, and end with its exit status' },
  'detach-keys': detachKeys,
  interactive: { kind: 'flag', short: 'i', help: 'Pass your input on' },
} as const satisfies Options;

export const listOptions = {
  all: { kind: 'flag', short: 'a', help: 'Ended containers too' },
  filter: { kind: 'list', short: 'f', type: 'key=value', help: 'Only those with this id, name, network or status' },
  format: listFormat('{{.Names}}', '{{.ID}}\\t{{.Names}}'),
  'no-trunc': { kind: 'flag', help: 'Whole ids and commands' },
  quiet: { kind: 'flag', short: 'q', help: 'Ids alone' },
} as const satisfies Options;

export const execOptions = {
  detach: { kind: 'flag', short: 'd', help: 'Run in the background' },
  env: { kind: 'list', short: 'e', type: 'name=value', help: 'Set an environment variable, or pass on your own' },
  interactive: { kind: 'flag', short: 'i', help: 'Pass your input on' },
  privileged: { kind: 'flag', help: 'With all capabilities' },
  tty: { kind: 'flag', short: 't', help: 'Give it a terminal' },
  user: { kind: 'value', short: 'u', type: 'name[:group]', help: 'User to run as, by name or number' },
  workdir: { kind: 'value', short: 'w', type: 'path', help: 'Directory to start in' },
} as const satisfies Options;

export const attachOptions = {
  'detach-keys': detachKeys,
  'no-stdin': { kind: 'flag', help: 'Watch only, pass no input on' },
} as const satisfies Options;

export const logsOptions = {
  follow: { kind: 'flag', short: 'f', help: 'Go on with what comes' },
  since: {
    kind: 'value',
    type: 'time',
    help: 'From this moment on: 2026-01-02T13:23:37Z, or 42m for the last 42 minutes',
  },
  tail: { kind: 'value', short: 'n', type: 'lines', help: 'Only the last lines (default all)' },
  timestamps: { kind: 'flag', short: 't', help: 'Begin each line with its time' },
  until: { kind: 'value', type: 'time', help: 'Up to this moment' },
} as const satisfies Options;

export const stopOptions = {
  signal: { kind: 'value', short: 's', type: 'name', help: 'Signal to send (default TERM)' },
  timeout: time,
} as const satisfies Options;

export const restartOptions = { timeout: time } as const satisfies Options;

export const killOptions = {
  signal: { kind: 'value', short: 's', type: 'name', help: 'Signal to send (default KILL)' },
} as const satisfies Options;

export const removeOptions = {
  force: { kind: 'flag', short: 'f', help: 'Kill it first if it runs' },
} as const satisfies Options;

export const inspectOptions = {
  format: { ...objectFormat('{{.Name}}', '{{json .Config}}'), short: 'f' },
} as const satisfies Options;

export const networkInspectOptions = {
  format: { ...objectFormat('{{.Name}}', '{{json .IPAM}}'), short: 'f' },
  verbose: { kind: 'flag', short: 'v', help: 'Accepted, and without effect: docker has it for swarm' },
} as const satisfies Options;

export const unpublishOptions = {
  publish: { kind: 'list', short: 'p', type: 'port', help: 'The same as a port without -p, as it is written for run' },
} as const satisfies Options;

export const publishOptions = {
  'proxy-protocol': createOptions['proxy-protocol'],
  'transparent-source': createOptions['transparent-source'],
  ...unpublishOptions,
} as const satisfies Options;

export const statsOptions = {
  all: { kind: 'flag', short: 'a', help: 'Ended containers too' },
  format: listFormat('{{.Name}}', '{{.ID}}\\t{{.Name}}'),
  'no-stream': { kind: 'flag', help: 'Once, instead of every second' },
  'no-trunc': { kind: 'flag', help: 'Whole ids' },
  ports: { kind: 'flag', help: 'Of each published port what was carried, and what went wrong' },
} as const satisfies Options;

export const networkListOptions = {
  filter: {
    kind: 'list',
    short: 'f',
    type: 'key=value',
    help: 'Only those with this driver, id, label, name, scope or type, or dangling',
  },
  format: listFormat('{{.Name}}', '{{.ID}}\\t{{.Name}}'),
  'no-trunc': { kind: 'flag', help: 'Whole ids' },
  quiet: { kind: 'flag', short: 'q', help: 'Ids alone' },
} as const satisfies Options;

const labName = { kind: 'value', type: 'name', help: 'Which lab (default lab)' } as const satisfies Option;

export const labNameOptions = { name: labName } as const satisfies Options;

export const labPlaceOptions = {
  in: { kind: 'value', type: 'place', help: 'host (default), or world, the outside' },
  name: labName,
} as const satisfies Options;

export const labListOptions = {
  format: listFormat('{{.Name}}', '{{.Name}}\\t{{.PID}}'),
} as const satisfies Options;

export const portOptions = {
  format: listFormat('{{.HostPort}}', '{{.HostIp}}\\t{{.HostPort}}'),
} as const satisfies Options;

export const rulesOptions = {
  format: listFormat('{{.Command}}', '{{.State}}\\t{{.Command}}'),
} as const satisfies Options;

export const garbageOptions = { format: listFormat('{{.What}}', '{{.What}}\\t{{.Why}}') } as const satisfies Options;

export const watchOptions = { format: objectFormat('{{.Kind}}', '{{.Kind}} {{.Change}}') } as const satisfies Options;

export const versionOptions = {
  format: objectFormat('{{.Node}}', '{{.Gangway}} {{.Kernel}}'),
} as const satisfies Options;

export const dnsQueryOptions = {
  format: objectFormat('{{.By}}', '{{json .Records}}'),
  from: { kind: 'value', type: 'container', help: 'The container that asks' },
  type: { kind: 'value', short: 't', type: 'type', help: 'A (default), AAAA, PTR, TXT, …' },
} as const satisfies Options;

export const reachOptions = {
  format: listFormat('{{.Reached}}', '{{.Address}}\\t{{.Reached}}'),
  mark: { kind: 'value', type: 'number', help: 'Ask for a packet that has this mark (0x1): see gangway.accept-fwmark' },
  probe: {
    kind: 'flag',
    help: 'Send real packets, too, and compare: the exit status is 2 where they meet something else',
  },
  protocol: {
    kind: 'value',
    type: 'name',
    help: 'tcp, udp, sctp or icmp; with a port tcp, to an address without one icmp',
  },
} as const satisfies Options;

export const eventsOptions = {
  filter: {
    kind: 'list',
    short: 'f',
    type: 'key=value',
    help: 'Only those of this type, this event, or about this container or network',
  },
  format: objectFormat('{{.Action}}', '{{json .Actor}}'),
  since: { kind: 'value', type: 'time', help: 'With what has happened since: 2026-01-02T13:23:37Z, or 42m' },
  until: { kind: 'value', type: 'time', help: 'End at this moment' },
} as const satisfies Options;

export const networkCreateOptions = {
  attachable: { kind: 'flag', help: 'Kept and shown, for docker’s sake' },
  'aux-address': {
    kind: 'list',
    type: 'name=address',
    help: 'An address of another machine on the wire: never given out',
  },
  'config-from': { kind: 'value', type: 'network', help: 'Not supported' },
  'config-only': { kind: 'flag', help: 'Not supported' },
  driver: { kind: 'value', short: 'd', type: 'driver', help: 'bridge (default), macvlan or ipvlan' },
  egress: {
    kind: 'list',
    type: 'allow|deny=whom',
    help: 'Whom its containers may speak to, or not: 10.0.0.0/8, 203.0.113.7:443, *.example.com',
  },
  gateway: { kind: 'list', type: 'address', help: 'The network’s own address in a subnet' },
  ingress: { kind: 'flag', help: 'Not supported' },
  internal: { kind: 'flag', help: 'No way out and no way in' },
  'ip-range': { kind: 'list', type: 'subnet', help: 'Give out addresses of this part of a subnet only' },
  'ipam-driver': { kind: 'value', type: 'driver', help: 'default is the only one' },
  'ipam-opt': { kind: 'list', type: 'key=value', help: 'Not supported: the default one has no options' },
  ipv4: { kind: 'flag', threefold: true, help: 'With IPv4 addresses (--ipv4=false: IPv6 alone)' },
  ipv6: { kind: 'flag', threefold: true, help: 'With IPv6 addresses' },
  label: { kind: 'list', type: 'key=value', help: 'A label' },
  opt: { kind: 'list', short: 'o', type: 'key=value', help: 'An option of the driver' },
  scope: { kind: 'value', type: 'scope', help: 'local is the only one' },
  subnet: { kind: 'list', type: 'subnet', help: 'Its addresses (10.1.0.0/24; 0.0.0.0/24: any of that size)' },
} as const satisfies Options;

export const networkConnectOptions = {
  alias: { kind: 'list', type: 'name', help: 'A further name in this network' },
  'driver-opt': { kind: 'list', type: 'key=value', help: 'An option of the connection' },
  'gw-priority': { kind: 'value', type: 'number', help: 'The highest one has the default route' },
  ip: { kind: 'value', type: 'address', help: 'Its IPv4 address' },
  ip6: { kind: 'value', type: 'address', help: 'Its IPv6 address' },
  link: { kind: 'list', type: 'container[:alias]', help: 'A name for another container, known to this one only' },
  'link-local-ip': { kind: 'list', type: 'address', help: 'One more address, a link-local one' },
  'mac-address': { kind: 'value', type: 'mac', help: 'The MAC address of the link' },
} as const satisfies Options;

export const networkDisconnectOptions = {
  force: { kind: 'flag', short: 'f', help: 'No error if it is not connected' },
} as const satisfies Options;

export const networkRemoveOptions = {
  force: { kind: 'flag', short: 'f', help: 'No error if there is no such network' },
} as const satisfies Options;

export const networkPruneOptions = {
  filter: {
    kind: 'list',
    type: 'key=value',
    help: 'Only those with this label, without it (label!=), or made before this time (until)',
  },
  force: { kind: 'flag', short: 'f', help: 'Do not ask' },
} as const satisfies Options;
