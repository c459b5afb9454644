/**
 * The interface of a program in the benchmark, which creates and removes a container network.
 *
 * All programs create the same objects: a pinned network namespace, a veth pair on an existing bridge, an IPv4 address, a
 * default route, and optionally TCP port `hostPort(i)` of the host, which leads to port 80 of the container. `open` creates
 * the permanent objects, untimed: the bridge, the tables, and a resident container if the program removes an empty bridge.
 */
import { spawnSync } from 'node:child_process';

export interface Contender {
  readonly name: string;
  /** Method of the measurement, one line below the table. */
  readonly method: string;
  /** The program stays in memory between containers, as a library or a daemon does. */
  readonly resident: boolean;
  /** Creates container `index`. Returns nanoseconds. */
  create(index: number, published: boolean): Promise<number>;
  /** Removes container `index`: name, address and port no longer answer. Returns nanoseconds. */
  remove(index: number): Promise<number>;
  /** Pinned namespace and address, for the proof. */
  namespace(index: number): string;
  address(index: number): string;
  close(): Promise<void>;
}

/** A program that is not available, with the reason or the remedy. */
export interface Absent {
  readonly name: string;
  readonly skipped: string;
}

/** Returns the host port of container `index`. All programs use the same ports, in turns. */
export function hostPort(index: number): number {
  return 20_000 + index;
}

/** Returns the duration of `action` in nanoseconds. */
export function timed(action: () => void): number {
  const start = process.hrtime.bigint();
  action();
  return Number(process.hrtime.bigint() - start);
}

/**
 * Runs a program and returns its output. Synchronous, because that is Node's fastest start, so that other programs bear
 * little of Node's cost.
 *
 * @throws Error with the program's message
 */
export function run(program: string, args: readonly string[], input = '', environment: NodeJS.ProcessEnv = {}): string {
  const done = spawnSync(program, args, { input, encoding: 'utf8', env: { ...process.env, ...environment } });
  if (done.error !== undefined) throw done.error;
  if (done.status === 0) return done.stdout;
  throw new Error(`${program} ${args.join(' ')}: ${(done.stderr || done.stdout).trim()}`);
}
