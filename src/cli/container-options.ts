/** Options of the commands of containers. Those of `create` and `run` are in alphabetical order. */
import type { Option, Options } from './grammar.ts';
import { detachKeys, listFormat, noTruncation, objectFormat, quiet, showAll } from './options.ts';

export const createOptions = {
  'add-host': { kind: 'list', type: 'name:address', help: 'Add a line to /etc/hosts (db:10.0.0.5, me:host-gateway)' },
  'blkio-weight': { kind: 'value', type: 'number', help: 'Block I/O weight relative to other containers, 10 to 1000' },
  'cap-add': { kind: 'list', type: 'capability', help: 'Add a Linux capability (NET_ADMIN, ALL)' },
  'cap-drop': { kind: 'list', type: 'capability', help: 'Drop a Linux capability' },
  'cpu-shares': { kind: 'value', short: 'c', type: 'number', help: 'CPU shares (relative weight, default 1024)' },
  cpus: { kind: 'value', type: 'decimal', help: 'Number of CPUs (1.5)' },
  'device-read-bps': { kind: 'list', type: 'device:rate', help: 'Limit the read rate from a device (/dev/sda:1mb)' },
  'device-write-bps': { kind: 'list', type: 'device:rate', help: 'Limit the write rate to a device (/dev/sda:1mb)' },
  dns: { kind: 'list', type: 'address', help: 'Set a DNS server' },
  'dns-option': { kind: 'list', alias: 'dns-opt', type: 'option', help: 'Set a DNS option (ndots:2)' },
  'dns-search': { kind: 'list', type: 'domain', help: 'Set a DNS search domain (. for none)' },
  domainname: { kind: 'value', type: 'domain', help: 'Container NIS domain name' },
  env: { kind: 'list', short: 'e', type: 'name=value', help: 'Set an environment variable (-e TERM passes yours on)' },
  expose: { kind: 'list', type: 'port', help: 'Expose a port or a range of ports (80, 53/udp, 8000-8010)' },
  hostname: { kind: 'value', short: 'h', type: 'name', help: 'Container host name' },
  init: { kind: 'flag', help: 'Run an init in the container that forwards signals and reaps processes' },
  ip: { kind: 'value', type: 'address', help: 'IPv4 address in the first network' },
  ip6: { kind: 'value', type: 'address', help: 'IPv6 address in the first network' },
  interactive: { kind: 'flag', short: 'i', help: 'Keep stdin open' },
  isolation: { kind: 'value', type: 'kind', help: 'full (six namespaces, default) or network (network namespace)' },
  link: { kind: 'list', type: 'container[:alias]', help: 'Add a link to another container' },
  memory: { kind: 'value', short: 'm', type: 'bytes', help: 'Memory limit (64m)' },
  name: { kind: 'value', type: 'name', help: 'Assign a name to the container' },
  'link-local-ip': { kind: 'list', type: 'address', help: 'Add a link-local address' },
  'mac-address': { kind: 'value', type: 'mac', help: 'MAC address in the first network' },
  network: { kind: 'list', alias: 'net', type: 'network', help: 'Connect to a network, or none, host, container:NAME' },
  'network-alias': { kind: 'list', alias: 'net-alias', type: 'name', help: 'Add an alias in the first network' },
  'pids-limit': { kind: 'value', type: 'number', help: 'Maximum number of processes and threads' },
  'proxy-protocol': { kind: 'list', type: 'port', help: 'Send a PROXY protocol header to this container port' },
  publish: {
    kind: 'list',
    short: 'p',
    type: 'port',
    help: 'Publish a port to the host (8080:80, 127.0.0.1:53:53/udp)',
  },
  'publish-all': { kind: 'flag', short: 'P', help: 'Publish all exposed ports to random ports' },
  'read-only': { kind: 'flag', help: "Mount the container's root file system read-only" },
  restart: { kind: 'value', type: 'policy', help: 'Restart policy: no, on-failure[:N], always, unless-stopped' },
  rm: { kind: 'flag', help: 'Remove the container when it exits' },
  rootfs: { kind: 'value', type: 'path', help: "Root file system, directory or tar archive (default: the host's)" },
  sysctl: { kind: 'list', type: 'key=value', help: 'Set a sysctl of the container (net.ipv4.ip_forward=1)' },
  'transparent-source': { kind: 'list', type: 'port', help: 'Preserve the client address on this container port' },
  tty: { kind: 'flag', short: 't', help: 'Allocate a pseudo-terminal' },
  user: { kind: 'value', short: 'u', type: 'name[:group]', help: 'User name or UID' },
  userns: { kind: 'value', type: 'kind', help: 'host (default), or private: container root has no host privileges' },
  volume: { kind: 'list', short: 'v', type: 'source:target[:ro]', help: 'Bind mount a host path' },
  workdir: { kind: 'value', short: 'w', type: 'path', help: 'Working directory in the container' },
} as const satisfies Options;

export const runOptions = {
  ...createOptions,
  detach: { kind: 'flag', short: 'd', help: 'Run the container in the background and print its ID' },
  'detach-keys': detachKeys,
} as const satisfies Options;

const timeout = {
  kind: 'value',
  short: 't',
  alias: 'time',
  type: 'seconds',
  help: 'Seconds to wait before killing the container (default 10, -1: no limit)',
} as const satisfies Option;

export const startOptions = {
  attach: { kind: 'flag', short: 'a', help: 'Attach stdout and stderr, and forward signals' },
  'detach-keys': detachKeys,
  interactive: { kind: 'flag', short: 'i', help: "Attach the container's stdin" },
} as const satisfies Options;

export const psOptions = {
  all: showAll,
  filter: { kind: 'list', short: 'f', type: 'key=value', help: 'Filter by id, name, network or status' },
  format: listFormat('{{.Names}}', '{{.ID}}\\t{{.Names}}'),
  'no-trunc': noTruncation,
  quiet,
} as const satisfies Options;

export const execOptions = {
  detach: { kind: 'flag', short: 'd', help: 'Run the command in the background' },
  env: createOptions.env,
  interactive: createOptions.interactive,
  privileged: { kind: 'flag', help: 'Give all capabilities to the command' },
  tty: createOptions.tty,
  user: createOptions.user,
  workdir: createOptions.workdir,
} as const satisfies Options;

export const attachOptions = {
  'detach-keys': detachKeys,
  'no-stdin': { kind: 'flag', help: 'Do not attach stdin' },
} as const satisfies Options;

export const logsOptions = {
  follow: { kind: 'flag', short: 'f', help: 'Follow log output' },
  since: { kind: 'value', type: 'time', help: 'Show logs since a time (2026-01-02T13:23:37Z, or 42m ago)' },
  tail: { kind: 'value', short: 'n', type: 'lines', help: 'Number of lines to show from the end (default all)' },
  timestamps: { kind: 'flag', short: 't', help: 'Show timestamps' },
  until: { kind: 'value', type: 'time', help: 'Show logs before a time (2026-01-02T13:23:37Z, or 42m ago)' },
} as const satisfies Options;

export const stopOptions = {
  signal: { kind: 'value', short: 's', type: 'name', help: 'Signal to send (default TERM)' },
  timeout,
} as const satisfies Options;

export const restartOptions = { timeout } as const satisfies Options;

export const killOptions = {
  signal: { kind: 'value', short: 's', type: 'name', help: 'Signal to send (default KILL)' },
} as const satisfies Options;

export const removeOptions = {
  force: { kind: 'flag', short: 'f', help: 'Force the removal of a running container (uses SIGKILL)' },
} as const satisfies Options;

export const inspectOptions = {
  format: { ...objectFormat('{{.Name}}', '{{json .Config}}'), short: 'f' },
} as const satisfies Options;

export const portOptions = {
  format: listFormat('{{.HostPort}}', '{{.HostIp}}\\t{{.HostPort}}'),
} as const satisfies Options;

export const unpublishOptions = {
  publish: { kind: 'list', short: 'p', type: 'port', help: 'Same as a PORT argument' },
} as const satisfies Options;

export const publishOptions = {
  'proxy-protocol': createOptions['proxy-protocol'],
  'transparent-source': createOptions['transparent-source'],
  ...unpublishOptions,
} as const satisfies Options;

export const statsOptions = {
  all: showAll,
  format: listFormat('{{.Name}}', '{{.ID}}\\t{{.Name}}'),
  'no-stream': { kind: 'flag', help: 'Print the first result only' },
  'no-trunc': noTruncation,
  ports: { kind: 'flag', help: 'Show traffic and error counters per published port' },
} as const satisfies Options;
