/**
 * The sockets of published ports, as the engine asks for them. The switchboard holds them.
 */

import type { Forward } from '../values/port.ts';

export interface Sockets {
  /**
   * Binds all of them, deaf until `serve`, or none.
   *
   * @throws GangwayError port-in-use, with who has it
   */
  reserve(owner: string, forwards: readonly Forward[], name: string): Promise<void>;
  /** The plan stands: clients may come in. */
  serve(owner: string): Promise<void>;
  /** Removes what is left of a switchboard that was killed; the next one makes its own. */
  sweep(): void;
  /** Closes the owner's sockets. What is closed already is closed. */
  withdraw(owner: string): Promise<void>;
  /** Makes what is served what the records say: published ports lead elsewhere now. @returns sentences about what can't be */
  follow(): Promise<readonly string[]>;
  /** Serves again what the records say, where whoever served it was killed. @returns sentences about what can't be */
  revive(): Promise<readonly string[]>;
}
