/**
 * The name server of one container, at 127.0.0.11 within it.
 *
 * Theory of operation. A container of a user-defined network finds 127.0.0.11 in its resolv.conf. Nobody listens at port 53
 * there, so that a container may serve DNS itself at 0.0.0.0:53: the sockets are bound to port 61053 of that address, and
 * the container's own firewall leads port 53 to it.
 *
 *     program ── 127.0.0.11:53 ─(DNAT)─ 127.0.0.11:61053 │ socket of the container's namespace, held by this process
 *                                                        ├─ a name of its networks: answered
 *                                                        └─ else: a socket to an upstream server, opened in the
 *                                                           container's namespace (--dns) or the machine's
 *
 * What differs from Docker: answers are remembered as long as their servers allow, a dead server does not cost every
 * question four seconds, cut answers are fetched whole, no name of a container leaves the machine, the number of
 * connections is bounded, and an answer of ours may be believed for 5 seconds and not for 10 minutes.
 */
import { DatagramBuffer } from '../../sys/datagram-buffer.ts';
import { bind, closeSocket, listen, openDatagram, openStream, widenReceiveBuffer } from '../../sys/inet-socket.ts';
import { nameServerAddress } from '../../values/resolver.ts';
import { UdpServer } from './datagram-server.ts';
import type { OpenEgress } from './egress-opening.ts';
import type { Clock } from './query-fanout.ts';
import { Responder } from './responder.ts';
import { TcpServer } from './stream-server.ts';
import { type Dial, networkSender } from './upstream-socket.ts';
import type { Zone } from './zone.ts';

/** Connections that may wait to be accepted. */
const backlog = 64;
/** For some 2,500 questions that come at once. The kernel's default holds 270, and each one beyond costs its asker 5 seconds. */
const datagramBufferBytes = 2 ** 20;

/** Descriptors of sockets at one port of 127.0.0.11, of the namespace in which they were opened. */
export interface NameServerSockets {
  readonly udp: number;
  readonly tcp: number;
}

/**
 * Opens them in the namespace in which the thread is. Synchronous.
 *
 * @throws KernelError EADDRINUSE if the port is taken, EMFILE
 */
export function openNameServerSockets(port: number): NameServerSockets {
  const datagram = openBound(openDatagram, port, (fd) => widenReceiveBuffer(fd, datagramBufferBytes));
  try {
    const stream = openBound(openStream, port, (fd) => listen(fd, backlog));
    return { udp: datagram, tcp: stream };
  } catch (error) {
    closeSocket(datagram);
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

/** What the name servers of one process share. */
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
   * @param descriptorLimit no socket of a client or to an upstream server has this descriptor or a higher one
   * @param open what opens the addresses of names
   */
  constructor(
    readonly descriptorLimit = Number.POSITIVE_INFINITY,
    readonly open?: OpenEgress,
  ) {}

  /** @param sockets the server's from now on, also if this throws */
  serve(sockets: NameServerSockets, zone: Zone, dial: Dial): NameServer {
    const { descriptorLimit, open } = this;
    const ask = networkSender({ dial, buffer: this.#buffer, descriptorLimit });
    const responder = new Responder(zone, {
      send: ask,
      clock: this.#clock,
      ...(open === undefined ? {} : { openEgress: open }),
    });
    const { udp: datagram, tcp: stream } = sockets;
    let byStream: TcpServer | undefined;
    try {
      byStream = new TcpServer(stream, responder, { descriptorLimit });
      return new NameServer(responder, new UdpServer(datagram, responder, this.#buffer), byStream);
    } catch (error) {
      // One that is not there has closed its socket.
      byStream?.close();
      closeSocket(datagram);
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

  /** Answers by another zone from now on. */
  updateZone(zone: Zone): void {
    this.responder.updateZone(zone);
  }

  /** Nothing is answered, and no namespace is needed any more, when this returns. */
  close(): void {
    this.responder.close();
    this.udp.close();
    this.tcp.close();
  }
}
