/** One of the two sockets of a connection, as the loop sees it. */
import { failed, hungUp, peerEnded } from '../../../sys/epoll.ts';
import type { Watcher } from './loop.ts';

export interface SideOwner {
  happened(side: Side, events: number): void;
}

export class Side implements Watcher {
  /** FIN has come, or worse: a receive that gives less than it was asked for is not the last one. */
  peerEnded = false;
  /** Over SCTP: all that came has been received, and nothing can be sent. */
  over = false;

  constructor(
    readonly fd: number,
    readonly owner: SideOwner,
  ) {}

  ready(events: number): void {
    if ((events & (peerEnded | hungUp | failed)) !== 0) this.peerEnded = true;
    this.owner.happened(this, events);
  }
}
