/**
 * A private host for tests, which lives as long as the process that created it.
 *
 *      await using lab = await createLab();
 *      await lab.world.serve();
 *      await lab.host.run(['curl', '-s', 'http://203.0.113.2/']);    // 203.0.113.1
 *
 * The real host is not changed. When the creating process ends, for whatever reason, the kernel removes the lab.
 */
import { randomBytes } from 'node:crypto';
import { type LabProcessOptions, type RunningLab, startLab, stopLab } from './lab-process.ts';
import { Place } from './namespace-runner.ts';
import { type Snapshot, snapshot } from './snapshot.ts';
import { hostPlace, parseLabName } from './topology.ts';

export interface LabOptions extends Omit<LabProcessOptions, 'name' | 'lifetime'> {
  /** Its hostname, and its name in the cgroup trees. Default: a random one. */
  readonly name?: string;
}

export class Lab implements AsyncDisposable {
  readonly host: Place;

  constructor(private readonly machine: RunningLab) {
    this.host = this.place(hostPlace);
  }

  get name(): string {
    return this.machine.name;
  }

  /** The pid of its first process, outside of the lab. */
  get pid(): number {
    return this.machine.init.pid;
  }

  /** Its directory in each cgroup tree, outside of the lab. */
  get cgroups(): readonly string[] {
    return this.machine.cgroups;
  }

  /** The place of the external network. @throws GangwayError lab-not-found if the topology has none */
  get world(): Place {
    return this.place('world');
  }

  /** A place by its name. Its methods throw GangwayError lab-not-found if the topology lacks it. */
  place(name: string): Place {
    return new Place(this.machine, name);
  }

  /** A snapshot of everything in it: see `difference`. */
  leftovers(): Promise<Snapshot> {
    return snapshot(this.machine);
  }

  /** Stops the lab. Repeated calls are fine. */
  down(): Promise<void> {
    return stopLab(this.machine);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.down();
  }
}

/**
 * Creates a lab.
 *
 * @throws GangwayError not-root, missing-program, invalid-name, invalid-option, program-failed
 */
export async function createLab(options: LabOptions = {}): Promise<Lab> {
  const name = options.name === undefined ? `lab-${randomBytes(4).toString('hex')}` : parseLabName(options.name);
  const { machine } = await startLab({ ...options, name, lifetime: 'attached' });
  return new Lab(machine);
}
