/**
 * Sockets to upstream servers, and the questions that travel by them.
 *
 * Every question has a socket of its own: the kernel gives it a port that nobody can guess, lets in what comes from that
 * server alone, and tells it, and no other question, that nobody is there.
 *
 * @see RFC 5452 (what makes answers hard to forge)
 */
import { Socket } from 'node:net';
import type { DatagramBuffer } from '../../sys/datagram-buffer.ts';
import { closeSocket, connect, openDatagram, openStream, reportUnreachable } from '../../sys/inet-socket.ts';
import { whenReadable } from '../../sys/readiness.ts';
import { hasErrno, ignoring, KernelError } from '../../values/errors.ts';
import { type Upstream, upstreamPort } from '../../values/resolver.ts';
import { TcpMessageReader, withLengthPrefix } from './stream-message.ts';
import { type Cancel, isAnswer, type Protocol, type QueryResult, type SendQuery } from './upstream-query.ts';

/** Opens a socket to a server, in the namespace from which that one is asked. Synchronous. @throws KernelError */
export type Dial = (upstream: Upstream, protocol: Protocol) => number;

export interface SenderOptions {
  readonly dial: Dial;
  readonly buffer: DatagramBuffer;
  /** No socket whose descriptor would be this one or a higher one. */
  readonly descriptorLimit: number;
}

/** Datagrams that one socket may deliver before the others get their turn. */
const turn = 64;

/**
 * A socket to a server, in the namespace in which the thread is: TCP is on its way when this returns.
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

/** Questions over the network. */
export function networkSender(options: SenderOptions): SendQuery {
  return (upstream, protocol, query, report) => {
    const exchange = protocol === 'udp' ? askByDatagram : askByStream;
    return exchange(() => connected(upstream, protocol, options), query, report, options.buffer);
  };
}

/** @returns undefined where there is no way to the server, or no descriptor left */
function connected(
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
    // To enter a namespace takes descriptors, too, which Node opens.
    if (error instanceof KernelError || hasErrno(error, 'EMFILE', 'ENFILE')) return undefined;
    throw error;
  }
}

type Exchange = (
  connected: () => number | undefined,
  query: Buffer,
  report: (outcome: QueryResult) => void,
  buffer: DatagramBuffer,
) => Cancel;

const askByDatagram: Exchange = (connected, query, report, buffer) => {
  const fd = connected();
  if (fd === undefined) return later(() => report({ kind: 'unreachable' }));
  let open = true;
  const end = (outcome?: QueryResult) => {
    if (!open) return;
    open = false;
    watch.close();
    closeSocket(fd);
    if (outcome !== undefined) report(outcome);
  };
  const watch = whenReadable(fd, () => {
    const outcome = receive(fd, query, buffer);
    if (outcome !== undefined) end(outcome);
  });
  buffer.payload.set(query);
  if (!buffer.send(fd, query.length)) later(() => end({ kind: 'unreachable' }));
  return () => end();
};

/** What came on a question's socket; undefined: nothing that concerns it. */
function receive(fd: number, query: Buffer, buffer: DatagramBuffer): QueryResult | undefined {
  for (let count = 0; count < turn; count++) {
    const length = buffer.receive(fd);
    if (length === undefined) return buffer.failure === undefined ? undefined : { kind: 'unreachable' };
    const message = buffer.payload.subarray(0, length);
    if (isAnswer(query, message)) return { kind: 'answer', message: Buffer.from(message) };
  }
  return undefined;
}

/** Begins in a turn of Node's own: what calls this may be a bare callback of the loop, in which its streams can't work. */
const askByStream: Exchange = (connected, query, report) => {
  let socket: Socket | undefined;
  const begin = later(() => {
    const fd = connected();
    if (fd === undefined) report({ kind: 'unreachable' });
    else socket = converse(new Socket({ fd }), query, report);
  });
  return () => {
    begin();
    socket?.removeAllListeners('data').removeAllListeners('close').destroy();
  };
};

function converse(socket: Socket, query: Buffer, report: (outcome: QueryResult) => void): Socket {
  const messages = new TcpMessageReader();
  let outcome: QueryResult = { kind: 'unreachable' };
  socket.on('data', (bytes: Buffer) => {
    const found = messages.push(bytes).find((message) => isAnswer(query, message));
    if (found === undefined) return;
    outcome = { kind: 'answer', message: Buffer.from(found) };
    socket.destroy();
  });
  // 'close' follows, and says enough.
  socket.on('error', () => {});
  socket.on('end', () => socket.destroy());
  socket.on('close', () => report(outcome));
  socket.write(withLengthPrefix(query));
  return socket;
}

function later(action: () => void): Cancel {
  const scheduled = setImmediate(action);
  return () => clearImmediate(scheduled);
}
