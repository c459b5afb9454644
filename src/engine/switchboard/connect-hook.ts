/**
 * The connect hook as the switchboard has it: there while ports are served, where the machine lets it, and why not elsewhere.
 *
 * Nothing depends on it, since the listeners stay. So it is opened after the answer that the first port is served; and where
 * it can't be opened, or fails, it is off for the rest of this process.
 */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { readLayout } from '../../kernel/cgroup.ts';
import { ConnectHook } from '../../services/connect-hook/connect-hook.ts';
import { GangwayError, messageOf } from '../../values/errors.ts';
import type { ForwardSet } from '../../values/forward-set.ts';
import type { HookStatus } from '../results.ts';

/** How long connections may take to end by themselves after the port was withdrawn: as long as the relay lets them. */
const drainSeconds = 10;

/** The owner of the machine wants nobody to be led. */
const unwanted = '/etc/gangway/no-connect-hook';

/** @throws GangwayError not-supported without cgroup v2, or where it is not wanted; KernelError, VerifierRefusal */
export function openConnectHook(): ConnectHook {
  if (existsSync(unwanted)) throw new GangwayError('not-supported', `${unwanted} is there`);
  const tree = readLayout().hierarchies.find(({ version }) => version === 2);
  if (tree === undefined) throw new GangwayError('not-supported', 'no cgroup v2 is mounted below /sys/fs/cgroup');
  return new ConnectHook(tree.mountPoint);
}

type Hook = Pick<
  ConnectHook,
  'cgroup' | 'size' | 'redirect' | 'counts' | 'remove' | 'abortConnections' | 'connectedIds' | 'close'
>;

/** How the hook is made, and who is told that there is none. */
export interface HookOpening {
  readonly open: () => Hook;
  readonly onFailure: (error: unknown) => void;
}

export class ConnectHookOwner {
  #hook: Hook | undefined;
  /** Why there is none. */
  #reason = 'no port is served yet';
  #begun: NodeJS.Immediate | undefined;
  #look: Promise<ReadonlySet<number>> | undefined;

  /** @param opening Absent: there is no hook */
  constructor(readonly opening?: HookOpening) {}

  get status(): HookStatus {
    const hook = this.#hook;
    if (hook === undefined) return { state: 'off', reason: this.#reason };
    return { state: 'on', cgroup: hook.cgroup, ports: hook.size };
  }

  /**
   * Leads to ports that are served from now on. To lead to what is led to already is success.
   *
   * @param served tells all that are, when the hook is there
   */
  lead(forwards: readonly ForwardSet[], served: () => readonly ForwardSet[]): void {
    this.#attempt((hook) => hook.redirect(forwards));
    const { opening } = this;
    if (opening !== undefined && forwards.length > 0) this.#begun ??= setImmediate(() => this.#begin(opening, served));
  }

  /** How many connections it has led to ports, as long as it does. */
  counts(): (forwards: readonly ForwardSet[]) => number {
    return this.#attempt((hook) => hook.counts()) ?? (() => 0);
  }

  /** Leads to them no more, and breaks off who was led. */
  cut(forwards: readonly ForwardSet[]): void {
    const numbers = this.#leave(forwards);
    this.#attempt((hook) => hook.abortConnections(numbers));
  }

  /** Leads to them no more. @returns when who was led has left, or was broken off after some ten seconds */
  async withdraw(forwards: readonly ForwardSet[]): Promise<void> {
    const numbers = this.#leave(forwards);
    if (numbers.size === 0) return;
    for (let second = 0; second < drainSeconds; second++) {
      const speaking = await this.#nextLook();
      if (![...numbers].some((number) => speaking.has(number))) return;
    }
    this.#attempt((hook) => hook.abortConnections(numbers));
  }

  /** Who was led goes on; nobody is led any more. */
  close(): void {
    clearImmediate(this.#begun);
    this.#turnOff('the switchboard ends');
  }

  #begin({ open }: HookOpening, served: () => readonly ForwardSet[]): void {
    try {
      this.#hook = open();
    } catch (error) {
      this.#fail(error);
    }
    this.#attempt((hook) => hook.redirect(served()));
  }

  #leave(forwards: readonly ForwardSet[]): ReadonlySet<number> {
    return this.#attempt((hook) => hook.remove(forwards)) ?? new Set();
  }

  /** Who is still connected, a second from now at the latest. All who wait share one list of the machine's sockets. */
  #nextLook(): Promise<ReadonlySet<number>> {
    this.#look ??= delay(1000).then(() => {
      this.#look = undefined;
      return this.#attempt((hook) => hook.connectedIds()) ?? new Set();
    });
    return this.#look;
  }

  #attempt<T>(action: (hook: Hook) => T): T | undefined {
    if (this.#hook === undefined) return undefined;
    try {
      return action(this.#hook);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    this.#turnOff(messageOf(error));
    this.opening?.onFailure(error);
  }

  #turnOff(reason: string): void {
    this.#reason = reason;
    this.#hook?.close();
    this.#hook = undefined;
  }
}
