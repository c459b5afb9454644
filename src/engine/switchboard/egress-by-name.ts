/**
 * The addresses that name servers have opened to limited networks, for as long as their answers hold.
 *
 * No record has them: they are true for a minute or an hour, and whoever needs them asks again. With nftables the kernel
 * counts down by itself, and what is here is a memory of what is open; with iptables, which knows no time, rules are taken
 * away from here. What a flush takes is put back with what is left of its time.
 *
 * nf_tables is told at once, by netlink. For iptables a program is run, and changes wait for each other: what comes
 * meanwhile is gathered, and one program opens all of it.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import type { Backend } from '../../firewall/backend.ts';
import { learnedElements, learnedSets } from '../../firewall/dns-egress-elements.ts';
import { KernelHandles } from '../../plan/kernel-handles.ts';
import { kindOf, type TransactionKind } from '../../plan/kind.ts';
import type { FirewallStep } from '../../plan/step.ts';
import type { Open, Opening } from '../../services/dns/egress-opening.ts';
import { GangwayError, hasErrno } from '../../values/errors.ts';
import { formatSetElement, type SetElement } from '../../values/set-element.ts';
import type { Context } from '../context.ts';
import { SerialQueue } from '../context.ts';
import { activeBackend } from '../firewall/backend-selection.ts';
import type { Learning } from './main.ts';

/** As many are open to one network; then those make room that close first. */
const mostPerNetwork = 4096;

/** An answer from memory is some seconds older than the one before it, which is no reason to open anew. */
const slackMilliseconds = 10_000;

const sweepMilliseconds = 5000;

/** How often a question fails, containers decide; the log is told of one in so long. */
const quietMilliseconds = 60_000;

const why = 'an answer for a name to which the network may speak';

interface Known {
  /** The network's id. */
  readonly network: string;
  readonly element: SetElement;
  /** As `now` tells the time. */
  readonly until: number;
}

export class EgressByName implements Learning {
  readonly #known = new Map<string, Known>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #toldAt = Number.NEGATIVE_INFINITY;
  readonly #turns = new SerialQueue();
  /** Of those who wait for the same turn. */
  readonly #gathered: Known[] = [];
  #gathering: Promise<void> | undefined;

  /** @param now in milliseconds, from any beginning */
  constructor(
    readonly context: Context,
    readonly onError: (error: unknown) => void,
    readonly now = () => performance.now(),
  ) {}

  /** From now on nobody else opens anything: what a switchboard has left that was killed is nobody's, and would never end. */
  begin(): void {
    this.#timer = setInterval(() => this.#sweep(), sweepMilliseconds).unref();
    const { records } = this.context;
    const hasRules = records.isMachineReadable && records.machine().ruleset.some(({ kind }) => kind === 'chains');
    if (hasRules) void this.#inTurn(() => this.#takeStrangers()).catch(this.onError);
  }

  readonly open: Open = (openings) => {
    const wanted = this.#missing(openings.flatMap((opening) => wantedOf(opening, this.now())));
    if (wanted.length === 0) return undefined;
    try {
      if (this.#backend.name === 'iptables') return this.#gather(wanted).catch((error) => this.#fail(error));
      this.#openElements(wanted);
      return undefined;
    } catch (error) {
      return this.#fail(error);
    }
  };

  /** @throws GangwayError not-supported where names are asked faster than a program can open their addresses */
  async #gather(wanted: readonly Known[]): Promise<void> {
    if (this.#gathered.length >= mostPerNetwork)
      throw new GangwayError('not-supported', `${mostPerNetwork} addresses wait to be opened by iptables already`);
    this.#gathered.push(...wanted);
    this.#gathering ??= this.#inTurn(async () => {
      const all = this.#gathered.splice(0);
      this.#gathering = undefined;
      if (!this.#isClosed) await this.#openRules(this.#missing(all));
    });
    await this.#gathering;
  }

  /** Puts back what somebody has taken away; what was open to a network that is gone is closed. */
  async restore(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#isClosed) return;
      const networks = new Set(this.context.records.networks().map(({ id }) => id));
      const now = this.now();
      await this.#forget(({ network, until }) => until <= now || !networks.has(network));
      using world = new KernelHandles(this.context.host());
      const steps = [...this.#known.values()].flatMap(({ element, until }) =>
        this.#steps([{ ...element, timeoutSeconds: Math.ceil((until - now) / 1000) }]),
      );
      await this.#apply(
        steps.filter((step) => !this.#kind(step).holds(step, world)),
        world,
      );
    });
  }

  /** Nothing is open any more by what was learned here; what is there by then is the next switchboard's. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#isClosed = true;
    await this.#inTurn(() => this.#forget(() => true));
  }

  get #backend(): Backend {
    return activeBackend(this.context);
  }

  /** Each of them once, though an answer may say the same twice. */
  #missing(wanted: readonly Known[]): readonly Known[] {
    return [...new Map(wanted.map((one) => [keyOf(one), one])).values()].filter((one) => {
      const known = this.#own(one);
      return known === undefined || known.until < one.until - slackMilliseconds;
    });
  }

  /** The same, as it was opened before. What one network had open, another one on a bridge of that name has not. */
  #own(one: Known): Known | undefined {
    const known = this.#known.get(keyOf(one));
    return known?.network === one.network ? known : undefined;
  }

  /** Synchronous. The kernel takes no new time for what is there: it is taken out and put in again, in one transaction. */
  #openElements(wanted: readonly Known[]): void {
    using world = new KernelHandles(this.context.host());
    const renewing = (step: FirewallStep, known: boolean): FirewallStep =>
      step.kind === 'element' && step.element !== undefined && known
        ? { ...step, was: { set: step.element.set, key: step.element.key } }
        : step;
    const steps = wanted.map((one) => ({ one, step: this.#steps([one.element])[0] }));
    try {
      void this.#apply(
        steps.flatMap(({ one, step }) => (step === undefined ? [] : [renewing(step, this.#own(one) !== undefined)])),
        world,
      );
    } catch (error) {
      const reason = error instanceof GangwayError ? error.cause : error;
      if (!hasErrno(reason, 'ENOENT', 'EEXIST')) throw error;
      // One has gone meanwhile, or was there before this switchboard was: each as it is.
      for (const { step } of steps) {
        if (step !== undefined) void this.#apply([renewing(step, this.#kind(step).holds(step, world))], world);
      }
    }
    this.#remember(wanted);
  }

  async #openRules(wanted: readonly Known[]): Promise<void> {
    using world = new KernelHandles(this.context.host());
    await this.#apply(
      this.#steps(wanted.filter((one) => this.#own(one) === undefined).map(({ element }) => element)),
      world,
    );
    this.#remember(wanted);
  }

  #remember(wanted: readonly Known[]): void {
    for (const one of wanted) this.#known.set(keyOf(one), one);
    if (this.#known.size <= mostPerNetwork) return;
    for (const network of new Set(wanted.map((one) => one.network))) {
      const own = [...this.#known.values()].filter((known) => known.network === network);
      if (own.length <= mostPerNetwork) continue;
      const first = new Set(own.toSorted((a, b) => a.until - b.until).slice(0, own.length - mostPerNetwork));
      void this.#inTurn(() => this.#forget((one) => first.has(one))).catch(this.onError);
    }
  }

  /** Who has asked hears that it has failed, and not why. */
  #fail(error: unknown): Promise<never> {
    const now = this.now();
    if (now - this.#toldAt >= quietMilliseconds) {
      this.#toldAt = now;
      this.onError(error);
    }
    // In a turn of Node's own: the caller may be a bare callback of the loop, after which nobody looks for promises.
    return setImmediate().then(() => Promise.reject(error));
  }

  #sweep(): void {
    const now = this.now();
    void this.#inTurn(() => this.#forget(({ until }) => until <= now)).catch(this.onError);
  }

  /**
   * Closes, in its turn. What can't be closed stays known, and is tried again.
   *
   * @param isOver asked when the turn has come: what has been opened anew before that stays open
   */
  async #forget(isOver: (one: Known) => boolean): Promise<void> {
    const old = [...this.#known.values()].filter(isOver);
    if (old.length === 0) return;
    await this.#takeAway(this.#steps(old.map(({ element }) => element)));
    for (const one of old) if (this.#known.get(keyOf(one)) === one) this.#known.delete(keyOf(one));
  }

  async #takeStrangers(): Promise<void> {
    using world = new KernelHandles(this.context.host());
    const found = this.#backend.installed(world, why, learnedSets).map(({ step }) => step);
    await this.#takeAway(found);
  }

  async #takeAway(steps: readonly FirewallStep[]): Promise<void> {
    const [first] = steps;
    using world = new KernelHandles(this.context.host());
    if (first !== undefined) await this.#kind(first).undoAll(steps, world);
  }

  #apply(steps: readonly FirewallStep[], world: KernelHandles): void | Promise<void> {
    const [first] = steps;
    return first === undefined ? undefined : this.#kind(first).applyAll(steps, world);
  }

  #steps(elements: readonly SetElement[]): readonly FirewallStep[] {
    return this.#backend.stepsFor(elements, why);
  }

  #kind(step: FirewallStep): TransactionKind<FirewallStep> {
    return kindOf(this.context.kinds, step) as TransactionKind<FirewallStep>;
  }

  /** One after the other, and in a turn of Node's own: who calls may be a bare callback of the loop, in which no program can be run. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    // Begun at once: after such a callback nobody looks for promises.
    const nodes = setImmediate();
    return this.#turns.run(() => nodes.then(work));
  }
}

function wantedOf({ exit, name, addresses }: Opening, now: number): readonly Known[] {
  const { id, link, egress } = exit;
  if (egress === undefined) return [];
  return addresses.flatMap(({ address, seconds }) =>
    learnedElements(link, egress, { name, address, seconds }).map((element) => ({
      network: id,
      element,
      until: now + seconds * 1000,
    })),
  );
}

/** As the kernel tells them from each other. */
function keyOf({ element: { set, key } }: Known): string {
  return `${set} ${formatSetElement({ set, key })}`;
}
