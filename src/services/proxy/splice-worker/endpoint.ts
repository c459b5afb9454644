/** One of the two sockets of a connection, as the loop sees it. */
import { failed, hungUp, peerEnded, urgent } from '../../../sys/epoll.ts';
import type { Watcher } from './event-loop.ts';

export interface SideOwner {
  happened(side: Side, events: number): void;
}

export class Side implements Watcher {
  /** FIN has come, or worse: a receive that gives less than it was asked for is not the last one. */
  peerEnded = false;
  /** It was broken off, and the error is taken: what looks like its end is none. */
  broken = false;
  /** Something urgent has come once: a receive stops before it, though more has come behind it. @see tcp(7), MSG_OOB */
  interrupted = false;
  /** Over SCTP: all that came has been received, and nothing can be sent. */
  over = false;

  constructor(
    readonly fd: number,
    readonly owner: SideOwner,
  ) {}

  ready(events: number): void {
    if ((events & (peerEnded | hungUp | failed)) !== 0) this.peerEnded = true;
    if ((events & urgent) !== 0) this.interrupted = true;
    this.owner.happened(this, events);
  }
}
