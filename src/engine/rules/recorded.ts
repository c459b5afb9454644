/** What the records say that the firewall has been told, each fact with whose it is and which command it comes from. */

import { isAntiSpoofingStep } from '../../firewall/anti-spoofing.ts';
import { type Backend, isFirewallStep, stepContent } from '../../firewall/backend.ts';
import { bootId } from '../../kernel/boot.ts';
import { portFacts } from '../../networks/port-mapping.ts';
import type { DiversionStep, FirewallStep, Step } from '../../plan/step.ts';
import { isUnspecified } from '../../values/address.ts';
import { optionOf } from '../../values/client-address.ts';
import { endsOf, type ForwardRun } from '../../values/forward-set.ts';
import { formatPublish, formatRange } from '../../values/port-grammar.ts';
import type { Context } from '../context.ts';
import { endpointsOf } from '../endpoint/routes.ts';
import { isBackendSwitchRequested, retell } from '../firewall/backend-selection.ts';
import { policyLookup } from '../ports/targets.ts';
import {
  containersWithRun,
  type EndpointRecord,
  type MachineRecord,
  type NetworkRecord,
  type RunningContainer,
  standingSteps,
} from '../store/record.ts';

/** A step of a record. */
export interface Fact {
  readonly step: FirewallStep | DiversionStep;
  /** The id of the network or the container whose it is; absent for the machine's. */
  readonly owner?: string;
  readonly from: string;
  /** Of a published port. */
  readonly forwards?: readonly ForwardRun[];
}

/** The records as they are, or as they would be with the back end that is asked for. */
export interface Known {
  readonly machine: MachineRecord;
  readonly networks: readonly NetworkRecord[];
  readonly containers: readonly RunningContainer[];
}

export function knownTo(context: Context, firewall: Backend): Known {
  const { records } = context;
  const boot = bootId();
  const containers = containersWithRun(records.containers(), boot);
  if (!isBackendSwitchRequested(context))
    return { machine: records.machine(), networks: records.networks(), containers };
  const moved = retell(context, firewall);
  const lives = containersWithRun(moved.containers, boot);
  return { ...moved, containers: containers.map((record) => lives.find(({ id }) => id === record.id) ?? record) };
}

/** In the order in which they were made. */
export function factsIn(
  context: Context,
  { machine, networks, containers }: Known,
  firewall: Backend,
): readonly Fact[] {
  const boot = bootId();
  return [
    ...machine.forwarding.filter(isFirewallStep).map((step) => ({ step, from: 'run' })),
    ...networks.flatMap((record) =>
      standingSteps(record, boot)
        .filter(isFirewallStep)
        .map((step) => ({ step, owner: record.id, from: maker(record) })),
    ),
    ...containers.flatMap((record) => containerFacts(context, record, firewall)),
  ];
}

/** The default bridge comes with the first container that needs it. */
function maker({ request, network }: NetworkRecord): string {
  return request === undefined ? `run --network ${network.name}` : `network create ${network.name}`;
}

function containerFacts(context: Context, record: RunningContainer, firewall: Backend): readonly Fact[] {
  const { id: owner, life } = record;
  const [first] = life.plugs;
  return [
    ...(life.guard ?? [])
      .filter(isAntiSpoofingStep)
      .map((step) => ({ step, owner, from: plugger(record, plugOf(step, life.plugs)) })),
    ...(life.names?.steps ?? []).filter(isDiversion).map((step) => ({ step, owner, from: plugger(record, first) })),
    ...publishedFacts(context, record, firewall),
  ];
}

function isDiversion(step: Step): step is DiversionStep {
  return step.kind === 'diversion';
}

function plugOf(step: FirewallStep, plugs: readonly EndpointRecord[]): EndpointRecord | undefined {
  const [link] = (step.kind === 'element' && step.element?.key) || [];
  return plugs.find(({ endpoint }) => link?.type === 'ifname' && endpoint.hostLink === link.name);
}

/** The command that plugged a container in. */
function plugger({ name, request }: RunningContainer, plug: EndpointRecord | undefined): string {
  if (plug === undefined) return `run ${name}`;
  const { network } = plug.request;
  const asked = request.network.kind === 'networks' ? request.network.connections : [];
  if (!asked.some((connection) => connection.network === network)) return `network connect ${network} ${name}`;
  return network === 'bridge' ? `run ${name}` : `run --network ${network} ${name}`;
}

function publishedFacts(
  { records }: Context,
  { id, name, life }: RunningContainer,
  firewall: Backend,
): readonly Fact[] {
  if (life.published.length === 0) return [];
  const meant = new Map(
    portFacts(life.forwards, policyLookup(endpointsOf(records, life)), firewall).map(({ step, forwards }) => [
      stepContent(step),
      forwards,
    ]),
  );
  return life.published.map((step) => {
    const forwards = meant.get(stepContent(step)) ?? [];
    return { step, owner: id, forwards, from: ['run', ...forwards.flatMap(publication), name].join(' ') };
  });
}

/** `-p 8000-8010:8000-8010`. */
function publication(run: ForwardRun): readonly string[] {
  const [first, last = first] = endsOf([run]).map(({ binding }) => binding);
  if (first === undefined || last === undefined) return [];
  const { hostAddress, protocol } = first;
  const containerPort = { first: first.containerPort, last: last.containerPort };
  const text = formatPublish({
    protocol,
    ...(isUnspecified(hostAddress) ? {} : { hostAddress }),
    hostPort: { first: first.hostPort, last: last.hostPort },
    containerPort,
  });
  const introduced =
    first.clientAddress === undefined ? [] : [optionOf(first.clientAddress), formatRange(containerPort)];
  return ['-p', text.replace(/\/tcp$/, ''), ...introduced];
}
