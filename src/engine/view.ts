/** Lists: containers, networks, ports. Reads records and looks at processes; changes nothing, needs no lock. */
import { humanDuration } from '../values/age.ts';
import type { PortBinding } from '../values/port.ts';
import type { Context } from './context.ts';
import { observeLife, wantsRestart } from './end.ts';
import type { ContainerState, ContainerSummary, NetworkSummary } from './engine.ts';
import { findDefault } from './networks.ts';
import { predefined } from './predefined.ts';
import type { ContainerRecord } from './records.ts';

/** `gangway ps`, newest first. */
export function list({ records }: Context, all: boolean): readonly ContainerSummary[] {
  return records
    .containers()
    .toReversed()
    .map((record) => summarize(record))
    .filter(({ state }) => all || state === 'running' || state === 'restarting');
}

function summarize(record: ContainerRecord): ContainerSummary {
  const { id, name, request, createdAt, life } = record;
  const { state, status } = describe(record, Date.now());
  const ports = life?.bindings ?? [];
  const exposed = request.expose.filter(
    ({ port, protocol }) => !ports.some((binding) => binding.containerPort === port && binding.protocol === protocol),
  );
  return {
    id,
    name,
    command: request.command,
    state,
    status,
    createdAt: new Date(createdAt),
    network: request.network,
    ports,
    exposed,
  };
}

/** State, and docker's words for it. */
export function describe(
  record: ContainerRecord,
  now: number,
): { readonly state: ContainerState; readonly status: string } {
  const { life, lastEnd } = record;
  if (life === undefined) {
    if (lastEnd === undefined) return { state: 'created', status: 'Created' };
    // An end that nobody saw is followed by no start: it is conmon that sees it and runs `_exited`.
    const waiting = lastEnd.exitCode !== 'unknown' && wantsRestart(record);
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
      const waiting = wantsRestart({ ...record, lastEnd: { ...observed.exit, startedAt: '', finishedAt: '' } });
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
  return records.container(name).life?.bindings ?? [];
}

/** `gangway network ls`: the three predefined ones; `bridge` as it is, or as it will be. */
export function listNetworks(context: Context): readonly NetworkSummary[] {
  const record = findDefault(context.records.networks());
  return predefined(context.records.directories.state).map((network) =>
    network.name === 'bridge' && record !== undefined
      ? { ...network, id: record.id, createdAt: new Date(record.createdAt) }
      : network,
  );
}
