/** One client of a published UDP port, and its socket to the container. */
import type { DatagramBatch, Path } from '../../../sys/datagram-batch.ts';
import { readable } from '../../../sys/epoll.ts';
import { connect, openDatagram, widenReceiveBuffer } from '../../../sys/inet-socket.ts';
import { ignoring, KernelError } from '../../../values/errors.ts';
import type { Counters } from '../counters.ts';
import { type Destination, targetOf } from '../socket-forward.ts';
import type { WorkerContext } from './context.ts';
import type { EventHandler } from './event-loop.ts';
import type { FlowTimes } from './flow-lru.ts';

/**
 * Bytes of a receive queue; the kernel doubles them, and counts its own overhead. The default queue holds 90 datagrams of
 * 1,400 bytes, and drops the rest of a burst. With this size, half as many again arrived on a busy machine. Only waiting
 * datagrams take memory, and net.ipv4.udp_mem bounds the memory of all sockets.
 */
const queueBytes = 1 << 20;

/** Widens the receive queue of a UDP socket. Without CAP_NET_ADMIN it stays as it is. */
export function widenDatagramQueue(fd: number): void {
  ignoring('EPERM', () => widenReceiveBuffer(fd, queueBytes));
}

export interface FlowOwner {
  /** The published socket, on which the client's datagrams arrive. */
  readonly fd: number;
  readonly destination: Destination;
  readonly counters: Counters;
  readonly context: WorkerContext;
  readonly datagrams: DatagramBatch;
  /** Records a datagram of the flow. */
  touch(flow: DatagramFlow): void;
}

export class DatagramFlow implements EventHandler, FlowTimes {
  usedAt: number;
  movedAt: number;

  private constructor(
    readonly owner: FlowOwner,
    readonly hash: number,
    readonly path: Path,
    readonly fd: number,
  ) {
    this.usedAt = owner.context.loop.now;
    this.movedAt = this.usedAt;
  }

  /**
   * Opens the flow of the datagram at `place` in the batch.
   *
   * @returns undefined if the container is unreachable, or no descriptor is left: the datagram is lost, and counted
   */
  static open(owner: FlowOwner, hash: number, place: number): DatagramFlow | undefined {
    const { descriptors, loop } = owner.context;
    const target = targetOf(owner.destination, owner.datagrams.family(place));
    let fd: number | undefined;
    try {
      fd = openDatagram(target.address.family);
      descriptors.add(fd);
      if (!descriptors.isAllowed(fd)) throw new KernelError('open socket', 'EMFILE');
      widenDatagramQueue(fd);
      connect(fd, target);
      const flow = new DatagramFlow(owner, hash, owner.datagrams.path(place), fd);
      loop.watch(fd, readable, flow);
      return flow;
    } catch (error) {
      if (fd !== undefined) descriptors.close(fd);
      if (!(error instanceof KernelError)) throw error;
      owner.counters.addFailedFlow(error.errno);
      return undefined;
    }
  }

  /** Relays answers of the container. A refusal (ICMP port unreachable) is an error that receiving clears. */
  onEvents(): void {
    const { datagrams, counters } = this.owner;
    const count = datagrams.receiveFromPeer(this.fd);
    if (count <= 0) {
      counters.addError('refused', datagrams.takeRefusals());
      return;
    }
    this.owner.touch(this);
    const sent = datagrams.sendBack(this.owner.fd, count, this.path);
    let bytes = 0;
    for (let place = 0; place < count; place++) bytes += datagrams.lengthFromPeer(place);
    counters.addDatagrams(false, count, bytes);
    if (sent < count) counters.addDrop('unsent', count - sent);
  }

  close(): void {
    this.owner.context.loop.unwatch(this.fd);
    this.owner.context.descriptors.close(this.fd);
  }
}
