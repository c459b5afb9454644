/**
 * A port that nobody carries, for want of who could: it is kept from others, and the firewall's rules lead to the container
 * whom they can. Who asks where they can't, on loopback say, is refused.
 */
import { closeSocket, refuse } from '../../sys/inet-socket.ts';
import { Counters, type Counts } from './counters.ts';
import type { Relay } from './relay.ts';
import type { SocketForward } from './socket-forward.ts';

export class HeldPort implements Relay {
  readonly clients = 0;

  /** @param fd of SCTP, listening: the port's from now on, also if this throws */
  constructor(
    readonly fd: number,
    readonly forward: SocketForward,
  ) {
    try {
      refuse(fd);
    } catch (error) {
      closeSocket(fd);
      throw error;
    }
  }

  counts(): Counts {
    return new Counters().read();
  }

  cut(): Promise<void> {
    closeSocket(this.fd);
    return Promise.resolve();
  }

  withdraw(): Promise<void> {
    return this.cut();
  }
}
