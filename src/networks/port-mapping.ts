/**
 * Chapter 4: port mapping.
 *
 * An external client connects to a port of the host. The host replaces the destination with the container's address
 * (DNAT) before it routes the packet.
 *
 *      external client               the host                                     container
 *      203.0.113.2 --> 203.0.113.1:8080 --prerouting: now to 172.17.0.2:80--> eth0 sees 203.0.113.2
 *                  <-- 203.0.113.1:8080 <--connection tracking--------------- 172.17.0.2:80
 *
 *      process of the host -->   127.0.0.1:8080   --> proxy (switchboard) --> 172.17.0.2:80 sees 172.17.0.1
 *      IPv6 client         --> [2001:db8::1]:8080 --> proxy (switchboard) --> 172.17.0.2:80 sees 172.17.0.1
 *
 * DNAT is fast and keeps the client's address. It serves external clients, other bridges, siblings, the container
 * itself and the host's own addresses. It can't serve a source of 127.0.0.1, which must not leave the host, nor
 * translate IPv6 to IPv4; and SCTP from the host itself is excluded (see nftables/ruleset.nft). A socket of the
 * switchboard proxies those connections (services/proxy), unless the connect hook redirects the host's process before
 * it connects (services/connect-hook). The socket also reserves the port: no other program of the host can bind it.
 *
 * Sockets are not steps of the plan. They follow from the container's record, so a restarted switchboard opens the same
 * ones. They are bound, but not accepting, before the plan is applied: a port in use is refused before anything has
 * changed.
 *
 * Docker has two processes and three rules per port. gangway has one process for all ports, and two elements per port:
 * ten thousand ports cost a packet no more than one.
 */
import { type Backend, stepContent, stepKey } from '../firewall/backend.ts';
import { type NetworkPolicy, portElements } from '../firewall/policy.ts';
import { coalesce } from '../firewall/ranges.ts';
import type { FirewallStep, FlowPort, FlowsStep } from '../plan/step.ts';
import { type Address, formatHost, sameAddress } from '../values/address.ts';
import { endsOf, type ForwardRun, type ForwardSet, runsOf } from '../values/forward-set.ts';
import { type Forward, isTranslated } from '../values/port.ts';
import { formatBinding } from '../values/port-grammar.ts';

/** Forwards that need a host port with a socket. */
export function withHostPort<T extends Pick<Forward, 'routed'>>(forwards: readonly T[]): readonly T[] {
  return forwards.filter(({ routed }) => routed === undefined);
}

/** A remark for each socket of the switchboard. */
export function socketRemarks(forwards: readonly Forward[]): readonly string[] {
  return withHostPort(forwards).map((forward) => {
    const { clientAddress } = forward.binding;
    const what = clientAddress === undefined ? 'proxies what DNAT can’t serve' : 'proxies everything';
    const how = clientAddress === undefined ? '' : manners[clientAddress];
    return `no command: the switchboard reserves ${formatBinding(forward.binding)} and ${what} to ${destination(forward)}${how}`;
  });
}

const manners = {
  header: ', with a PROXY header that names the client',
  transparent: ', with the client’s address as the source',
} as const;

/** The policy of the network with this container address, as far as published ports need it. */
export type PolicyLookup = (target: Address) => Pick<NetworkPolicy, 'bridge' | 'gatewayModes' | 'trustedLinks'>;

/**
 * The steps of published ports: `nft add element inet gangway ports4 { tcp . 8080 : 172.17.0.2 . 80 }` for each that
 * DNAT serves.
 */
export function portSteps(
  forwards: readonly ForwardSet[],
  behind: PolicyLookup,
  firewall: Backend,
): readonly FirewallStep[] {
  return portFacts(forwards, behind, firewall).map(({ step }) => step);
}

/** A step, and the published ports that it serves. */
export interface PortFact {
  readonly step: FirewallStep;
  readonly forwards: readonly ForwardRun[];
}

export function portFacts(
  forwards: readonly ForwardSet[],
  behind: PolicyLookup,
  firewall: Backend,
): readonly PortFact[] {
  const facts = forwards.flatMap((set) => {
    const policy = behind(set.target);
    return runsOf([set]).flatMap((run) =>
      portElements(run.binding, run.target, policy).map((element) => ({ element, count: run.count, sources: [run] })),
    );
  });
  return coalesce(facts).flatMap(({ element, sources }) =>
    firewall.stepsFor([element], reason(sources)).map((step) => ({ step, forwards: sources })),
  );
}

/** Names the first and the last port of a range. */
function reason(forwards: readonly ForwardRun[]): string {
  const ends = endsOf(forwards);
  const [from, to] = [ends.map(({ binding }) => formatBinding(binding)), ends.map(destination)];
  return from.length === 1
    ? `published: ${from} is translated to ${to}`
    : `published: ${from.join(' to ')} are translated to ${to.join(' to ')}`;
}

function byKey(steps: readonly FirewallStep[]): ReadonlyMap<string, FirewallStep> {
  return new Map(steps.map((step) => [stepKey(step), step]));
}

/**
 * `conntrack -D -p udp --orig-port-dst 5353`. Connection tracking translates a UDP flow as it began, so clients from
 * before the port was published would not reach the container. TCP and SCTP connections begin new flows. But if the
 * first packet met the bound socket, its retransmission goes through the proxy once.
 */
function earlierUdpFlows(forwards: readonly Forward[]): readonly FlowPort[] {
  return withHostPort(forwards)
    .filter(({ binding }) => binding.protocol === 'udp')
    .map(({ binding }) => ({ protocol: 'udp', address: binding.hostAddress, port: binding.hostPort }));
}

/**
 * `conntrack -D --orig-port-dst 8080 --reply-src 172.17.0.2 --reply-port-src 80`. Ends translated connections of a
 * port. The host answers the client's next packet with RST (SCTP: ABORT). The proxy ends its own connections.
 */
function translatedFlows(forwards: readonly Forward[]): readonly FlowPort[] {
  return withHostPort(forwards)
    .filter(({ binding, target }) => isTranslated(binding, target))
    .map(({ binding: { protocol, hostAddress, hostPort, containerPort }, target }) => {
      return { protocol, address: hostAddress, port: hostPort, to: { address: target, port: containerPort } };
    });
}

function deleteFlows(ports: readonly FlowPort[], when: FlowsStep['when'], why: string): readonly FlowsStep[] {
  return ports.length === 0 ? [] : [{ kind: 'flows', in: 'host', when, ports, why }];
}

const udpReason = 'UDP clients from before the port was published must use the new rules';
const translatedReason = 'connections through this port end: connection tracking would still translate them';

/**
 * The firewall steps with those that delete flows: after publishing for earlier flows, after unpublishing for
 * translated ones.
 */
export function withConntrackCleanup(
  facts: readonly FirewallStep[],
  forwards: readonly Forward[],
): readonly (FirewallStep | FlowsStep)[] {
  return [
    ...deleteFlows(translatedFlows(forwards), 'undone', translatedReason),
    ...facts,
    ...deleteFlows(earlierUdpFlows(forwards), 'made', udpReason),
  ];
}

/**
 * The same for ports that move. Connections of a port that stays continue while the container keeps the address: a new
 * default route ends no connection.
 */
export function movedPortSteps(
  facts: readonly FirewallStep[],
  before: readonly Forward[],
  wanted: readonly Forward[],
  addresses: readonly Address[],
): readonly (FirewallStep | FlowsStep)[] {
  const published = new Set(wanted.map(({ binding }) => formatBinding(binding)));
  const has = (target: Address) => addresses.some((address) => sameAddress(address, target));
  const lost = before.filter(({ binding, target }) => !(published.has(formatBinding(binding)) && has(target)));
  const known = new Set(before.map(mapping));
  return [
    ...facts,
    ...deleteFlows(translatedFlows(lost), 'made', translatedReason),
    ...deleteFlows(earlierUdpFlows(wanted.filter((each) => !known.has(mapping(each)))), 'made', udpReason),
  ];
}

function mapping(forward: Forward): string {
  return `${formatBinding(forward.binding)} ${destination(forward)}`;
}

/** The steps from the published ports `before` to `wanted`: in one transaction, so no packet misses both. */
export function republish(
  before: readonly FirewallStep[],
  wanted: readonly FirewallStep[],
  why = 'no longer published',
): readonly FirewallStep[] {
  const old = byKey(before);
  const fresh = byKey(wanted);
  const gone = before.filter((step) => !fresh.has(stepKey(step))).map((step) => withdrawn(step, why));
  const moved = wanted.flatMap((step): readonly FirewallStep[] => {
    const found = old.get(stepKey(step));
    if (found === undefined) return [step];
    return stepContent(found) === stepContent(step) ? [] : [replacing(found, step)];
  });
  return [...gone, ...moved];
}

function withdrawn(step: FirewallStep, why: string): FirewallStep {
  if (step.kind === 'rule') {
    const { rule: was, ...rest } = step;
    return was === undefined ? step : { ...rest, was, why };
  }
  const { element: was, ...rest } = step;
  return was === undefined ? step : { ...rest, was, why };
}

/** Replaces an element. A rule is identified by its whole text, so it is never replaced. */
function replacing(old: FirewallStep, step: FirewallStep): FirewallStep {
  if (old.kind !== 'element' || step.kind !== 'element' || old.element === undefined) return step;
  return { ...step, was: old.element };
}

/** The steps to undo for only the `wanted` ports to stay. A range that loses a port becomes two. */
export function unpublish(before: readonly FirewallStep[], wanted: readonly FirewallStep[]): readonly FirewallStep[] {
  return republish(wanted, before);
}

function destination({ binding, target }: Forward): string {
  return `${formatHost(target)}:${binding.containerPort}`;
}
