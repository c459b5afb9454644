/**
 * The name server of one container, at 127.0.0.11 in its network namespace.
 *
 * Theory of operation. The resolv.conf of a container in a user-defined network names 127.0.0.11. The sockets are bound to
 * port 61053 of this address, and the container's firewall redirects port 53 to it, so that the container can run its own DNS
 * server at 0.0.0.0:53.
 *
 *     program ── 127.0.0.11:53 ─(DNAT)─ 127.0.0.11:61053 │ socket in the container's namespace, held by this process
 *                                                        ├─ name of its networks: answered here
 *                                                        └─ other name: forwarded by a socket in the namespace of the
 *                                                           container (--dns) or the host
 *
 * Differences from Docker: upstream answers are cached; a dead upstream server does not delay every query; truncated answers are
 * fetched over TCP; container names never leave the host; connections are limited; the TTL is 5 seconds instead of 600.
 */
import { DatagramBuffer, type ReturnPath } from '../../sys/datagram-buffer.ts';
import { bind, closeSocket, listen, openDatagram, openStream, widenReceiveBuffer } from '../../sys/inet-socket.ts';
import { type Watch, whenReadable } from '../../sys/readiness.ts';
import { nameServerAddress } from '../../values/resolver.ts';
import type { OpenEgress } from './egress-opening.ts';
import type { Clock } from './query-fanout.ts';
import { Responder } from './responder.ts';
import { TcpServer } from './tcp-server.ts';
import { type Dial, networkSender } from './upstream-socket.ts';
import type { Zone } from './zone.ts';

const backlog = 64;
/** Holds about 2,500 queries. The kernel's default holds 270, and a lost query delays its client by 5 seconds. */
const receiveBufferBytes = 2 ** 20;
/** UDP queries of one container before other containers get their turn. */
const queriesPerTurn = 64;

/** Descriptors of sockets at one port of 127.0.0.11 in one namespace. */
export interface NameServerSockets {
  readonly udp: number;
  readonly tcp: number;
}

/**
 * Opens the sockets in the namespace of the current thread. Synchronous.
 *
 * @throws KernelError EADDRINUSE if the port is taken, EMFILE
 */
export function openNameServerSockets(port: number): NameServerSockets {
  const udp = openBound(openDatagram, port, (fd) => widenReceiveBuffer(fd, receiveBufferBytes));
  try {
    const tcp = openBound(openStream, port, (fd) => listen(fd, backlog));
    return { udp, tcp };
  } catch (error) {
    closeSocket(udp);
    throw error;
  }
}

function openBound(open: (family: 4) => number, port: number, prepare: (fd: number) => void): number {
  const fd = open(4);
  try {
    bind(fd, { address: nameServerAddress, port });
    prepare(fd);
    return fd;
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
}

/** Starts the name servers of one process, which share a buffer and a clock. */
export class NameServers {
  readonly #buffer = new DatagramBuffer();
  readonly #clock: Clock = {
    now: () => performance.now(),
    after(milliseconds, action) {
      const timer = setTimeout(action, milliseconds);
      return () => clearTimeout(timer);
    },
  };

  /**
   * @param descriptorLimit client and upstream sockets with this file descriptor or a higher one are closed
   * @param open opens the addresses of names for networks with an egress policy
   */
  constructor(
    readonly descriptorLimit = Number.POSITIVE_INFINITY,
    readonly open?: OpenEgress,
  ) {}

  /** Starts a name server. @param sockets the server owns them, also if this throws */
  serve({ udp, tcp }: NameServerSockets, zone: Zone, dial: Dial): NameServer {
    const { descriptorLimit, open } = this;
    const send = networkSender({ dial, buffer: this.#buffer, descriptorLimit });
    const options = { send, clock: this.#clock, ...(open === undefined ? {} : { openEgress: open }) };
    const responder = new Responder(zone, options);
    let tcpServer: TcpServer | undefined;
    try {
      tcpServer = new TcpServer(tcp, responder, descriptorLimit);
      return new NameServer(responder, new UdpServer(udp, responder, this.#buffer), tcpServer);
    } catch (error) {
      // A TcpServer whose constructor throws has closed its socket.
      tcpServer?.close();
      closeSocket(udp);
      throw error;
    }
  }
}

export class NameServer {
  constructor(
    readonly responder: Responder,
    readonly udp: UdpServer,
    readonly tcp: TcpServer,
  ) {}

  updateZone(zone: Zone): void {
    this.responder.updateZone(zone);
  }

  /** Closes all sockets, after which the server needs no namespace. */
  close(): void {
    this.responder.close();
    this.udp.close();
    this.tcp.close();
  }
}

class UdpServer {
  readonly #watch: Watch;
  #open = true;

  /** @param fd a bound socket; the server owns it */
  constructor(
    readonly fd: number,
    readonly responder: Responder,
    readonly buffer: DatagramBuffer,
  ) {
    this.#watch = whenReadable(fd, () => this.#serve());
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch.close();
    closeSocket(this.fd);
  }

  #serve(): void {
    for (let count = 0; count < queriesPerTurn && this.#open; count++) {
      const length = this.buffer.receiveFrom(this.fd);
      if (length === undefined) return;
      this.#answer(this.buffer.payload.subarray(0, length));
    }
  }

  /** The shared buffer holds the client's address only until the next datagram, so a later answer keeps a copy. */
  #answer(message: Buffer): void {
    let path: ReturnPath | undefined;
    let isAnswered = false;
    this.responder.respond(message, 'udp', (answer) => {
      isAnswered = true;
      if (!this.#open) return;
      this.buffer.payload.set(answer);
      if (path === undefined) this.buffer.reply(this.fd, answer.length);
      else this.buffer.sendBack(this.fd, answer.length, path);
    });
    if (!isAnswered) path = this.buffer.returnPath();
  }
}
