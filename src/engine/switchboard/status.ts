/** What the switchboard tells of those who publish. */

import { sumOfCounts } from '../../services/proxy/counters.ts';
import type { Relay } from '../../services/proxy/relay.ts';
import { type ForwardSet, formatHostPorts, type PortPair } from '../../values/forward-set.ts';
import type { RelayTraffic } from '../results.ts';
import { allOf } from './port-diff.ts';
import type { OwnerStatus, Publication } from './protocol.ts';

export function statusOf(
  { owner, name, forwards }: Publication,
  state: Pick<OwnerStatus, 'state' | 'reason'>,
  served: readonly Relay[] = [],
): OwnerStatus {
  const ports = forwards.flatMap((set) => set.ports.map((run) => formatHostPorts(set, run)));
  return { owner, name, ...state, ports, clients: served.reduce((sum, { clients }) => sum + clients, 0) };
}

/** What they have carried: neighbours that lead to the same number are one, as they are one fact of the firewall. */
export function relayTraffic(
  { owner, name }: Publication,
  served: readonly Relay[],
  ledTo: (forwards: readonly ForwardSet[]) => number,
): readonly RelayTraffic[] {
  return runs(served).flatMap((run) => {
    const [first, last] = [run[0]?.forward, run.at(-1)?.forward];
    if (first === undefined || last === undefined) return [];
    const { protocol, hostAddress } = first.group;
    return [
      {
        container: owner,
        name,
        protocol,
        hostAddress,
        hostPort: { first: first.hostPort, last: last.hostPort },
        containerPort: { first: first.containerPort, last: last.containerPort },
        counts: sumOfCounts(run.map((relay) => relay.counts())),
        led: ledTo(allOf(run)),
      },
    ];
  });
}

function runs(served: readonly Relay[]): readonly (readonly Relay[])[] {
  const found: Relay[][] = [];
  for (const relay of served) {
    const run = found.at(-1);
    if (run !== undefined && follows(run.at(-1), relay)) run.push(relay);
    else found.push([relay]);
  }
  return found;
}

function follows(before: Relay | undefined, { forward }: Relay): boolean {
  const behind = before?.forward;
  return (
    behind?.group === forward.group &&
    isIdentity(behind) &&
    isIdentity(forward) &&
    behind.hostPort === forward.hostPort - 1
  );
}

function isIdentity({ hostPort, containerPort }: PortPair): boolean {
  return hostPort === containerPort;
}
