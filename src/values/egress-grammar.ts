/**
 * The grammar of `--egress`.
 *
 *     --egress allow=ENTRY,…  --egress deny=ENTRY,…
 *
 *     ENTRY   WHOM[:PORT[-END][/tcp|udp|sctp]]
 *     WHOM    10.0.0.0/8, 203.0.113.7, [2001:db8::/32], example.com, *.example.com
 *
 * An IPv6 address that has no port behind it needs no brackets. `formatEgress` is the inverse.
 */
import {
  contains,
  formatAddress,
  formatPrefix,
  hostPrefix,
  isAddress,
  network,
  type Prefix,
  parseAddress,
  parsePrefix,
  width,
} from './address.ts';
import type { EgressEntry, EgressPolicy, NameEntry, PrefixEntry } from './egress.ts';
import { GangwayError } from './errors.ts';
import { isProtocol } from './port.ts';
import { formatRange, parseRange } from './port-grammar.ts';

/**
 * Reads every `--egress` of a command.
 *
 * @throws GangwayError invalid-option, invalid-port
 */
export function parseEgress(texts: readonly string[]): EgressPolicy {
  const lists: Record<'allow' | 'deny', EgressEntry[]> = { allow: [], deny: [] };
  for (const text of texts) {
    let list: 'allow' | 'deny' | undefined;
    for (const item of text.split(',')) {
      const { word, entry = item } = /^(?<word>allow|deny)=(?<entry>.*)$/s.exec(item)?.groups ?? {};
      list = (word as typeof list) ?? list;
      if (list === undefined) {
        const whom = text.replace(/^\w*=/, '');
        throw invalidEgress(text, 'does not say whether it allows or denies', `write allow=${whom} or deny=${whom}`);
      }
      lists[list].push(parseEntry(entry, list));
    }
  }
  return lists;
}

/** The texts that `parseEgress` reads as this policy. */
export function formatEgress(policy: EgressPolicy): readonly string[] {
  return (['allow', 'deny'] as const)
    .filter((list) => policy[list].length > 0)
    .map((list) => `${list}=${policy[list].map(formatEntry).join(',')}`);
}

/** `10.0.0.0/8`, `203.0.113.7:443/tcp`, `[2001:db8::/32]:53/udp`, `*.example.com`. */
export function formatEntry(entry: EgressEntry): string {
  const { ports, protocol } = entry;
  if (ports === undefined) return formatWhom(entry);
  const isSix = entry.kind === 'prefix' && entry.prefix.address.family === 6;
  const whom = isSix ? `[${formatWhom(entry)}]` : formatWhom(entry);
  return `${whom}:${formatRange(ports)}${protocol === undefined ? '' : `/${protocol}`}`;
}

function formatWhom(entry: EgressEntry): string {
  if (entry.kind === 'name') return `${entry.subdomains ? '*.' : ''}${entry.name}`;
  const { address, length } = entry.prefix;
  return length === width(address.family) ? formatAddress(address) : formatPrefix(entry.prefix);
}

function parseEntry(text: string, list: 'allow' | 'deny'): EgressEntry {
  const { whom, at } = split(text);
  const ports = at === undefined ? {} : parsePorts(text, at);
  const prefix = parseWhom(text, whom);
  if (prefix !== undefined) return { kind: 'prefix', prefix, ...ports };
  if (list === 'deny' && at !== undefined) {
    throw invalidEgress(text, 'denies a name at some ports: a name is denied by not being found', `write deny=${whom}`);
  }
  return { ...parseName(text, whom), ...ports };
}

/** What stands before the port, and the port with its protocol. */
function split(text: string): { readonly whom: string; readonly at?: string } {
  const {
    six,
    end,
    plain,
    at = end,
  } = /^(?:\[(?<six>[^\]]*:[^\]]*)\](?::(?<end>.*))?|(?<plain>[^:]*):(?<at>[^:]*))$/s.exec(text)?.groups ?? {};
  return { whom: six ?? plain ?? text, ...(at === undefined ? {} : { at }) };
}

function parsePorts(text: string, at: string): Pick<EgressEntry, 'ports' | 'protocol'> {
  const [range = '', protocol, more] = at.split('/');
  if (more !== undefined || (protocol !== undefined && !isProtocol(protocol))) {
    throw invalidEgress(
      text,
      `has no protocol ${JSON.stringify(at.slice(range.length + 1))}`,
      'ports are tcp, udp or sctp',
    );
  }
  return { ports: parseRange(range, 'port'), ...(protocol === undefined ? {} : { protocol }) };
}

/** @returns undefined for what is to be a name */
function parseWhom(text: string, whom: string): PrefixEntry['prefix'] | undefined {
  if (isAddress(whom)) {
    return unmapped(text, hostPrefix(parseAddress(whom)));
  }
  if (whom.includes('/')) return unmapped(text, parseSubnet(text, whom));
  if (!whom.includes(':')) return undefined;
  throw invalidEgress(text, 'is no address', 'an IPv6 address with a port goes into brackets: [2001:db8::1]:443');
}

/** How sockets write IPv4 addresses in IPv6. */
const mapped = parsePrefix('::ffff:0.0.0.0/96');

/** What stands for IPv4 addresses: no packet has it. */
function unmapped(text: string, prefix: Prefix): Prefix {
  const { address, length } = prefix;
  if (length < mapped.length || !contains(mapped, address)) return prefix;
  const meant = {
    address: { family: 4, value: address.value - mapped.address.value },
    length: length - mapped.length,
  } as const;
  const written = meant.length === width(4) ? formatAddress(meant.address) : formatPrefix(meant);
  throw invalidEgress(text, 'is what sockets call IPv4, which no packet has for an address', `write ${written}`);
}

function parseSubnet(text: string, whom: string): Prefix {
  const [, address = '', length] = /^([^/]*)\/(\d{1,3})$/.exec(whom) ?? [];
  if (!isAddress(address) || Number(length) > width(parseAddress(address).family)) {
    throw invalidEgress(text, 'is no subnet', 'write 10.0.0.0/8, and a port as 10.0.0.0/8:443 or 10.0.0.0/8:443/tcp');
  }
  const prefix = parsePrefix(whom);
  const whole = network(prefix);
  if (whole.address.value === prefix.address.value) return prefix;
  throw invalidEgress(text, 'has host bits set', `write ${formatPrefix(whole)}, or the address alone`);
}

/** Letters, digits, hyphens, and underscores, which services begin with. The last part has a letter: else it is half an address. */
const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

function parseName(text: string, whom: string): NameEntry {
  const subdomains = whom.startsWith('*.');
  const name = whom
    .slice(subdomains ? 2 : 0)
    .toLowerCase()
    .replace(/\.$/, '');
  const labels = name.split('.');
  if (name.length > 253 || !labels.every((each) => label.test(each)) || !/[a-z]/.test(labels.at(-1) ?? '')) {
    throw invalidEgress(
      text,
      'is neither an address nor a name',
      'write 10.0.0.0/8, 203.0.113.7:443 or example.com:443',
    );
  }
  if (labels.length > 1) return { kind: 'name', name, subdomains };
  throw subdomains
    ? invalidEgress(text, `means every name that ends in .${name}`, `say whose: *.example.${name}`)
    : invalidEgress(text, 'is a name without a dot', 'write the whole name, as in example.com');
}

function invalidEgress(text: string, what: string, hint: string): GangwayError {
  return new GangwayError('invalid-option', `--egress ${JSON.stringify(text)} ${what}`, { hint });
}
