/** The options of `run` and `create`, in the order of their names. */
import type { Option, Options } from './grammar.ts';

export const detachKeys = {
  kind: 'value',
  type: 'keys',
  help: 'Keys that leave the container running (ctrl-p,ctrl-q)',
} as const satisfies Option;

export const createOptions = {
  'add-host': {
    kind: 'list',
    type: 'name:address',
    help: 'A further line of /etc/hosts (db:10.0.0.5, me:host-gateway)',
  },
  'blkio-weight': { kind: 'value', type: 'number', help: 'Share of the disk beside others, 10 to 1000' },
  'cap-add': { kind: 'list', type: 'capability', help: 'Give a Linux capability (NET_ADMIN, ALL)' },
  'cap-drop': { kind: 'list', type: 'capability', help: 'Take a Linux capability away' },
  'cpu-shares': {
    kind: 'value',
    short: 'c',
    type: 'number',
    help: 'Share of the processors beside others, 1024 is usual',
  },
  cpus: { kind: 'value', type: 'decimal', help: 'How many processors it may use (1.5)' },
  'device-read-bps': { kind: 'list', type: 'device:rate', help: 'Limit reading from a device (/dev/sda:1mb)' },
  'device-write-bps': { kind: 'list', type: 'device:rate', help: 'Limit writing to a device (/dev/sda:1mb)' },
  dns: { kind: 'list', type: 'address', help: 'Name server to ask, from the container, in place of the machine’s' },
  'dns-option': { kind: 'list', alias: 'dns-opt', type: 'option', help: 'An option for resolv.conf (ndots:2)' },
  'dns-search': { kind: 'list', type: 'domain', help: 'Domain in which names are looked for (. is none)' },
  domainname: { kind: 'value', type: 'domain', help: 'The domain of its host name' },
  env: {
    kind: 'list',
    short: 'e',
    type: 'name=value',
    help: 'Set an environment variable, or pass on your own (-e TERM)',
  },
  expose: { kind: 'list', type: 'port', help: 'A port that -P publishes (80, 53/udp, 8000-8010)' },
  hostname: { kind: 'value', short: 'h', type: 'name', help: "The container's host name" },
  init: { kind: 'flag', help: 'Run an init inside that reaps processes and forwards signals' },
  ip: { kind: 'value', type: 'address', help: 'Its IPv4 address in its first network' },
  ip6: { kind: 'value', type: 'address', help: 'Its IPv6 address in its first network' },
  interactive: { kind: 'flag', short: 'i', help: 'Keep the standard input open' },
  isolation: {
    kind: 'value',
    type: 'kind',
    help: 'full (six namespaces, default) or network (a network namespace alone)',
  },
  link: { kind: 'list', type: 'container[:alias]', help: 'A name for another container, known to this one only' },
  memory: { kind: 'value', short: 'm', type: 'bytes', help: 'Memory limit (64m)' },
  name: { kind: 'value', type: 'name', help: 'Name the container' },
  'link-local-ip': { kind: 'list', type: 'address', help: 'One more address, a link-local one' },
  'mac-address': { kind: 'value', type: 'mac', help: 'The MAC address of its first link' },
  network: {
    kind: 'list',
    alias: 'net',
    type: 'network',
    help: 'none, host, container:NAME, or networks (NET, name=NET,ip=…)',
  },
  'network-alias': { kind: 'list', alias: 'net-alias', type: 'name', help: 'A further name in its first network' },
  'pids-limit': { kind: 'value', type: 'number', help: 'How many processes and threads it may have' },
  'proxy-protocol': {
    kind: 'list',
    type: 'port',
    help: 'Tell a published port of the container (80) who asks: PROXY protocol',
  },
  publish: {
    kind: 'list',
    short: 'p',
    type: 'port',
    help: "Publish a container's port on the host (8080:80, 127.0.0.1:5353:53/udp)",
  },
  'publish-all': { kind: 'flag', short: 'P', help: 'Publish every exposed port on a free port of the host' },
  'read-only': { kind: 'flag', help: 'No writing to the root file system' },
  restart: { kind: 'value', type: 'policy', help: 'After it has ended: no, on-failure[:N], always, unless-stopped' },
  rm: { kind: 'flag', help: 'Remove the container when it has ended' },
  rootfs: {
    kind: 'value',
    type: 'path',
    help: "Directory or tar archive to be its root (default: a copy of this machine's)",
  },
  sysctl: {
    kind: 'list',
    type: 'key=value',
    help: 'A kernel setting of its own (net.ipv4.ip_forward=1, kernel.shmmax=…)',
  },
  'transparent-source': {
    kind: 'list',
    type: 'port',
    help: 'Let a published port of the container (80) see who asks as the source',
  },
  tty: { kind: 'flag', short: 't', help: 'Give it a terminal' },
  user: { kind: 'value', short: 'u', type: 'name[:group]', help: 'User to run as, by name or number' },
  userns: { kind: 'value', type: 'kind', help: 'host (default) or private: root inside is nobody outside' },
  volume: { kind: 'list', short: 'v', type: 'source:target[:ro]', help: 'Show a path of the host inside' },
  workdir: { kind: 'value', short: 'w', type: 'path', help: 'Directory to start in' },
} as const satisfies Options;

export const runOptions = {
  ...createOptions,
  detach: { kind: 'flag', short: 'd', help: 'Run in the background and print the id' },
  'detach-keys': detachKeys,
} as const satisfies Options;
