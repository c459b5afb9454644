/** What `gangway rules` is asked about: everything, a network, a container, or published ports. */
import { linksIn, stepContent } from '../../firewall/backend.ts';
import type { FirewallStep } from '../../plan/step.ts';
import { type Address, formatAddress, isUnspecified, sameAddress } from '../../values/address.ts';
import { GangwayError } from '../../values/errors.ts';
import { type ForwardRun, formatHostPorts } from '../../values/forward-set.ts';
import type { PortRange, Protocol } from '../../values/port.ts';
import { parsePublish } from '../../values/port-grammar.ts';
import { nearest } from '../../values/suggest.ts';
import type { Context } from '../context.ts';
import { findNetwork, listNetworks } from '../store/network-lookup.ts';
import type { Fact, Known } from './recorded.ts';

export interface Subject {
  /** Is a fact of the records about it? */
  readonly concerns: (fact: Fact) => boolean;
  /** Does something that no record explains speak of it? */
  readonly isNamedIn: (step: FirewallStep) => boolean;
}

/** What there is to be asked about. */
export interface Told {
  readonly known: Known;
  readonly facts: readonly Fact[];
  /** What no record explains. */
  readonly strangers: readonly FirewallStep[];
}

const everything: Subject = { concerns: () => true, isNamedIn: () => true };

/**
 * A name comes first, then a port, then the beginning of an id.
 *
 * @throws GangwayError container-not-found, container-not-running, port-not-published, invalid-port, invalid-address
 */
export function subjectOf(context: Context, told: Told, reference?: string): Subject {
  const { known } = told;
  if (reference === undefined) return everything;
  const named = byName(context, known, reference, ({ id, name }, meant) => name === meant || id === meant);
  if (named !== undefined) return named;
  if (/^(.*:)?\d{1,5}(-\d{1,5})?(\/\w*)?$/.test(reference)) return port(told, reference);
  const begun = byName(context, known, reference, () => true);
  if (begun === undefined) throw unknown(context, reference);
  return begun;
}

interface Named {
  readonly id: string;
  readonly name: string;
}

/** Containers first, as in `inspect`. @param isMeant which of all may be meant at all */
function byName(
  context: Context,
  known: Known,
  reference: string,
  isMeant: (one: Named, name: string) => boolean,
): Subject | undefined {
  const find = (all: readonly Named[], name: string) =>
    findNetwork(
      all.filter((one) => isMeant(one, name)),
      (one) => one.name,
      name,
    );
  const container = find(context.records.containers(), reference);
  if (container !== undefined) return ofContainer(known, container);
  const network = find(listNetworks(context), reference === 'default' ? 'bridge' : reference);
  return network === undefined ? undefined : ofNetwork(known, network);
}

function ofNetwork({ networks }: Known, { id }: Named): Subject {
  const network = networks.find((record) => record.id === id)?.network;
  const bridge = network?.kind === 'bridge' ? network.bridge : undefined;
  return {
    concerns: ({ owner }) => owner === id,
    isNamedIn: (step) => bridge !== undefined && linksIn(step).includes(bridge),
  };
}

/** Its own, and those of its networks. */
function ofContainer({ containers, networks }: Known, { id, name }: Named): Subject {
  const life = containers.find((record) => record.id === id)?.life;
  if (life === undefined) {
    throw new GangwayError(
      'container-not-running',
      `container ${name} is not running: the firewall knows nothing of it`,
      {
        hint: `\`gangway start ${name}\` starts it`,
      },
    );
  }
  const owners = new Set([id, ...life.plugs.map(({ networkId }) => networkId)]);
  const bridges = networks.flatMap(({ id: one, network }) =>
    owners.has(one) && network.kind === 'bridge' ? [network.bridge] : [],
  );
  const links = new Set([...bridges, ...life.plugs.flatMap(({ endpoint }) => endpoint.hostLink ?? [])]);
  const addresses = life.plugs.flatMap(({ endpoint }) => endpoint.addresses.map(({ address }) => address));
  return {
    concerns: ({ owner }) => owner !== undefined && owners.has(owner),
    isNamedIn: (step) =>
      linksIn(step).some((link) => links.has(link)) || addresses.some((one) => namesAddress(step, one)),
  };
}

/** `172.17.0.2`, `172.17.0.2/32`, `172.17.0.2:80`, `[fd00::2]:80`. */
function namesAddress(step: FirewallStep, address: Address): boolean {
  const text = formatAddress(address);
  const forms = address.family === 4 ? [text, `${text}:`] : [text, `[${text}]:`];
  return stepContent(step)
    .split(/[\s/]+/)
    .some((word) => word === text || forms.slice(1).some((form) => word.startsWith(form)));
}

interface AskedPorts {
  readonly hostAddress?: Address;
  readonly hostPort: PortRange;
  readonly protocol: Protocol;
}

/** Their own, and those of the networks into which they lead. */
function port({ known: { containers }, facts, strangers }: Told, reference: string): Subject {
  const asked = parseAskedPorts(reference);
  const meant = facts.filter(({ forwards = [] }) => forwards.some((forward) => isMeant(forward, asked)));
  const isNamedIn = (step: FirewallStep) => namesPort(step, asked);
  if (meant.length === 0 && !strangers.some(isNamedIn)) throw notPublished(facts, reference);
  const targets = meant.flatMap(({ forwards = [] }) => forwards.filter((forward) => isMeant(forward, asked)));
  const networks = new Set(
    containers
      .flatMap(({ life }) => life.plugs)
      .filter(({ endpoint }) =>
        endpoint.addresses.some(({ address }) => targets.some(({ target }) => sameAddress(target, address))),
      )
      .map(({ networkId }) => networkId),
  );
  return {
    concerns: (fact) => meant.includes(fact) || (fact.owner !== undefined && networks.has(fact.owner)),
    isNamedIn,
  };
}

/** Read like what stands before the container's port in `-p`. */
function parseAskedPorts(reference: string): AskedPorts {
  const { hostPort, ...asked } = parsePublish(reference.replace(/(\/.*)?$/, ':1$1'));
  if (hostPort !== undefined) return { ...asked, hostPort };
  throw new GangwayError('invalid-port', `invalid port "${reference}"`, { hint: 'ports are numbers from 1 to 65535' });
}

function isMeant({ binding, count }: ForwardRun, { hostAddress, hostPort, protocol }: AskedPorts): boolean {
  const { hostAddress: bound } = binding;
  const isThere =
    hostAddress === undefined ||
    sameAddress(hostAddress, bound) ||
    (isUnspecified(bound) && bound.family === hostAddress.family);
  const ports = { first: binding.hostPort, last: binding.hostPort + count - 1 };
  return isThere && binding.protocol === protocol && meets(ports, hostPort);
}

function meets(one: PortRange, other: PortRange): boolean {
  return one.first <= other.last && other.first <= one.last;
}

function namesPort(step: FirewallStep, { hostPort, protocol }: AskedPorts): boolean {
  if (step.kind === 'rule') {
    const words = step.rule?.words ?? [];
    const after = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined);
    const [first, last = first] = (after('--dport') ?? '').split(':').map(Number);
    return after('-p') === protocol && first !== undefined && last !== undefined && meets({ first, last }, hostPort);
  }
  const key = step.element?.key ?? [];
  return (
    key.some((datum) => datum.type === 'inet_proto' && datum.protocol === protocol) &&
    key.some(
      (datum) =>
        (datum.type === 'ports' && meets(datum, hostPort)) ||
        (datum.type === 'inet_service' && meets({ first: datum.port, last: datum.port }, hostPort)),
    )
  );
}

function notPublished(facts: readonly Fact[], reference: string): GangwayError {
  const bindings = new Set(
    facts.flatMap(({ forwards = [] }) =>
      forwards.map(({ binding, count }) => formatHostPorts(binding, { ...binding, count })),
    ),
  );
  const some = [...bindings].slice(0, 5);
  const others = bindings.size - some.length;
  return new GangwayError('port-not-published', `nobody publishes port ${reference}`, {
    hint:
      some.length === 0
        ? '`gangway run -p 8080:80 …` would publish one'
        : `published are ${some.join(', ')}${others === 0 ? '' : ` and ${others} more`}`,
  });
}

function unknown(context: Context, reference: string): GangwayError {
  const names = [...context.records.containers(), ...listNetworks(context)].map(({ name }) => name);
  const near = reference === '' ? [] : nearest(reference, names);
  return new GangwayError('container-not-found', `no container, network or published port ${reference || '""'}`, {
    hint:
      near.length === 0
        ? '`gangway ps` and `gangway network ls` list them; a port is written 8080, 8080/udp or 192.0.2.1:8080'
        : `did you mean ${near.map((name) => `'${name}'`).join(' or ')}?`,
  });
}
