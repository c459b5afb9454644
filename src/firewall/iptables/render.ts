/**
 * Renders facts as iptables rules: each set of nftables has a chain here, and each element one rule or a few.
 *
 * The words follow the order of iptables-save(8), since rules are compared as text.
 */
import {
  type Address,
  type Family,
  formatAddress,
  formatHost,
  formatPrefix,
  hostPrefix,
  network,
} from '../../values/address.ts';
import { formatFirewallMark } from '../../values/firewall-mark.ts';
import type { IptablesRule } from '../../values/iptables-rule.ts';
import { protocols } from '../../values/port.ts';
import type { Datum, SetElement } from '../../values/set-element.ts';

type ChainRef = Pick<IptablesRule, 'table' | 'chain'>;

type Rendering = (fact: Fact) => readonly (ChainRef & { readonly words: string; readonly family?: Family })[];

/** The parts of an element as text. */
interface Fact {
  readonly links: readonly string[];
  /** The prefix of the key, if any. */
  readonly address: string;
  /** `-d` and the prefix; empty for /0. */
  readonly destination: string;
  /** `-p tcp -m tcp --dport 80`. */
  readonly port: string;
  /** `tcp`. */
  readonly protocol: string;
  /** `--ctorigdst` and `--ctorigdstport`: the destination before translation. */
  readonly asked: string;
  /** `0x1/0x3` */
  readonly mark: string;
  /** A chain, or the target of a translation. */
  readonly target: string;
  /** The address of the target, in brackets for IPv6. */
  readonly host: string;
  /** `-p tcp -m tcp --sport 40000`. */
  readonly source: string;
  /** Is the port in the range for translated sources? */
  readonly isLent: boolean;
}

/** The source ports for translated packets: Linux' own default range. */
const lent = { first: 32_768, last: 60_999 };

const filter = (chain: string): ChainRef => ({ table: 'filter', chain: `GANGWAY-${chain}` });
const nat = (chain: string): ChainRef => ({ table: 'nat', chain: `GANGWAY-${chain}` });
const mangle = (chain: string): ChainRef => ({ table: 'mangle', chain: `GANGWAY-${chain}` });
const raw = (chain: string): ChainRef => ({ table: 'raw', chain: `GANGWAY-${chain}` });

const renderings: Readonly<Record<string, Rendering>> = {
  bridges: ({ links: [bridge] }) => [
    { ...raw('WIRE'), words: `-i ${bridge} -g GANGWAY-BRIDGED` },
    { ...mangle('INSIDE'), words: `-i ${bridge} -j MARK --set-xmark 0x10000000/0xffffffff` },
    { ...mangle('STRANGE'), words: `-i ${bridge} -j RETURN` },
    { ...mangle('STRANGE'), words: `-o ${bridge} -j RETURN` },
    { ...filter('FROM'), words: `-i ${bridge} -j GANGWAY-LEAVE` },
    { ...filter('TO'), words: `-o ${bridge} -j GANGWAY-ENTER` },
    { ...filter('OUTSIDE'), words: `-o ${bridge} -g GANGWAY-ALLOWED` },
    { ...filter('OURS'), words: `-i ${bridge} -j ACCEPT` },
    { ...filter('OURS'), words: `-o ${bridge} -j ACCEPT` },
    { ...filter('REDIRECTS'), family: 4, words: `-o ${bridge} -p icmp -m icmp --icmp-type 5 -j DROP` },
    { ...filter('REDIRECTS'), family: 6, words: `-o ${bridge} -p ipv6-icmp -m icmp6 --icmpv6-type 137 -j DROP` },
  ],
  unguarded: ({ links: [bridge] }) => [{ ...mangle('NAMES'), words: `-i ${bridge} -g GANGWAY-NAMED` }],
  same_bridge: ({ links: [from, to] }) => [
    { ...filter('SAME-BRIDGE'), words: `-i ${from} -o ${to} -g GANGWAY-TOGETHER` },
  ],
  apart: ({ links: [from, to] }) => [{ ...filter('APART'), words: `-i ${from} -o ${to} -g GANGWAY-SIBLINGS` }],
  leaving: ({ links: [bridge], target }) => [{ ...filter('LEAVE'), words: `-i ${bridge} -g ${target}` }],
  entering: ({ links: [bridge], target }) => [{ ...filter('ENTER'), words: `-o ${bridge} -g ${target}` }],
  isolated: ({ links: [bridge] }) => [{ ...filter('INPUT'), words: `-i ${bridge} -j DROP` }],
  internal: ({ links: [bridge] }) => [{ ...filter('INPUT'), words: `-i ${bridge} -g GANGWAY-GATEWAY-ONLY` }],
  masqueraded: ({ links: [bridge] }) => [
    { ...nat('OWN-SOURCES'), words: `-i ${bridge} -j MASQUERADE` },
    { ...nat('SOURCES'), words: `-i ${bridge} -g GANGWAY-LENT-PORT` },
    { ...nat('SPARE-SOURCES'), words: `-i ${bridge} -g GANGWAY-SPARE-PORT` },
  ],
  ...eachFamily('sources', ({ links: [bridge], target, host }) => [
    { ...nat('OWN-SOURCES'), words: `-i ${bridge} -j SNAT --to-source ${target}` },
    { ...nat('SOURCES'), words: `-i ${bridge} -j SNAT --to-source ${target}` },
    ...protocols.flatMap((protocol) => [
      {
        ...nat('SOURCES'),
        words: `-i ${bridge} -p ${protocol} -j SNAT --to-source ${host}:${lent.first}-${lent.last}`,
      },
      {
        ...nat('SPARE-SOURCES'),
        words: `-i ${bridge} -p ${protocol} -j SNAT --to-source ${host}:${lent.first}-65535 --random`,
      },
    ]),
  ]),
  ...eachFamily('subnets', ({ links: [bridge], address }) => [
    { ...mangle('NAMED'), words: `-s ${address} -i ${bridge} -j RETURN` },
    { ...nat('HAIRPIN'), words: `-s ${address} -o ${bridge} -m conntrack --ctstate DNAT -j MASQUERADE` },
    { ...nat('STAY'), words: `-s ${address} -o ${bridge} -j ACCEPT` },
    { ...filter('INSIDERS'), words: `! -s ${address} -i ${bridge} -g GANGWAY-ELSEWHERE` },
    { ...filter('SIBLINGS'), words: `-i ${bridge} -m conntrack --ctstate RELATED ! --ctorigsrc ${address} -j DROP` },
    { ...filter('CLAIMS'), words: `-s ${address} -o ${bridge} -j DROP` },
    { ...filter('CLAIMS'), words: `-o ${bridge} -m conntrack --ctorigsrc ${address} --ctreplsrc ${address} -j DROP` },
    { ...filter('ERRORS'), words: `-i ${bridge} -m conntrack --ctorigsrc ${address} -j RETURN` },
    { ...filter('ERRORS'), words: `-i ${bridge} -m conntrack --ctreplsrc ${address} -j RETURN` },
  ]),
  ...eachFamily('inside', ({ address }) => [
    { ...raw('PRETENDED'), words: `-s ${address} -m rpfilter --invert -j DROP` },
    { ...mangle('CLAIMED'), words: `-s ${address} -j DROP` },
    { ...mangle('INSIDE'), words: `-d ${address} -j MARK --set-xmark 0x10000000/0xffffffff` },
  ]),
  ...eachFamily('ports', ({ port, target }) => [
    { ...nat('PORTS'), words: `${port} -j DNAT --to-destination ${target}` },
  ]),
  ...eachFamily('ranges', ({ port, target }) => [
    { ...nat('PORTS'), words: `${port} -j DNAT --to-destination ${target}` },
  ]),
  ...eachFamily('host_ranges', ({ address, port, target }) => [
    { ...nat('HOST-PORTS'), words: `-d ${address} ${port} -j DNAT --to-destination ${target}` },
  ]),
  ...eachFamily('host_ports', ({ address, port, target }) => [
    { ...nat('HOST-PORTS'), words: `-d ${address} ${port} -j DNAT --to-destination ${target}` },
  ]),
  ...eachFamily('open_ports', ({ links: [bridge], address, port }) => [
    { ...filter('OPEN'), words: `-d ${address} -o ${bridge} ${port} -j ACCEPT` },
  ]),
  accepted_marks: ({ links: [bridge], mark }) => [
    { ...filter('MARKED'), words: `-o ${bridge} -m mark --mark ${mark} -j ACCEPT` },
  ],
  ...eachFamily('trusted_ports', ({ links: [from, bridge], address, port }) => [
    { ...filter('TRUSTED'), words: `-d ${address} -i ${from} -o ${bridge} ${port} -j ACCEPT` },
  ]),
  loopback_ports4: ({ address, port }) => [{ ...raw('LOOPBACK'), words: `-d ${address} ${port} -j DROP` }],
  limited: ({ links: [bridge] }) => [{ ...filter('INPUT'), words: `-i ${bridge} -g GANGWAY-HOST-LIMITED` }],
  ...eachFamily('denied', ({ links: [bridge], destination, asked }) => [
    { ...filter('DENIED'), words: `${destination} -i ${bridge} -j DROP` },
    { ...filter('DENIED'), words: `-i ${bridge} -m conntrack ${asked} -j DROP` },
  ]),
  ...eachFamily('denied_ports', ({ links: [bridge], destination, port, protocol, asked }) => [
    { ...filter('DENIED'), words: `${destination} -i ${bridge} ${port} -j DROP` },
    { ...filter('DENIED'), words: `-i ${bridge} -p ${protocol} -m conntrack ${asked} -j DROP` },
  ]),
  ...eachFamily('allowed', ({ links: [bridge], asked }) => [
    { ...filter('ALLOWED'), words: `-i ${bridge} -m conntrack ${asked} -j RETURN` },
  ]),
  ...eachFamily('allowed_ports', ({ links: [bridge], protocol, asked }) => [
    { ...filter('ALLOWED'), words: `-i ${bridge} -p ${protocol} -m conntrack ${asked} -j RETURN` },
  ]),
  ...eachFamily('learned', ({ links: [bridge], address }) => [
    { ...filter('LEARNED'), words: `-d ${address} -i ${bridge} -j RETURN` },
  ]),
  ...eachFamily('learned_ports', ({ links: [bridge], address, port }) => [
    { ...filter('LEARNED'), words: `-d ${address} -i ${bridge} ${port} -j RETURN` },
  ]),
  ...eachFamily('carried_host_ports', ({ address, port, source, isLent }) => [
    { ...filter('CARRIED-AT'), words: `-d ${address} ${port} -j DROP` },
    // Always true for outgoing packets; makes the rules of one port on two addresses differ.
    ...(isLent ? [{ ...nat('TAKEN'), words: `! -s ${address} ${source} -g GANGWAY-SPARE-SOURCES` }] : []),
  ]),
  carried_ports: ({ port, source, isLent }) => [
    { ...filter('CARRIED'), words: `${port} -j DROP` },
    ...(isLent ? [{ ...nat('TAKEN'), words: `${source} -g GANGWAY-SPARE-SOURCES` }] : []),
  ],
  ...eachFamily('own_ports', ({ address, source }) => [
    { ...nat('OWN-PORTS'), words: `-s ${address} ${source} -g GANGWAY-OWN-SOURCES` },
  ]),
  // Only nftables checks these, after translation.
  ...eachFamily('own_host_ports', () => []),
  closed_transit: () => [{ ...filter('TRANSIT'), words: '-j DROP' }],
};

/** The chains that hold the rules of a set. */
export function chainsOf(set: string): readonly string[] {
  return [...new Set(rendering(set)(factOf([], [])).map(({ chain }) => chain))];
}

/** Renders an element as rules, in the order of insertion at the head of each chain. */
export function renderRules({ set, key, value = [] }: SetElement): readonly IptablesRule[] {
  const families = familiesOf(set, key);
  return rendering(set)(factOf(key, value)).flatMap(({ table, chain, words, family }) =>
    families
      .filter((one) => family === undefined || one === family)
      .map((one) => ({ family: one, table, chain, words: words.trim().split(/ +/) })),
  );
}

function factOf(key: readonly Datum[], value: readonly Datum[]): Fact {
  const address = key.map(formatAddressDatum).join('');
  return {
    links: key.flatMap((datum) => (datum.type === 'ifname' ? [datum.name] : [])),
    address,
    destination: address.endsWith('/0') ? '' : `-d ${address}`,
    port: formatPort(key),
    protocol: formatProtocol(key),
    asked: formatAsked(address, key),
    mark: key.map((datum) => (datum.type === 'mark' ? formatFirewallMark(datum.mark) : '')).join(''),
    target: formatTarget(value),
    host: value.map((datum) => (datum.type === 'address' ? formatHost(datum.address) : '')).join(''),
    source: formatPort(key).replace('--dport', '--sport'),
    isLent: !key.some(isNotLent),
  };
}

function isNotLent(datum: Datum): boolean {
  return datum.type === 'ports' && (datum.first > lent.last || datum.last < lent.first);
}

function rendering(set: string): Rendering {
  const found = renderings[set];
  if (found === undefined) throw new TypeError(`set ${set} has no rules`);
  return found;
}

function eachFamily(set: string, render: Rendering): Readonly<Record<string, Rendering>> {
  return { [`${set}4`]: render, [`${set}6`]: render };
}

/** The families of a set: from the element or the set's name, else both. */
function familiesOf(set: string, key: readonly Datum[]): readonly Family[] {
  for (const datum of key) if (datum.type === 'nf_proto') return [datum.family];
  if (set.endsWith('4')) return [4];
  return set.endsWith('6') ? [6] : [4, 6];
}

function formatAddressDatum(datum: Datum): string {
  if (datum.type === 'address') return formatPrefix(hostPrefix(datum.address));
  return datum.type === 'prefix' ? formatPrefix(network(datum.prefix)) : '';
}

function formatPort(key: readonly Datum[]): string {
  const protocol = formatProtocol(key);
  return protocol === '' ? '' : `-p ${protocol} -m ${protocol} --dport ${formatPorts(key)}`;
}

function formatProtocol(key: readonly Datum[]): string {
  return key.map((datum) => (datum.type === 'inet_proto' ? datum.protocol : '')).join('');
}

/** iptables-save(8) omits the length of a host prefix here. */
function formatAsked(address: string, key: readonly Datum[]): string {
  const ports = formatPorts(key);
  const whom = address.replace(address.includes(':') ? /\/128$/ : /\/32$/, '');
  return `--ctorigdst ${whom}${ports === '' ? '' : ` --ctorigdstport ${ports}`}`;
}

function formatPorts(key: readonly Datum[]): string {
  return key.map(formatNumber).join('');
}

function formatNumber(datum: Datum): string {
  if (datum.type === 'ports') return datum.first === datum.last ? String(datum.first) : `${datum.first}:${datum.last}`;
  return datum.type === 'inet_service' ? String(datum.port) : '';
}

/** `GANGWAY-LEAVE-NAT`, `172.17.0.2:80`, `203.0.113.9`. */
function formatTarget(value: readonly Datum[]): string {
  const [first, second] = value;
  if (first?.type === 'goto') return `GANGWAY-${first.chain.toUpperCase().replaceAll('_', '-')}`;
  if (first?.type !== 'address') return '';
  return second?.type === 'inet_service' ? translated(first.address, second.port) : formatAddress(first.address);
}

function translated(address: Address, port: number): string {
  return `${formatHost(address)}:${port}`;
}
