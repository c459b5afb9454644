/** One client of a published UDP port, and its own socket to the container. */
import type { DatagramBatch, Path } from '../../../sys/datagram-batch.ts';
import { readable } from '../../../sys/epoll.ts';
import { connect, openDatagram } from '../../../sys/inet-socket.ts';
import { KernelError } from '../../../values/errors.ts';
import type { Counters } from '../counters.ts';
import { type Destination, targetOf } from '../socket-forward.ts';
import type { Timed } from '../udp-flow-lru.ts';
import { widenQueue } from './datagram-queue.ts';
import type { Watcher } from './event-loop.ts';
import type { Means } from './shared.ts';

export interface FlowOwner {
  /** The socket on which the client asked. */
  readonly fd: number;
  readonly destination: Destination;
  readonly counters: Counters;
  readonly means: Means;
  readonly datagrams: DatagramBatch;
  /** Something goes along this flow. */
  use(flow: DatagramFlow): void;
}

export class DatagramFlow implements Watcher, Timed {
  usedAt: number;
  linedUpAt: number;

  private constructor(
    readonly owner: FlowOwner,
    readonly hash: number,
    readonly path: Path,
    readonly fd: number,
  ) {
    this.usedAt = owner.means.loop.now;
    this.linedUpAt = this.usedAt;
  }

  /**
   * @param place of its first datagram
   * @returns undefined where the container can't be reached, or descriptors ran out: that datagram gets lost, and is counted
   */
  static begin(owner: FlowOwner, hash: number, place: number): DatagramFlow | undefined {
    const { descriptors, loop } = owner.means;
    const target = targetOf(owner.destination, owner.datagrams.family(place));
    let fd: number | undefined;
    try {
      fd = openDatagram(target.address.family);
      descriptors.own(fd);
      if (!descriptors.allow(fd)) throw new KernelError('open socket', 'EMFILE');
      widenQueue(fd);
      connect(fd, target);
      const flow = new DatagramFlow(owner, hash, owner.datagrams.path(place), fd);
      loop.watch(fd, readable, flow);
      return flow;
    } catch (error) {
      if (fd !== undefined) descriptors.close(fd);
      // Whatever the kernel has against it (no route, no descriptors), what is lost is one datagram.
      if (!(error instanceof KernelError)) throw error;
      owner.counters.notBegun(error.errno);
      return undefined;
    }
  }

  /** The container has answered; or has refused, which is an error that receiving takes away. */
  ready(): void {
    const { datagrams, counters } = this.owner;
    const count = datagrams.receiveFromPeer(this.fd);
    if (count <= 0) {
      counters.failed('refused', datagrams.takeRefusals());
      return;
    }
    this.owner.use(this);
    const sent = datagrams.sendBack(this.owner.fd, count, this.path);
    let bytes = 0;
    for (let place = 0; place < count; place++) bytes += datagrams.lengthFromPeer(place);
    counters.carriedDatagrams(false, count, bytes);
    if (sent < count) counters.dropped('unsent', count - sent);
  }

  end(): void {
    this.owner.means.loop.forget(this.fd);
    this.owner.means.descriptors.close(this.fd);
  }
}
