/** Relays of Node's own sockets, on this thread: for where the engine can't work. Node has no SCTP: its ports are held. */
import { type DatagramOptions, DatagramRelays } from './datagram-relay.ts';
import type { Carrier, Relay } from './relay.ts';
import { HeldPort } from './reserved-port.ts';
import type { SocketForward } from './socket-forward.ts';
import { StreamRelay } from './stream-relay.ts';

export class NodeRelays implements Carrier {
  readonly #datagrams: DatagramRelays;

  constructor(readonly options: DatagramOptions = {}) {
    this.#datagrams = new DatagramRelays(options);
  }

  serve(fd: number, forward: SocketForward): Relay {
    if (forward.way.protocol === 'tcp') return new StreamRelay(fd, forward, this.options);
    if (forward.way.protocol === 'sctp') return new HeldPort(fd, forward);
    return this.#datagrams.serve(fd, forward);
  }

  tidy(): void {}
}
