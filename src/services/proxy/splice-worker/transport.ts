/** The calls in which TCP and SCTP connections to a container differ. */
import { type Endpoint, encodeEndpoint } from '../../../sys/inet-socket.ts';
import { MessageCalls } from '../../../sys/sctp-calls.ts';
import { addressOf } from '../../../sys/system-calls.ts';
import type { Counters } from '../counters.ts';
import type { WorkerContext } from './context.ts';
import { SctpDirection } from './sctp-direction.ts';
import { type ConnectionSocket, type Direction, TcpDirection } from './tcp-direction.ts';

export interface Transport {
  /** Opens a socket for a connection to `name`, on behalf of `client`. @returns the descriptor, or the negative errno */
  open(name: Uint8Array, client: number): number;
  /** Starts to connect. @returns 0, or the negative errno */
  connect(fd: number, address: number, length: number): number;
  /** @param inward from the client to the container @param header what `to` gets before all data of `from` */
  newDirection(
    from: ConnectionSocket,
    to: ConnectionSocket,
    inward: boolean,
    counters: Counters,
    header?: Buffer,
  ): Direction;
}

export function tcpTransport(context: WorkerContext): Transport {
  const { tcp } = context;
  return {
    open: (name) => tcp.open(name),
    connect: (fd, address, length) => tcp.connect(fd, address, length),
    newDirection: (from, to, inward, counters, header) => new TcpDirection(from, to, inward, context, counters, header),
  };
}

/** The PROXY protocol knows no SCTP, so there is no header. */
export function sctpTransport({ settings }: WorkerContext): Transport {
  const calls = new MessageCalls(settings.synRetries);
  return {
    open: (name, client) => calls.open(name, client),
    connect: (fd, address, length) => calls.connect(fd, address, length),
    newDirection: (from, to, inward, counters) => new SctpDirection(from, to, inward, calls, counters),
  };
}

/** An encoded socket address, in memory that does not move. */
export interface SocketName {
  readonly bytes: Uint8Array;
  readonly address: number;
}

export function socketName(endpoint: Endpoint): SocketName {
  const bytes = encodeEndpoint(endpoint);
  return { bytes, address: addressOf(bytes) };
}
