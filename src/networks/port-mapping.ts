/**
 * Chapter 5: publish.
 *
 * How does the world reach a container? It asks the machine, at one of the machine's own addresses, for a port; and the
 * machine puts the container's address in the place of its own (DNAT) before it asks where to send the packet.
 *
 *      the world                     the machine                                  container
 *      203.0.113.2 --> 203.0.113.1:8080 --prerouting: now to 172.17.0.2:80--> eth0 sees 203.0.113.2
 *                  <-- 203.0.113.1:8080 <--connection tracking remembers----- 172.17.0.2:80
 *
 *      a process of the machine -->   127.0.0.1:8080  --> the proxy, a process --> 172.17.0.2:80 sees 172.17.0.1
 *      somebody with IPv6       --> [2001:db8::1]:8080 --> the proxy           --> 172.17.0.2:80 sees 172.17.0.1
 *
 * The kernel's way costs nothing and keeps the client's address; it serves everything that arrives from outside, from
 * other bridges, from siblings, from the container itself and from the machine's own addresses. Two things it cannot
 * do: let a source of 127.0.0.1 leave the machine, and translate IPv6 into IPv4. (And what the machine itself asks by SCTP
 * is not led away: why so stands in nftables/ruleset.nft.) Those connections are taken by a
 * socket of the switchboard, which carries the bytes across (services/proxy), unless the machine's own program is led
 * past it before it has begun (services/connect-hook). The same socket keeps the port ours: no other program of the
 * machine can bind it.
 *
 * Sockets are no steps of the plan. They follow from the container's record: whoever starts a switchboard, at any
 * time, gets the same ones again. And they are bound before the plan is applied, deaf until it stands, so that a port
 * that somebody else has is refused before anything has changed.
 *
 * Where we differ from Docker: one process for all ports instead of two per port, and an element of a map and one of a set per port
 * instead of three rules: a packet's way is as short with ten thousand ports as with one.
 */
import { type Backend, stepContent, stepKey } from '../firewall/backend.ts';
import { type NetworkPolicy, portElements } from '../firewall/policy.ts';
import { coalesce } from '../firewall/ranges.ts';
import type { FirewallStep, FlowPort, FlowsStep } from '../plan/step.ts';
import { type Address, formatHost, sameAddress } from '../values/address.ts';
import { endsOf, type ForwardRun, type ForwardSet, runsOf } from '../values/forward-set.ts';
import { type Forward, isTranslated } from '../values/port.ts';
import { formatBinding } from '../values/port-grammar.ts';

/** Those that need a port of the machine, and a socket that holds it. */
export function withHostPort<T extends Pick<Forward, 'routed'>>(forwards: readonly T[]): readonly T[] {
  return forwards.filter(({ routed }) => routed === undefined);
}

/** What the rules leave to a process: a sentence for each socket of the switchboard. */
export function socketRemarks(forwards: readonly Forward[]): readonly string[] {
  return withHostPort(forwards).map((forward) => {
    const { clientAddress } = forward.binding;
    const what = clientAddress === undefined ? 'what the rules can’t' : 'everything';
    const how = clientAddress === undefined ? '' : manners[clientAddress];
    return `no command: a socket of the switchboard holds ${formatBinding(forward.binding)}, and carries ${what} to ${destination(forward)}${how}`;
  });
}

const manners = {
  header: ', behind a header that tells who asks',
  transparent: ', from the address of whoever asks',
} as const;

/** The network behind an address of the container, as far as published ports go. */
export type PolicyLookup = (target: Address) => Pick<NetworkPolicy, 'bridge' | 'gatewayModes' | 'trustedLinks'>;

/** `nft add element inet gangway ports4 { tcp . 8080 : 172.17.0.2 . 80 }` for each port that the kernel can serve. */
export function portSteps(
  forwards: readonly ForwardSet[],
  behind: PolicyLookup,
  firewall: Backend,
): readonly FirewallStep[] {
  return portFacts(forwards, behind, firewall).map(({ step }) => step);
}

/** A fact of published ports, and those that it is for. */
export interface PortFact {
  readonly step: FirewallStep;
  readonly forwards: readonly ForwardRun[];
}

/** The same, with what each of them is for. */
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

/** Of a range, its first and its last port. */
function reason(forwards: readonly ForwardRun[]): string {
  const ends = endsOf(forwards);
  const [from, to] = [ends.map(({ binding }) => formatBinding(binding)), ends.map(destination)];
  return from.length === 1
    ? `published: ${from} leads to ${to}`
    : `published: ${from.join(' to ')} lead to ${to.join(' to ')}`;
}

function byPlace(steps: readonly FirewallStep[]): ReadonlyMap<string, FirewallStep> {
  return new Map(steps.map((step) => [stepKey(step), step]));
}

/**
 * `conntrack -D -p udp --orig-port-dst 5353`. Who has asked a port by UDP before it led anywhere is not led there for as long
 * as datagrams come: the kernel translates what it knows as it began. Over TCP and SCTP each connection begins anew; but one
 * whose first packet met the deaf socket sends it again, and is carried by the process this once.
 */
function asked(forwards: readonly Forward[]): readonly FlowPort[] {
  return withHostPort(forwards)
    .filter(({ binding }) => binding.protocol === 'udp')
    .map(({ binding }) => ({ protocol: 'udp', address: binding.hostAddress, port: binding.hostPort }));
}

/**
 * `conntrack -D --orig-port-dst 8080 --reply-src 172.17.0.2 --reply-port-src 80`. What was led to a container by a port of
 * the machine is led there no longer. The client's next packet is the machine's own, which answers a connection that it
 * doesn't know with RST, over SCTP with ABORT. What a process carries, that ends itself.
 */
function translated(forwards: readonly Forward[]): readonly FlowPort[] {
  return withHostPort(forwards)
    .filter(({ binding, target }) => isTranslated(binding, target))
    .map(({ binding: { protocol, hostAddress, hostPort, containerPort }, target }) => {
      return { protocol, address: hostAddress, port: hostPort, to: { address: target, port: containerPort } };
    });
}

function decideAnew(ports: readonly FlowPort[], when: FlowsStep['when'], why: string): readonly FlowsStep[] {
  return ports.length === 0 ? [] : [{ kind: 'flows', in: 'host', when, ports, why }];
}

const askedBefore = 'UDP has no connections: who has asked for this port before is led by the rules as they are now';
const ledBefore =
  'the kernel remembers where it has led connections: whoever came in by this port is led there no longer';

/** The firewall's steps, between those that decide flows anew: behind them when they have come, and when they have gone. */
export function withConntrackCleanup(
  facts: readonly FirewallStep[],
  forwards: readonly Forward[],
): readonly (FirewallStep | FlowsStep)[] {
  return [
    ...decideAnew(translated(forwards), 'undone', ledBefore),
    ...facts,
    ...decideAnew(asked(forwards), 'made', askedBefore),
  ];
}

/**
 * The same for ports that move. What came in by one that is still there goes on as long as the container has the address:
 * a new way out ends no connection.
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
  const led = new Set(before.map(lead));
  return [
    ...facts,
    ...decideAnew(translated(lost), 'made', ledBefore),
    ...decideAnew(asked(wanted.filter((each) => !led.has(lead(each)))), 'made', askedBefore),
  ];
}

function lead(forward: Forward): string {
  return `${formatBinding(forward.binding)} ${destination(forward)}`;
}

/** What has to change for the `wanted` ports to be published where `before` were: in one transaction, no packet meets neither. */
export function republish(
  before: readonly FirewallStep[],
  wanted: readonly FirewallStep[],
  why = 'no longer published',
): readonly FirewallStep[] {
  const old = byPlace(before);
  const fresh = byPlace(wanted);
  const gone = before.filter((step) => !fresh.has(stepKey(step))).map((step) => withdrawn(step, why));
  const moved = wanted.flatMap((step): readonly FirewallStep[] => {
    const found = old.get(stepKey(step));
    if (found === undefined) return [step];
    return stepContent(found) === stepContent(step) ? [] : [inPlaceOf(found, step)];
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

/** Of a rule, all of it is its place: no other one is ever in the same. */
function inPlaceOf(old: FirewallStep, step: FirewallStep): FirewallStep {
  if (old.kind !== 'element' || step.kind !== 'element' || old.element === undefined) return step;
  return { ...step, was: old.element };
}

/** What to undo of what was published, for the `wanted` ports alone to be left: a range that has lost one becomes two. */
export function unpublish(before: readonly FirewallStep[], wanted: readonly FirewallStep[]): readonly FirewallStep[] {
  return republish(wanted, before);
}

function destination({ binding, target }: Forward): string {
  return `${formatHost(target)}:${binding.containerPort}`;
}
