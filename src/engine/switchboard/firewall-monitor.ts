/**
 * The watch over the firewall: while a switchboard runs, what somebody takes away is put back.
 *
 * The kernel tells of every transaction, and which program's it was. Our own take away elements all the time, a container
 * that ends takes its ports along; those are let pass. All else is a reason to look, what somebody puts before our rules
 * too: at what the records say, under the lock, so that a command that is just changing something is not taken for
 * somebody else. The kernel's old tables tell nothing; where iptables-legacy carries the rules, they are looked at once in
 * a while.
 *
 * Who reloads a firewall does it in many transactions, and iptables reads what is there before it writes: another who
 * writes in between makes it fail. So a burst is waited out, but not for long. What it has taken from us is closed
 * meanwhile, and not open (networks/fail-closed-routing.ts).
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { type RulesetChange, watchRuleset } from '../../kernel/nft-monitor.ts';
import { KernelError } from '../../values/errors.ts';

/** Our own, and those of iptables in which we have chains. */
const ourTables = ['gangway', 'gangway-transparent', 'filter', 'nat', 'mangle', 'raw'];

/** Between two looks at the kernel's old tables. */
const patienceMilliseconds = 700;

/** A burst is over when nothing has come for so long; and what goes on for longer is taken as it is. */
const quietMilliseconds = 100;
const longestMilliseconds = 700;

/** What listens to the kernel takes a tenth of a second to load; whoever has started the switchboard waits for its first word. */
const firstMilliseconds = 300;

/** What the watch does, and asks. */
export interface Watched {
  /** Puts back what is missing; until it has begun, the signal may end it by an AbortError. */
  readonly repair: (signal: AbortSignal) => Promise<void>;
  /** Are the rules in tables that tell nothing? */
  readonly isSilent: () => boolean;
  readonly onError: (error: unknown) => void;
}

export interface FirewallWatch {
  /**
   * A look that waits for its turn is given up: whoever has the lock may be a command that waits for the next switchboard,
   * which systemd starts when this one has ended.
   *
   * @returns when the look that has begun has ended. It may be in the middle of a repair, and whoever closes the
   *   sockets under it leaves half of that
   */
  close(): Promise<void>;
}

/** Watches until it is closed. */
export function watchFirewall({ repair, isSilent, onError }: Watched): FirewallWatch {
  const looks = new Looks(repair, onError);
  const burst = new Burst(() => looks.look());
  const isReason = reasons();
  let close = () => {};
  let closed = false;
  const listen = async () => {
    while (!closed) {
      const changes = watchRuleset();
      close = () => changes.close();
      if (closed) return close();
      looks.look();
      try {
        for await (const change of changes) {
          // What was queued is still given out.
          if (closed) return;
          if (isReason(change)) burst.note();
        }
      } catch (error) {
        // What happened meanwhile nobody knows.
        if (!(error instanceof KernelError && error.errno === 'ENOBUFS')) throw error;
      }
    }
  };
  const first = setTimeout(() => void listen().catch(onError), firstMilliseconds);
  const timer = setInterval(() => {
    if (isSilent()) looks.look();
  }, patienceMilliseconds);
  timer.unref();
  return {
    close() {
      closed = true;
      clearTimeout(first);
      clearInterval(timer);
      burst.close();
      close();
      return looks.end();
    },
  };
}

/**
 * Which changes are a reason to look. Our own commands are called by the kernel what their main thread is: the program that
 * runs them, or whatever that calls its thread (newer Node: `MainThread`), as ours does.
 */
export function reasons(): (change: RulesetChange) => boolean {
  const own = ['node', readFileSync('/proc/self/comm', 'utf8').trimEnd()];
  return ({ program, tables, kinds }) => {
    const isOrdinary = own.includes(program) && kinds.size === 1 && kinds.has('element');
    return !isOrdinary && ourTables.some((table) => tables.has(table));
  };
}

/** Calls once when something that came again and again comes no more. */
class Burst {
  #timer: NodeJS.Timeout | undefined;
  #since = Number.POSITIVE_INFINITY;

  constructor(readonly onEnd: () => void) {}

  note(): void {
    const now = performance.now();
    this.#since = Math.min(this.#since, now);
    clearTimeout(this.#timer);
    const left = this.#since + longestMilliseconds - now;
    this.#timer = setTimeout(() => this.#end(), Math.min(quietMilliseconds, left));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #end(): void {
    this.#since = Number.POSITIVE_INFINITY;
    this.onEnd();
  }
}

/** One look at a time; who asks meanwhile is answered by one more. What fails each time is said once. */
export class Looks {
  #running: Promise<void> | undefined;
  #again = false;
  #said: string | undefined;
  readonly #end = new AbortController();

  constructor(
    readonly repair: (signal: AbortSignal) => Promise<void>,
    readonly onError: (error: unknown) => void,
  ) {}

  look(): void {
    this.#again = true;
    this.#running ??= this.#run();
  }

  /** No look begins any more. @returns when the one that runs has ended */
  async end(): Promise<void> {
    this.#again = false;
    this.#end.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      const error = await this.repair(this.#end.signal).then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      if (!this.#end.signal.aborted || error?.name !== 'AbortError') this.#tell(error);
    }
    this.#running = undefined;
  }

  #tell(error: Error | undefined): void {
    const sentence = error?.message;
    if (error !== undefined && sentence !== this.#said) this.onError(error);
    this.#said = sentence;
  }
}
