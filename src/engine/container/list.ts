/** Lists: containers, networks, ports. Reads records and looks at processes; changes nothing, needs no lock. */
import { bootId } from '../../kernel/boot.ts';
import { pendingFileChange } from '../../plan/change.ts';
import type { Observed } from '../../services/process/launch.ts';
import { humanDuration } from '../../values/age.ts';
import type { NetworkMode } from '../../values/network.ts';
import type { Port, PortBinding } from '../../values/port.ts';
import { formatPort } from '../../values/port-grammar.ts';
import { isWaitingForRestart, observeRun } from '../container-state.ts';
import { type Context, journalPath } from '../context.ts';
import type { ContainerState, ContainerSummary } from '../engine.ts';
import { listNetworks } from '../store/network-lookup.ts';
import { bindingsOf, type ContainerRecord, hasRun, heldBindingsOf, type Run } from '../store/record.ts';

/** `gangway ps`, newest first. */
export function list(context: Context, all: boolean): readonly ContainerSummary[] {
  const ids = new Map(listNetworks(context).map(({ id, name }) => [name, id]));
  return context.records
    .containers()
    .toReversed()
    .flatMap((record) => observeContainer(context, record) ?? [])
    .map((seen) => summarize(seen, ids))
    .filter(({ state }) => all || state === 'running' || state === 'restarting');
}

function summarize(seen: ObservedContainer, networkIds: ReadonlyMap<string, string>): ContainerSummary {
  const { record } = seen;
  const { id, name, request, network, createdAt } = record;
  const { state, status } = describe(seen, Date.now());
  const ports = publishedPorts(record);
  const opened = bindingsWhileRunning(record, bindingsOf).map(
    ({ containerPort: port, protocol }): Port => ({ port, protocol }),
  );
  const published = new Set(ports.map(({ containerPort: port, protocol }) => formatPort({ port, protocol })));
  const exposed = distinct([...request.expose, ...opened]).filter((port) => !published.has(formatPort(port)));
  return {
    id,
    name,
    command: request.command,
    state,
    status,
    createdAt: new Date(createdAt),
    networks: networkNames(network).map((each) => ({ name: each, ...withId(networkIds.get(each)) })),
    ports,
    exposed,
  };
}

function networkNames(mode: NetworkMode): readonly string[] {
  if (mode.kind === 'container') return [];
  return mode.kind === 'networks' ? mode.connections.map(({ network }) => network) : [mode.kind];
}

function withId(id: string | undefined): { readonly id?: string } {
  return id === undefined ? {} : { id };
}

function distinct(ports: readonly Port[]): readonly Port[] {
  return [...new Map(ports.map((each) => [formatPort(each), each])).values()];
}

/** A container as somebody finds it who holds no lock. */
export interface ObservedContainer {
  readonly record: ContainerRecord;
  /** Of its life, if it has one. */
  readonly observed: Observed | undefined;
  /** A command is about to drop its record. */
  readonly isBeingRemoved: boolean;
}

/**
 * Who only looks may come in the middle of an end, or after somebody was killed there: the files of the life are gone, and the
 * record still tells of it. How it ended stands in the journal then, and right after in the record.
 *
 * @returns undefined if it has been removed meanwhile
 */
export function observeContainer(context: Context, record: ContainerRecord): ObservedContainer | undefined {
  const found = observeRecord(record);
  if (!hasRun(record, bootId()) || !mayBeOutdated(found)) return found;
  const change = pendingFileChange(context.records.path('containers', record.id), journalPath(context));
  const next = change === undefined ? context.records.containerById(record.id) : context.records.foreseen(change);
  if (change?.content === null) return { ...(next === undefined ? found : observeRecord(next)), isBeingRemoved: true };
  return next === undefined ? undefined : observeRecord(next);
}

function mayBeOutdated({ observed }: ObservedContainer): boolean {
  return observed?.kind === 'absent' || observed?.kind === 'lost';
}

function observeRecord(record: ContainerRecord): ObservedContainer {
  const { life } = record;
  return { record, observed: life === undefined ? undefined : observeRun(life), isBeingRemoved: false };
}

/** State, and docker's words for it. */
export function describe(
  { record, observed, isBeingRemoved }: ObservedContainer,
  now: number,
): { readonly state: ContainerState; readonly status: string } {
  const { life, lastEnd } = record;
  if (isBeingRemoved) return { state: 'removing', status: 'Removal In Progress' };
  if (life === undefined || observed === undefined) {
    if (lastEnd === undefined) return { state: 'created', status: 'Created' };
    const waiting = isWaitingForRestart(record);
    const since = humanDuration(now - Date.parse(lastEnd.finishedAt));
    return {
      state: waiting ? 'restarting' : 'exited',
      status: `${waiting ? 'Restarting' : 'Exited'} (${lastEnd.exitCode}) ${since} ago`,
    };
  }
  switch (observed.kind) {
    case 'created':
    case 'running':
      return { state: 'running', status: `Up ${humanDuration(now - Date.parse(life.startedAt))}` };
    case 'exited': {
      const waiting = isWaitingForRestart(record);
      return {
        state: waiting ? 'restarting' : 'exited',
        status: `${waiting ? 'Restarting' : 'Exited'} (${observed.exit.exitCode})`,
      };
    }
    default:
      return { state: 'exited', status: 'Exited (unknown)' };
  }
}

/** `gangway port`. */
export function portsOf({ records }: Context, name: string): readonly PortBinding[] {
  return publishedPorts(records.container(name));
}

function publishedPorts(record: ContainerRecord): readonly PortBinding[] {
  return bindingsWhileRunning(record, heldBindingsOf);
}

function bindingsWhileRunning(
  record: ContainerRecord,
  bindings: (life: Run) => readonly PortBinding[],
): readonly PortBinding[] {
  return hasRun(record, bootId()) ? bindings(record.life) : [];
}
