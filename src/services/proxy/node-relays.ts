/** Relays of Node's own sockets, on this thread: for where the engine can't work. */
import { type DatagramOptions, DatagramRelays } from './datagram-relay.ts';
import type { Carrier, Relay } from './forward.ts';
import type { SocketForward } from './socket-forward.ts';
import { StreamRelay } from './stream-relay.ts';

export class NodeRelays implements Carrier {
  readonly #datagrams: DatagramRelays;

  constructor(readonly options: DatagramOptions = {}) {
    this.#datagrams = new DatagramRelays(options);
  }

  serve(fd: number, forward: SocketForward): Relay {
    if (forward.binding.protocol === 'tcp') return new StreamRelay(fd, forward, this.options);
    return this.#datagrams.serve(fd, forward);
  }
}
