/** The ports column of `ps`. */
import { formatHost } from '../values/address.ts';
import { order } from '../values/order.ts';
import type { Port, PortBinding } from '../values/port.ts';

/** A port as it is listed: exposed only, or published at an address of the host. */
interface Listed {
  readonly host: string;
  readonly hostPort: number;
  readonly port: number;
  readonly protocol: string;
}

/**
 * The ports column of `ps`: `0.0.0.0:8080->80/tcp, [::]:8080->80/tcp`.
 *
 * Neighbouring ports are drawn together as docker does it, which is where they are exposed only or where host and
 * container have the same numbers: `0.0.0.0:8000-8002->8000-8002/tcp`. Those come first.
 */
export function formatPorts(bindings: readonly PortBinding[], exposed: readonly Port[]): string {
  const open = new Map<string, { first: Listed; last: number }>();
  const runs: string[] = [];
  const single: string[] = [];
  for (const entry of listed(bindings, exposed)) {
    if (entry.host !== '' && entry.hostPort !== entry.port) {
      single.push(`${entry.host}:${entry.hostPort}->${entry.port}/${entry.protocol}`);
      continue;
    }
    const key = `${entry.host}/${entry.protocol}`;
    const run = open.get(key);
    if (run !== undefined && entry.port === run.last + 1) {
      run.last = entry.port;
      continue;
    }
    if (run !== undefined) runs.push(formatRun(run.first, run.last));
    open.set(key, { first: entry, last: entry.port });
  }
  const rest = [...open.values()].map(({ first, last }) => formatRun(first, last));
  return [...runs, ...rest, ...single].join(', ');
}

function listed(bindings: readonly PortBinding[], exposed: readonly Port[]): readonly Listed[] {
  return [
    ...exposed.map(({ port, protocol }) => ({ host: '', hostPort: 0, port, protocol })),
    ...bindings.map(({ hostAddress, hostPort, containerPort, protocol }) => {
      return { host: formatHost(hostAddress), hostPort, port: containerPort, protocol };
    }),
  ].sort(
    (a, b) => a.port - b.port || order(a.host, b.host) || a.hostPort - b.hostPort || order(a.protocol, b.protocol),
  );
}

function formatRun({ host, port, protocol }: Listed, last: number): string {
  const ports = port === last ? String(port) : `${port}-${last}`;
  return host === '' ? `${ports}/${protocol}` : `${host}:${ports}->${ports}/${protocol}`;
}
