/**
 * Sockets to upstream servers.
 *
 * Each query has its own connected socket: the kernel chooses an unpredictable port, accepts only datagrams from that server,
 * and reports ICMP errors to that query alone.
 *
 * @see RFC 5452 (how to make answers hard to forge)
 */
import { Socket } from 'node:net';
import type { DatagramBuffer } from '../../sys/datagram-buffer.ts';
import { closeSocket, connect, openDatagram, openStream, reportUnreachable } from '../../sys/inet-socket.ts';
import { whenReadable } from '../../sys/readiness.ts';
import { hasErrno, ignoring, KernelError } from '../../values/errors.ts';
import { type Upstream, upstreamPort } from '../../values/resolver.ts';
import { TcpMessageReader, withLengthPrefix } from './message.ts';
import { type Cancel, isAnswer, type Protocol, type QueryResult, type SendQuery } from './upstream.ts';

/** Opens a socket to a server, in the namespace of the upstream's `place`. Synchronous. @throws KernelError */
export type Dial = (upstream: Upstream, protocol: Protocol) => number;

export interface SenderOptions {
  readonly dial: Dial;
  readonly buffer: DatagramBuffer;
  /** Sockets with this file descriptor or a higher one are closed. */
  readonly descriptorLimit: number;
}

/** Datagrams of one socket before other sockets get their turn. */
const datagramsPerTurn = 64;

/**
 * Opens a socket to a server in the namespace of the current thread. A TCP connection may still be in progress on return.
 *
 * @throws KernelError ENETUNREACH, EAFNOSUPPORT, EMFILE
 */
export function dialUpstream({ address }: Upstream, protocol: Protocol): number {
  const fd = protocol === 'udp' ? openDatagram(address.family) : openStream(address.family);
  try {
    if (protocol === 'udp') reportUnreachable(fd, address.family);
    ignoring('EINPROGRESS', () => connect(fd, { address, port: upstreamPort }));
    return fd;
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
}

/** Returns a function that sends queries over the network. */
export function networkSender(options: SenderOptions): SendQuery {
  return (upstream, protocol, query, report) => {
    const exchange = protocol === 'udp' ? sendOverUdp : sendOverTcp;
    return exchange(() => openConnected(upstream, protocol, options), query, report, options.buffer);
  };
}

/** Opens a connected socket; undefined without a route to the server or a free descriptor. */
function openConnected(
  upstream: Upstream,
  protocol: Protocol,
  { dial, descriptorLimit }: SenderOptions,
): number | undefined {
  try {
    const fd = dial(upstream, protocol);
    if (fd < descriptorLimit) return fd;
    closeSocket(fd);
    return undefined;
  } catch (error) {
    // Node opens descriptors, too, to enter a namespace.
    if (error instanceof KernelError || hasErrno(error, 'EMFILE', 'ENFILE')) return undefined;
    throw error;
  }
}

type Exchange = (
  open: () => number | undefined,
  query: Buffer,
  report: (outcome: QueryResult) => void,
  buffer: DatagramBuffer,
) => Cancel;

const sendOverUdp: Exchange = (open, query, report, buffer) => {
  const fd = open();
  if (fd === undefined) return defer(() => report({ kind: 'unreachable' }));
  let isOpen = true;
  const end = (outcome?: QueryResult) => {
    if (!isOpen) return;
    isOpen = false;
    watch.close();
    closeSocket(fd);
    if (outcome !== undefined) report(outcome);
  };
  const watch = whenReadable(fd, () => {
    const outcome = receive(fd, query, buffer);
    if (outcome !== undefined) end(outcome);
  });
  buffer.payload.set(query);
  if (!buffer.send(fd, query.length)) defer(() => end({ kind: 'unreachable' }));
  return () => end();
};

/** Reads a query's socket; undefined if no datagram answers the query. */
function receive(fd: number, query: Buffer, buffer: DatagramBuffer): QueryResult | undefined {
  for (let count = 0; count < datagramsPerTurn; count++) {
    const length = buffer.receive(fd);
    if (length === undefined) return buffer.failure === undefined ? undefined : { kind: 'unreachable' };
    const message = buffer.payload.subarray(0, length);
    if (isAnswer(query, message)) return { kind: 'answer', message: Buffer.from(message) };
  }
  return undefined;
}

/** Starts in a later turn of Node's event loop: Node's streams do not work in a callback of native code, which may call this. */
const sendOverTcp: Exchange = (open, query, report) => {
  let socket: Socket | undefined;
  const begin = defer(() => {
    const fd = open();
    if (fd === undefined) report({ kind: 'unreachable' });
    else socket = exchangeOverTcp(new Socket({ fd }), query, report);
  });
  return () => {
    begin();
    socket?.removeAllListeners('data').removeAllListeners('close').destroy();
  };
};

function exchangeOverTcp(socket: Socket, query: Buffer, report: (outcome: QueryResult) => void): Socket {
  const messages = new TcpMessageReader();
  let outcome: QueryResult = { kind: 'unreachable' };
  socket.on('data', (bytes: Buffer) => {
    const found = messages.push(bytes).find((message) => isAnswer(query, message));
    if (found === undefined) return;
    outcome = { kind: 'answer', message: Buffer.from(found) };
    socket.destroy();
  });
  // 'close' follows.
  socket.on('error', () => {});
  socket.on('end', () => socket.destroy());
  socket.on('close', () => report(outcome));
  socket.write(withLengthPrefix(query));
  return socket;
}

function defer(action: () => void): Cancel {
  const scheduled = setImmediate(action);
  return () => clearImmediate(scheduled);
}
