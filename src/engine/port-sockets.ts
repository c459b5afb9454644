/** The sockets of published ports and of name servers, as the engine asks for them. The switchboard holds them. */
import type { Forward } from '../values/port.ts';
import type { RelayTraffic } from './results.ts';
import type { ContainerRecord } from './store/record.ts';

export interface Sockets {
  /**
   * To be followed by `reserve` or `giveUp`.
   *
   * @throws GangwayError not-supported where the limit of open files has no room for so many sockets more
   */
  requireRoom(owner: string, sockets: number): Promise<void>;
  /**
   * Binds all of them, deaf until `serve`, or none.
   *
   * @throws GangwayError port-in-use, with who has it
   */
  reserve(owner: string, forwards: readonly Forward[], name: string): Promise<void>;
  /** The plan failed: what was reserved is free again. What the owner serves already stays. */
  giveUp(owner: string): Promise<void>;
  /** The plan stands: clients may come in. */
  serve(owner: string): Promise<void>;
  /**
   * Opens the name server of a container that is about to start, whose record is not written yet. It is given up unless
   * `follow` finds the record.
   */
  attend(record: ContainerRecord): Promise<void>;
  /** What each of them has carried. */
  counts(): Promise<readonly RelayTraffic[]>;
  /** Is there a switchboard, or the file of one that was killed? */
  isRunning(): boolean;
  /** Removes what is left of a switchboard that was killed; the next one makes its own. */
  sweep(): void;
  /** Closes those of the owner's ports that are not among these. Where no switchboard is running, all are closed. */
  keep(owner: string, forwards: readonly Forward[], name: string): Promise<void>;
  /** Closes the owner's sockets, of ports and names. What is closed already is closed. */
  withdraw(owner: string): Promise<void>;
  /** Makes what is served what the records say, starting a switchboard where none is running. @returns sentences about what can't be */
  follow(): Promise<readonly string[]>;
}
