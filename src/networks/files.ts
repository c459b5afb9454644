/**
 * Chapter 5: hosts and resolv.conf.
 *
 * Every C library reads a program's name and DNS servers from /etc/hostname, /etc/hosts and /etc/resolv.conf. As in
 * Docker, these files are written outside and mounted over the container's own.
 *
 * /etc/hosts has localhost and the container itself. /etc/resolv.conf is the host's, without servers that a container
 * can't reach, such as 127.0.0.53. If none is left, Docker writes Google's 8.8.8.8; gangway leaves the list empty and
 * says so, because the choice of a server is the user's.
 */
import {
  type Address,
  type Family,
  formatAddress,
  isAddress,
  isLoopback,
  isUnspecified,
  parseAddress,
} from '../values/address.ts';
import type { ResolverOverrides, ResolverSettings } from '../values/resolver.ts';

/** A line of the user: `--add-host db:10.0.0.1`. */
export interface HostEntry {
  readonly name: string;
  readonly address: Address;
}

const ipv6Lines = [
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
];

/** The content of /etc/hosts: standard lines, the user's, and `172.17.0.2<TAB>web`. */
export function hostsFile(
  names: string,
  addresses: readonly Address[],
  { added = [], ipv6 = true }: { readonly added?: readonly HostEntry[]; readonly ipv6?: boolean } = {},
): string {
  return [
    '127.0.0.1\tlocalhost',
    ...(ipv6 ? ipv6Lines : []),
    ...added.map(({ name, address }) => `${formatAddress(address)}\t${name}`),
    ...addresses.map((address) => ownLine(names, address)),
    '',
  ].join('\n');
}

/** Appends lines for further addresses; all other lines stay. */
export function addHosts(file: string, names: string, addresses: readonly Address[]): string {
  const end = file === '' || file.endsWith('\n') ? '' : '\n';
  return `${file}${end}${addresses.map((address) => `${ownLine(names, address)}\n`).join('')}`;
}

/** Removes the lines of these addresses; all other lines stay. */
export function removeHosts(file: string, names: string, addresses: readonly Address[]): string {
  const lines = new Set(addresses.map((address) => ownLine(names, address)));
  return file
    .split('\n')
    .filter((line) => !lines.has(line))
    .join('\n');
}

function ownLine(names: string, address: Address): string {
  return `${formatAddress(address)}\t${names}`;
}

/**
 * The host's resolv.conf for a container with addresses of these families; unchanged for one in the host's namespace.
 * `--dns`, `--dns-search` and `--dns-option` replace the lines of their kind.
 *
 * @see resolv.conf(5)
 */
export function resolvConf(
  machine: string,
  stack: 'host' | readonly Family[],
  overrides: ResolverOverrides = {},
): string {
  const said = overrideLines(overrides);
  const lines = machine.split('\n').filter((line) => !said.some(({ keyword }) => keyword.test(line)));
  const own = said.flatMap(({ own: written }) => written);
  if (stack === 'host') return [...own, ...lines].join('\n');
  const kept = [
    ...own,
    ...lines.filter((line) => line.trim() !== '' && !/^\s*[#;]/.test(line) && !isOutOfReach(line, stack)),
  ];
  const empty = kept.some((line) => line.startsWith('nameserver'))
    ? []
    : ['# No name server of the host can be reached from a container.'];
  return ['# The host’s /etc/resolv.conf, without servers on its loopback.', ...empty, ...kept, ''].join('\n');
}

/**
 * resolv.conf of a container in user-defined networks, with its own DNS server.
 *
 * `ndots:0`, unless set otherwise, makes the resolver try a name without dots as it is, before the search domains. The
 * comments list the upstream servers.
 */
export function embeddedDnsResolvConf(settings: ResolverSettings): string {
  const { search, options, ndots, upstreams, overridden } = settings;
  const servers = upstreams.map(({ address, place }) =>
    place === 'host' ? `host(${formatAddress(address)})` : formatAddress(address),
  );
  return [
    '# Names are answered by gangway, at 127.0.0.11.',
    'nameserver 127.0.0.11',
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    `options ${[...options, `ndots:${ndots.value}`].join(' ')}`,
    '',
    "# Based on host file: '/etc/resolv.conf' (internal resolver)",
    `# ExtServers: [${servers.join(' ')}]`,
    `# Overrides: [${overridden.join(' ')}]`,
    `# Option ndots from: ${ndots.from}`,
    '',
  ].join('\n');
}

/** The lines of the user's options, and the pattern of the lines that they replace. */
function overrideLines({ servers = [], search = [], options = [] }: ResolverOverrides) {
  const domains = search.filter((domain) => domain !== '.');
  return [
    ...(servers.length === 0
      ? []
      : [{ keyword: /^nameserver\s/, own: servers.map((address) => `nameserver ${formatAddress(address)}`) }]),
    ...(search.length === 0
      ? []
      : [{ keyword: /^(search|domain)\s/, own: domains.length === 0 ? [] : [`search ${domains.join(' ')}`] }]),
    ...(options.length === 0 ? [] : [{ keyword: /^options\s/, own: [`options ${options.join(' ')}`] }]),
  ];
}

function isOutOfReach(line: string, families: readonly Family[]): boolean {
  const [, server] = /^\s*nameserver\s+(\S+)/.exec(line) ?? [];
  if (server === undefined) return false;
  if (!isAddress(server)) return true;
  const address = parseAddress(server);
  // glibc treats 0.0.0.0 as the host itself.
  return isLoopback(address) || isUnspecified(address) || !families.includes(address.family);
}
