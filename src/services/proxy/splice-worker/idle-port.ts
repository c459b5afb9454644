/**
 * A published port in the engine that nobody has asked yet: most of thousands never are.
 *
 * It knows what a port needs to begin, and is one at the first event: then the port takes its place.
 */
import type { Destination, Way } from '../socket-forward.ts';
import type { Loop, Watcher } from './event-loop.ts';
import { portKey } from './worker-messages.ts';

/** A port of the engine, as the thread's desk sees it. */
export interface Port extends Watcher {
  /** Takes no further clients, and breaks off whoever is connected; or leaves them some time. */
  cut(): void;
  withdraw(): void;
}

export interface PortOwner {
  readonly loop: Loop;
  begin(fd: number, destination: Destination): Port;
  ended(fd: number): void;
}

export class QuietPort implements Port {
  constructor(
    readonly fd: number,
    readonly way: Way,
    readonly containerPort: number,
    readonly owner: PortOwner,
  ) {
    owner.loop.attend(fd, portKey, this);
  }

  ready(events: number): void {
    this.owner.begin(this.fd, this).ready(events);
  }

  cut(): void {
    this.withdraw();
  }

  withdraw(): void {
    this.owner.loop.forget(this.fd);
    this.owner.ended(this.fd);
  }
}
