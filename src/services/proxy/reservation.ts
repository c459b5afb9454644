/**
 * Reserves host ports before they are served.
 *
 * Other programs compete for ports, and only bind(2) tells reliably whether a port is free. So all sockets of a container
 * are bound first, then the plan of the firewall is applied, and then the sockets are served:
 *
 *     reserve()            bind, listen, with a drop filter    SYNs and datagrams are dropped, as if lost on the way
 *     … apply the plan …                                       may fail: release(), and no client has noticed
 *     serve()              accept, remove the drop filter      the client's retransmitted SYN arrives
 *
 * Without the filter, the kernel would complete handshakes from listen(2) on, and a failed plan would reset clients that were
 * connected already. Docker uses the same order: it listens only when all addresses are bound.
 *
 * @see drop-filter.ts
 */
import { portHolder } from '../../kernel/port-holder.ts';
import { isSocketOf, prepareForeign } from '../../sys/adopt-socket.ts';
import { closeDoor, openDoor } from '../../sys/drop-filter.ts';
import { bind, closeSocket, listen, longestBacklog, openDatagram, openStream } from '../../sys/inet-socket.ts';
import { formatAddress } from '../../values/address.ts';
import { type ErrorCode, GangwayError, hasErrno } from '../../values/errors.ts';
import { hasConnections, type PortBinding } from '../../values/port.ts';
import { formatBinding } from '../../values/port-grammar.ts';
import type { Relay } from './relay.ts';
import { forwardOf, forwardsOf, type SocketForward } from './socket-forward.ts';
import type { SpliceWorker } from './splice-worker/splice-worker.ts';

/** A bound socket, which is either served or released, once. */
export class Reservation {
  /** @param foreign another process has bound the socket; it has no drop filter of ours */
  constructor(
    readonly forward: SocketForward,
    readonly fd: number,
    readonly foreign = false,
  ) {}

  /** Removes the drop filter. */
  open(): void {
    if (!this.foreign) openDoor(this.fd);
  }

  release(): void {
    closeSocket(this.fd);
  }
}

/**
 * Binds all sockets of `forwards`, or none.
 *
 * @throws GangwayError port-in-use, with the program and the process that hold the port; invalid-address if the host has no
 *   such address; not-root below port 1024; not-supported without IPv6 or SCTP in the kernel
 */
export function reserve(forwards: readonly SocketForward[]): readonly Reservation[] {
  const reserved: Reservation[] = [];
  try {
    for (const forward of forwards) reserved.push(reserveOne(forward));
    const streams = reserved.filter(({ forward }) => hasConnections(forward.group.protocol));
    for (const { forward, fd } of streams) explained(forward, () => listen(fd, longestBacklog));
    return reserved;
  } catch (error) {
    for (const reservation of reserved) reservation.release();
    throw error;
  }
}

/**
 * Takes over a socket that another process has bound.
 *
 * @param fd closed if this throws
 * @throws GangwayError invalid-option if the socket has another protocol or family
 */
export function adopt(forward: SocketForward, fd: number): Reservation {
  const { protocol, hostAddress } = forward.group;
  try {
    if (!isSocketOf(fd, protocol, hostAddress.family)) throw notSuitable(forward);
    prepareForeign(fd, protocol, hostAddress.family);
    if (hasConnections(protocol)) listen(fd, longestBacklog);
    return new Reservation(forward, fd, true);
  } catch (error) {
    closeSocket(fd);
    throw hasErrno(error, 'ENOTSOCK') ? notSuitable(forward) : error;
  }
}

function notSuitable(forward: SocketForward): GangwayError {
  const binding = formatBinding(forwardOf(forward).binding);
  return new GangwayError('invalid-option', `invalid descriptor: not a socket for ${binding}`);
}

/**
 * Serves all reservations, or closes all their sockets. Clients can connect when all sockets are served.
 *
 * @throws GangwayError not-supported if the kernel refuses a system call of the worker; KernelError ENOSPC beyond fs.epoll.max_user_watches
 */
export function serve(reservations: readonly Reservation[], worker: Pick<SpliceWorker, 'serve'>): readonly Relay[] {
  const relays: Relay[] = [];
  try {
    for (const { forward, fd } of reservations) relays.push(worker.serve(fd, forward));
    for (const reservation of reservations) reservation.open();
    return relays;
  } catch (error) {
    for (const served of relays) void served.drain();
    // The worker has closed the socket that it could not serve.
    for (const reservation of reservations.slice(relays.length + 1)) reservation.release();
    throw error;
  }
}

function reserveOne(forward: SocketForward): Reservation {
  const { group, hostPort } = forward;
  return explained(forward, () => {
    const spoken = group.isDualStack ? 'both' : group.hostAddress.family;
    const fd = group.protocol === 'udp' ? openDatagram(spoken) : openStream(spoken, group.protocol);
    try {
      closeDoor(fd);
      bind(fd, { address: group.hostAddress, port: hostPort });
    } catch (error) {
      closeSocket(fd);
      throw error;
    }
    return new Reservation(forward, fd);
  });
}

function explained<T>(forward: SocketForward, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw (hasErrno(error, 'EADDRINUSE') && singleFamilyError(forward)) || explain(forwardOf(forward).binding, error);
  }
}

/** Returns the error of the family whose port is in use, for a dual-stack socket. */
function singleFamilyError(forward: SocketForward): unknown {
  const { group } = forward;
  if (!group.isDualStack) return undefined;
  for (const { binding } of forwardsOf(forward)) {
    try {
      const { hostAddress } = binding;
      const alone: SocketForward = { ...forward, group: { ...group, hostAddress, isDualStack: false } };
      for (const reservation of reserve([alone])) reservation.release();
    } catch (refusal) {
      return refusal;
    }
  }
  return undefined;
}

/** Explains an errno of the kernel to the user. */
function explain(binding: PortBinding, cause: unknown): unknown {
  if (hasErrno(cause, 'EADDRINUSE')) {
    const holder = portHolder(binding.protocol, binding.hostAddress, binding.hostPort);
    const user = holder === undefined ? 'an unknown process' : `${holder.program} (pid ${holder.pid})`;
    const subject = formatBinding(binding);
    return new GangwayError('port-in-use', `port ${subject} is in use by ${user}`, {
      subject,
      hint: 'stop that process, or publish another host port',
      cause,
    });
  }
  const known = refusals.find(({ errnos }) => hasErrno(cause, ...errnos));
  if (known === undefined) return cause;
  return new GangwayError(known.code, known.message(binding), { hint: known.hint, cause });
}

interface Refusal {
  readonly errnos: readonly string[];
  readonly code: ErrorCode;
  message(binding: PortBinding): string;
  readonly hint: string;
}

const refusals: readonly Refusal[] = [
  {
    errnos: ['EADDRNOTAVAIL'],
    code: 'invalid-address',
    message: ({ hostAddress }) => `cannot publish on ${formatAddress(hostAddress)}: this host has no such address`,
    hint: '`ip address` lists the addresses of this host',
  },
  {
    errnos: ['EACCES', 'EPERM'],
    code: 'not-root',
    message: (binding) => `port ${formatBinding(binding)} is reserved for root`,
    hint: 'publish a host port from 1024 on, or run as root',
  },
  {
    errnos: ['EAFNOSUPPORT'],
    code: 'not-supported',
    message: ({ hostAddress }) => `cannot publish on ${formatAddress(hostAddress)}: the kernel runs without IPv6`,
    hint: 'publish on an IPv4 address: -p 0.0.0.0:…',
  },
  {
    errnos: ['EPROTONOSUPPORT'],
    code: 'not-supported',
    message: (binding) =>
      `cannot publish port ${formatBinding(binding)}: the kernel has no ${binding.protocol.toUpperCase()} (Protocol not supported)`,
    hint: '`modprobe sctp` loads it where it is a module, as in Debian’s linux-image-amd64',
  },
  {
    errnos: ['EMFILE', 'ENFILE'],
    code: 'not-supported',
    message: (binding) => `cannot publish port ${formatBinding(binding)}: too many open files`,
    hint: 'raise the limit of open files (`ulimit -n`), or publish fewer ports',
  },
];
