/**
 * What takes part in the benchmark: a program that can build one container network and take it away again.
 *
 * All of them build the same thing, each with its own means: a pinned network namespace, a veth pair on a standing
 * bridge, an IPv4 address, a default route, and on request TCP port `hostPort(i)` of the host, led to port 80 of the
 * container. What stands before and after (the bridge, the tables, one resident container where a program would take its
 * bridge away with the last one) is made by `open` and is not timed.
 */
import { spawnSync } from 'node:child_process';

export interface Contender {
  readonly name: string;
  /** How it is measured, one line for the reader of the table. */
  readonly method: string;
  /** It stays in memory between two containers, as a library or a daemon does; else each one starts programs. */
  readonly resident: boolean;
  /** Builds container `index`; answers the nanoseconds that it took. */
  create(index: number, published: boolean): Promise<number>;
  /** Takes it away: on return name, address and port have stopped to answer. Nanoseconds. */
  remove(index: number): Promise<number>;
  /** The pinned namespace and the address, for the proof that the work was done. */
  namespace(index: number): string;
  address(index: number): string;
  close(): Promise<void>;
}

/** A contender that can't take part here, and what to do about it. */
export interface Absent {
  readonly name: string;
  readonly skipped: string;
}

/** The host's port of container `index`. Each contender has the same ones, since they take turns. */
export function hostPort(index: number): number {
  return 20_000 + index;
}

/** Nanoseconds that `action` takes. */
export function timed(action: () => void): number {
  const start = process.hrtime.bigint();
  action();
  return Number(process.hrtime.bigint() - start);
}

/**
 * Runs a program to its end and answers its output. Synchronous, because that is Node's fastest way to start one:
 * a peer is charged as little of ours as possible.
 *
 * @throws Error with the program's own words, if it fails
 */
export function run(program: string, args: readonly string[], input = '', environment: NodeJS.ProcessEnv = {}): string {
  const done = spawnSync(program, args, { input, encoding: 'utf8', env: { ...process.env, ...environment } });
  if (done.error !== undefined) throw done.error;
  if (done.status === 0) return done.stdout;
  throw new Error(`${program} ${args.join(' ')}: ${(done.stderr || done.stdout).trim()}`);
}
