/** Lists: containers, networks, ports. Reads records and looks at processes; changes nothing, needs no lock. */
import { bootId } from '../kernel/boot.ts';
import { humanDuration } from '../values/age.ts';
import type { NetworkMode } from '../values/network.ts';
import type { Port, PortBinding } from '../values/port.ts';
import { formatPort } from '../values/port-grammar.ts';
import type { Context } from './context.ts';
import { awaitsRestart, observeLife } from './end.ts';
import type { ContainerState, ContainerSummary } from './engine.ts';
import { listNetworks } from './inspect-network.ts';
import { bindingsOf, type ContainerRecord, heldBindingsOf, isLiving, type Life } from './record.ts';

/** `gangway ps`, newest first. */
export function list(context: Context, all: boolean): readonly ContainerSummary[] {
  const ids = new Map(listNetworks(context).map(({ id, name }) => [name, id]));
  return context.records
    .containers()
    .toReversed()
    .map((record) => summarize(record, ids))
    .filter(({ state }) => all || state === 'running' || state === 'restarting');
}

function summarize(record: ContainerRecord, networkIds: ReadonlyMap<string, string>): ContainerSummary {
  const { id, name, request, network, createdAt } = record;
  const { state, status } = describe(record, Date.now());
  const ports = held(record);
  const opened = living(record, bindingsOf).map(({ containerPort: port, protocol }): Port => ({ port, protocol }));
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

/** State, and docker's words for it. */
export function describe(
  record: ContainerRecord,
  now: number,
): { readonly state: ContainerState; readonly status: string } {
  const { life, lastEnd } = record;
  if (life === undefined) {
    if (lastEnd === undefined) return { state: 'created', status: 'Created' };
    // An end that nobody saw is followed by no start: it is conmon that sees it and runs `_exited`, which waits for as long as
    // the machine runs.
    const waiting = lastEnd.exitCode !== 'unknown' && lastEnd.boot === bootId() && awaitsRestart(record);
    const since = humanDuration(now - Date.parse(lastEnd.finishedAt));
    return {
      state: waiting ? 'restarting' : 'exited',
      status: `${waiting ? 'Restarting' : 'Exited'} (${lastEnd.exitCode}) ${since} ago`,
    };
  }
  const observed = observeLife(life);
  const since = humanDuration(now - Date.parse(life.startedAt));
  switch (observed.kind) {
    case 'created':
    case 'running':
      return { state: 'running', status: `Up ${since}` };
    case 'exited': {
      // Nobody has cleaned up yet: whether it starts again is decided then.
      const waiting = awaitsRestart({ ...record, lastEnd: { ...observed.exit, startedAt: '', finishedAt: '' } });
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
  return held(records.container(name));
}

function held(record: ContainerRecord): readonly PortBinding[] {
  return living(record, heldBindingsOf);
}

function living(record: ContainerRecord, bindings: (life: Life) => readonly PortBinding[]): readonly PortBinding[] {
  return isLiving(record, bootId()) ? bindings(record.life) : [];
}
