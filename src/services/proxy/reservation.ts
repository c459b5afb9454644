/**
 * Holding ports before anything is served on them.
 *
 * Theory of operation. A port is the one resource of a published container that other programs compete for, and
 * bind(2) is the only honest way to ask for it: whoever binds has it. So all sockets of a container are bound first,
 * then the firewall's plan is applied, and then the sockets are served:
 *
 *     reserve()            bind, with the door closed          SYNs and datagrams are dropped, as if lost on the way
 *     … apply the plan …                                       may fail: release(), and nobody has noticed
 *     serve()              listen, accept, open the door       the client's retransmitted SYN gets in
 *
 * Without the door (a socket filter that drops everything) the kernel would complete handshakes from listen(2) on, and
 * a failing plan would hang up on clients that were already connected.
 *
 * What differs from Docker: nothing in the order; Docker too listens only when every address is bound.
 *
 * @see socket-filter.ts
 */
import { portHolder } from '../../kernel/port-holder.ts';
import { isSocketOf, prepareForeign } from '../../sys/adopt-socket.ts';
import { closeDoor, openDoor } from '../../sys/drop-filter.ts';
import { bind, closeSocket, listen, longestBacklog, openDatagram, openStream } from '../../sys/inet-socket.ts';
import { formatAddress } from '../../values/address.ts';
import { type ErrorCode, GangwayError, hasErrno } from '../../values/errors.ts';
import { hasConnections, type PortBinding } from '../../values/port.ts';
import { formatBinding } from '../../values/port-grammar.ts';
import type { Carrier, Relay } from './relay.ts';
import { forwardOf, forwardsOf, type SocketForward } from './socket-forward.ts';

/** One bound socket, with its door closed if it is our own. Either served or released, once. */
export class Reservation {
  /** @param foreign somebody else has bound it, and put before it what he wanted */
  constructor(
    readonly forward: SocketForward,
    readonly fd: number,
    readonly foreign = false,
  ) {}

  /** Lets in whom we have kept out. */
  open(): void {
    if (!this.foreign) openDoor(this.fd);
  }

  /** Gives the port back, unserved. */
  release(): void {
    closeSocket(this.fd);
  }
}

/**
 * Binds every host address of `forwards`, or none.
 *
 * @throws GangwayError port-in-use, with the program and the process that hold it; invalid-address if the host has no
 *   such address; not-root below port 1024; not-supported without IPv6 or SCTP in the kernel
 */
export function reserve(forwards: readonly SocketForward[]): readonly Reservation[] {
  const reserved: Reservation[] = [];
  try {
    for (const forward of forwards) reserved.push(reserveOne(forward));
    const streams = reserved.filter(({ forward }) => hasConnections(forward.way.protocol));
    for (const { forward, fd } of streams) explained(forward, () => listen(fd, longestBacklog));
    return reserved;
  } catch (error) {
    for (const reservation of reserved) reservation.release();
    throw error;
  }
}

/**
 * Takes over a socket that somebody else has bound for this.
 *
 * @param fd closed if this throws
 * @throws GangwayError invalid-option if it is no such socket
 */
export function adopt(forward: SocketForward, fd: number): Reservation {
  const { protocol, hostAddress } = forward.way;
  try {
    if (!isSocketOf(fd, protocol, hostAddress.family)) throw foreigner(forward);
    prepareForeign(fd, protocol, hostAddress.family);
    if (hasConnections(protocol)) listen(fd, longestBacklog);
    return new Reservation(forward, fd, true);
  } catch (error) {
    closeSocket(fd);
    throw hasErrno(error, 'ENOTSOCK') ? foreigner(forward) : error;
  }
}

function foreigner(forward: SocketForward): GangwayError {
  const wanted = formatBinding(forwardOf(forward).binding);
  return new GangwayError('invalid-option', `what was handed over is no socket for ${wanted}`);
}

/**
 * Serves all of them, or none: then all their sockets are closed. Nobody is let in before the last one can serve.
 *
 * @throws KernelError if the kernel can't watch one more socket
 */
export function serve(reservations: readonly Reservation[], carrier: Carrier): readonly Relay[] {
  const relays: Relay[] = [];
  try {
    for (const { forward, fd } of reservations) relays.push(carrier.serve(fd, forward));
    for (const reservation of reservations) reservation.open();
    return relays;
  } catch (error) {
    for (const served of relays) void served.withdraw();
    // The relay that could not be made has closed its own.
    for (const reservation of reservations.slice(relays.length + 1)) reservation.release();
    throw error;
  }
}

function reserveOne(forward: SocketForward): Reservation {
  const { way, hostPort } = forward;
  return explained(forward, () => {
    const spoken = way.isShared ? 'both' : way.hostAddress.family;
    const fd = way.protocol === 'udp' ? openDatagram(spoken) : openStream(spoken, way.protocol);
    try {
      closeDoor(fd);
      bind(fd, { address: way.hostAddress, port: hostPort });
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
    throw (hasErrno(error, 'EADDRINUSE') && refusedAlone(forward)) || explain(forwardOf(forward).binding, error);
  }
}

/** Of a socket for both families: why that of one of them can't be had. */
function refusedAlone(forward: SocketForward): unknown {
  const { way } = forward;
  if (!way.isShared) return undefined;
  for (const { binding } of forwardsOf(forward)) {
    try {
      const alone = { ...forward, way: { ...way, hostAddress: binding.hostAddress, isShared: false } };
      for (const reservation of reserve([alone])) reservation.release();
    } catch (refusal) {
      return refusal;
    }
  }
  return undefined;
}

/** The kernel's refusal in the words of the person who wants to publish. */
function explain(binding: PortBinding, cause: unknown): unknown {
  if (hasErrno(cause, 'EADDRINUSE')) {
    const holder = portHolder(binding.protocol, binding.hostAddress, binding.hostPort);
    const who = holder === undefined ? 'a process out of sight' : `${holder.program} (pid ${holder.pid})`;
    const subject = formatBinding(binding);
    return new GangwayError('port-in-use', `port ${subject} is in use by ${who}`, {
      subject,
      hint: 'stop it, or publish another host port',
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
