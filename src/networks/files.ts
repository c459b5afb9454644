/**
 * Chapter 6: names in files.
 *
 * How does a program in a container know who it is, and whom to ask? From three files that every C library reads:
 * /etc/hostname, /etc/hosts and /etc/resolv.conf. They are written beside the container and bound over those of its
 * tree, as Docker does.
 *
 * /etc/hosts knows localhost and the container itself. /etc/resolv.conf is the machine's, without the name servers
 * that a container cannot reach: 127.0.0.53 is in there a different loopback. If nothing is left, Docker writes
 * Google's 8.8.8.8; gangway leaves the list empty and says so, since which stranger learns your names is not ours to
 * choose.
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

/** A line that a person adds: `--add-host db:10.0.0.1`. */
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

/** `172.17.0.2<TAB>web`, below the six standard lines and what the person adds. */
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

/** The file with lines for further addresses at its end; whatever else stands in it stays. */
export function addHosts(file: string, names: string, addresses: readonly Address[]): string {
  const end = file === '' || file.endsWith('\n') ? '' : '\n';
  return `${file}${end}${addresses.map((address) => `${ownLine(names, address)}\n`).join('')}`;
}

/** The file without the lines of these addresses; whatever else stands in it stays. */
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
 * The machine's resolv.conf as a container with addresses of these families can use it; as it stands for one on the
 * machine's own stack. What a person
 * said (`--dns`, `--dns-search`, `--dns-option`) takes the place of the lines of its kind, and is believed.
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
    : ['# no name server of the machine can be reached from a container'];
  return ['# The machine’s /etc/resolv.conf, without servers on its loopback.', ...empty, ...kept, ''].join('\n');
}

/**
 * resolv.conf of a container in user-defined networks: its own name server, which knows the others by name.
 *
 * The name server has to be asked first for what it knows, so a name without dots is tried as it stands (`ndots:0`), before
 * the search domains, unless somebody said otherwise. The comments say for people whom it asks in its turn.
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

/** The lines that a person's words make, and which lines of a file they stand for. */
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
  // glibc takes 0.0.0.0 for the machine itself.
  return isLoopback(address) || isUnspecified(address) || !families.includes(address.family);
}
