/** The switchboard as the engine uses it: one owner at a time, from reserving to serving. */
import { existsSync, rmSync } from 'node:fs';
import { isListening } from '../../kernel/unix-listeners.ts';
import { tryLock } from '../../sys/flock.ts';
import { gather } from '../../values/forward-set.ts';
import type { Forward } from '../../values/port.ts';
import type { PortSockets } from '../context.ts';
import type { RelayTraffic } from '../results.ts';
import type { ContainerRecord } from '../store/record.ts';
import type { SwitchboardConnection } from './connection.ts';
import { filesAtBirth, requireRoom } from './fd-limit.ts';
import { findSwitchboard, isRunning, openSwitchboard, type SwitchboardOptions } from './launch.ts';
import { switchboardFiles } from './paths.ts';
import type { SwitchboardStatus } from './protocol.ts';

/**
 * The sockets of published ports and of name servers, held by the switchboard.
 *
 * A connection is kept only from `requireRoom`, `reserve`, `attend` or `keep` to `serve` or `refresh`, because what they ask for lives as
 * long as it does; nothing here keeps a program from ending.
 */
export class SwitchboardClient implements PortSockets {
  readonly #reserving = new Map<string, SwitchboardConnection>();

  /** @throws GangwayError invalid-option for a directory that is too long, before anything is made in it */
  constructor(readonly options: SwitchboardOptions) {
    switchboardFiles(options.runtimeDirectory);
  }

  /**
   * Asks whether an owner can have so many sockets more, of the switchboard that runs, which is kept until they are reserved or
   * given up, or of the one that would be started.
   *
   * @throws GangwayError not-supported where the limit of open files has no room for them
   */
  async requireRoom(owner: string, sockets: number): Promise<void> {
    await this.cancel(owner);
    const connection = await findSwitchboard(this.options.runtimeDirectory);
    if (connection === undefined) {
      requireRoom(sockets, filesAtBirth());
      return;
    }
    this.#reserving.set(owner, connection);
    await connection.requireRoom(sockets);
  }

  /**
   * Binds every forward of a container, deaf until `serve`, or none. Starts the switchboard where none is running.
   *
   * @param name how messages call the container
   * @throws GangwayError port-in-use, with who has it; invalid-address; not-root; not-supported; switchboard-unreachable
   */
  async reserve(owner: string, forwards: readonly Forward[], name: string): Promise<void> {
    const connection = await this.#kept(owner);
    try {
      await connection.reserve({ owner, name, forwards: gather(forwards) });
    } catch (error) {
      await this.cancel(owner);
      throw error;
    }
  }

  /**
   * Lets clients in.
   *
   * @throws GangwayError container-not-found if nothing is reserved; switchboard-unreachable if it was killed since
   */
  async serve(owner: string): Promise<void> {
    const connection = await this.#kept(owner);
    try {
      await connection.serve(owner);
    } finally {
      await this.cancel(owner);
    }
  }

  /**
   * Opens the name server of a container whose record is not written yet. Starts the switchboard where none is running.
   *
   * @throws GangwayError program-failed if it can't be opened; switchboard-unreachable
   */
  async openNameServer(record: ContainerRecord): Promise<void> {
    const connection = await this.#kept(record.id);
    await connection.attend(record);
  }

  /** Closes the owner's sockets. What is closed already, and where no switchboard is running, is success. */
  async withdraw(owner: string): Promise<void> {
    const reserving = this.#reserving.get(owner);
    const connection = reserving?.isOpen ? reserving : await findSwitchboard(this.options.runtimeDirectory);
    if (reserving !== connection) await this.cancel(owner);
    if (connection === undefined) return;
    this.#reserving.set(owner, connection);
    try {
      await connection.withdraw(owner);
    } finally {
      await this.cancel(owner);
    }
  }

  /**
   * Closes those of the owner's ports that are not among these, with their connections. A client that is killed before
   * `refresh` has changed nothing: they are served again.
   *
   * @throws GangwayError switchboard-unreachable, unless it has gone, and its sockets with it
   */
  async keepOnly(owner: string, forwards: readonly Forward[], name: string): Promise<void> {
    const connection = await findSwitchboard(this.options.runtimeDirectory);
    if (connection === undefined) return;
    this.#reserving.set(owner, connection);
    try {
      await connection.keep({ owner, name, forwards: gather(forwards) });
    } catch (error) {
      const isThere = connection.isOpen;
      await this.cancel(owner);
      if (isThere) throw error;
    }
  }

  /** As `SwitchboardConnection.hearStandIns`. Starts the switchboard where none is running. */
  async hearStandIns(): Promise<void> {
    const connection = await openSwitchboard(this.options);
    try {
      await connection.hearStandIns();
    } finally {
      await connection.close();
    }
  }

  /**
   * Makes what is served the same as what the records say, and starts the switchboard for it: after a change of the records,
   * and after it was killed.
   *
   * @returns every owner's state; `failed` ones with the reason
   */
  async refresh(): Promise<SwitchboardStatus> {
    const [[owner, attending] = []] = this.#reserving;
    const connection = attending?.isOpen ? attending : await openSwitchboard(this.options);
    try {
      return await connection.refresh();
    } finally {
      if (owner !== undefined) this.#reserving.delete(owner);
      await connection.close();
    }
  }

  /** As `refresh`. @returns a sentence for every container whose port somebody else has, or that nobody answers for */
  async synchronize(): Promise<readonly string[]> {
    const { owners, names } = await this.refresh();
    const told = (what: string, states: readonly { readonly name: string; readonly reason?: string }[]) =>
      states.flatMap(({ name, reason }) =>
        reason === undefined ? [] : [`${what} of container ${name} are not served: ${reason}`],
      );
    return [...told('ports', owners), ...told('names', names)];
  }

  /** What each of its sockets has carried; nothing where no switchboard runs. @throws GangwayError switchboard-unreachable */
  async readTraffic(): Promise<readonly RelayTraffic[]> {
    const connection = await findSwitchboard(this.options.runtimeDirectory);
    if (connection === undefined) return [];
    try {
      return await connection.counts();
    } finally {
      await connection.close();
    }
  }

  isRunning(): boolean {
    return isRunning(switchboardFiles(this.options.runtimeDirectory));
  }

  /** Removes the files of a switchboard that was killed, where nobody needs another one. One more socket file harms nobody. */
  removeLeftovers(): void {
    const { socket, metrics, log, lock } = switchboardFiles(this.options.runtimeDirectory);
    if (![socket, metrics].some((path) => existsSync(path))) return;
    // While we hold it, one that is just starting waits for us.
    const held = tryLock(lock);
    if (held === undefined) return;
    for (const file of [...(isListening(socket) ? [] : [socket]), metrics, log]) rmSync(file, { force: true });
    held.release();
  }

  /** The owner's connection, which is kept from now on. Starts the switchboard where none is running. */
  async #kept(owner: string): Promise<SwitchboardConnection> {
    const connection = this.#reserving.get(owner) ?? (await openSwitchboard(this.options));
    this.#reserving.set(owner, connection);
    return connection;
  }

  /** Gives back what was reserved and is not served. */
  async cancel(owner: string): Promise<void> {
    const connection = this.#reserving.get(owner);
    this.#reserving.delete(owner);
    await connection?.close();
  }
}
