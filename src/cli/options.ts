/** Options of `gangway` itself, options that several commands share, and options of labs and diagnostic commands. */
import type { Option, Options } from './grammar.ts';

/** `--format` of a command that prints objects, with two example templates. */
export const objectFormat = (first: string, second: string) =>
  ({
    kind: 'value',
    type: 'string',
    help: `Format output: json, or a Go template: '${first}', '${second}'`,
  }) as const satisfies Option;

/** `--format` of a command that prints a list, with two example templates. */
export const listFormat = (fields: string, table: string) => objectFormat(fields, `table ${table}`);

export const noTruncation = { kind: 'flag', help: "Don't truncate output" } as const satisfies Option;
export const showAll = { kind: 'flag', short: 'a', help: 'Also show stopped containers' } as const satisfies Option;
export const quiet = { kind: 'flag', short: 'q', help: 'Only display IDs' } as const satisfies Option;
export const detachKeys = {
  kind: 'value',
  type: 'keys',
  help: 'Key sequence for detaching a container (default ctrl-p,ctrl-q)',
} as const satisfies Option;

const firewallBackend = {
  kind: 'value',
  type: 'name',
  help: 'nftables or iptables; moves all rules to it',
} as const satisfies Option;

export const explainOptions = { 'firewall-backend': firewallBackend } as const satisfies Options;

/** Options before the command: `gangway --explain run …`. */
export const globalOptions = {
  color: { kind: 'value', type: 'when', help: 'auto, always or never' },
  'firewall-backend': firewallBackend,
  explain: { kind: 'flag', help: 'Print each step to stderr as a shell command while it is done' },
  'runtime-directory': { kind: 'value', type: 'path', help: 'Directory of sockets and locks (default /run/gangway)' },
  'state-directory': { kind: 'value', type: 'path', help: 'Directory of records (default /var/lib/gangway)' },
  version: { kind: 'flag', short: 'v', help: 'Print version information and quit' },
} as const satisfies Options;

const labName = { kind: 'value', type: 'name', help: 'Name of the lab (default lab)' } as const satisfies Option;

export const labNameOptions = { name: labName } as const satisfies Options;

export const labPlaceOptions = {
  in: { kind: 'value', type: 'place', help: 'host (default), or world: the external network' },
  name: labName,
} as const satisfies Options;

export const labListOptions = { format: listFormat('{{.Name}}', '{{.Name}}\\t{{.PID}}') } as const satisfies Options;

export const reachOptions = {
  format: listFormat('{{.Reached}}', '{{.Address}}\\t{{.Reached}}'),
  mark: { kind: 'value', type: 'number', help: 'Mark of the packet (0x1): see gangway.accept-fwmark' },
  probe: { kind: 'flag', help: 'Also send real packets; exit status 2 if the result differs from the prediction' },
  protocol: { kind: 'value', type: 'name', help: 'tcp, udp, sctp or icmp (default: tcp with a port, else icmp)' },
} as const satisfies Options;

export const rulesOptions = {
  format: listFormat('{{.Command}}', '{{.State}}\\t{{.Command}}'),
} as const satisfies Options;

export const eventsOptions = {
  filter: { kind: 'list', short: 'f', type: 'key=value', help: 'Filter by type, event, container or network' },
  format: objectFormat('{{.Action}}', '{{json .Actor}}'),
  since: { kind: 'value', type: 'time', help: 'Show events since a time (2026-01-02T13:23:37Z, or 42m ago)' },
  until: { kind: 'value', type: 'time', help: 'Show events until a time, then exit' },
} as const satisfies Options;

export const watchOptions = { format: objectFormat('{{.Kind}}', '{{.Kind}} {{.Change}}') } as const satisfies Options;

export const garbageOptions = { format: listFormat('{{.What}}', '{{.What}}\\t{{.Why}}') } as const satisfies Options;

export const versionOptions = {
  format: objectFormat('{{.Node}}', '{{.Gangway}} {{.Kernel}}'),
} as const satisfies Options;
