/**
 * A private machine that lives as long as its owner: what every kernel test runs in.
 *
 *     await using lab = await createLab();
 *     await lab.world.serve();
 *     await lab.host.run(['curl', '-s', 'http://203.0.113.2/']);    // 203.0.113.1
 *
 * Nothing of the real machine is touched. When the process that made the lab ends, however it ends, the kernel takes
 * the lab away.
 */
import { randomBytes } from 'node:crypto';
import { type LabProcessOptions, type RunningLab, startLab, stopLab } from './lab-process.ts';
import { parseLabName } from './name.ts';
import { Place } from './namespace-runner.ts';
import { type Snapshot, snapshot } from './snapshot.ts';
import { hostPlace } from './topology.ts';

export interface LabOptions extends Omit<LabProcessOptions, 'name' | 'lifetime'> {
  /** Its hostname and its name in the cgroup trees. Default: an invented one. */
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

  /** The pid of its first process, as it is known outside. */
  get pid(): number {
    return this.machine.init.pid;
  }

  /** Its directory in each cgroup tree, as it is known outside. */
  get cgroups(): readonly string[] {
    return this.machine.cgroups;
  }

  /** The place that plays the internet. @throws GangwayError lab-not-found where the topology has none */
  get world(): Place {
    return this.place('world');
  }

  /** A place by its name. What it does throws GangwayError lab-not-found if the topology has none of that name. */
  place(name: string): Place {
    return new Place(this.machine, name);
  }

  /** All that lives in it at this moment: see `difference`. */
  leftovers(): Promise<Snapshot> {
    return snapshot(this.machine);
  }

  /** Ends it and all that runs in it. Repeating it is fine. */
  down(): Promise<void> {
    return stopLab(this.machine);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.down();
  }
}

/**
 * Makes a lab.
 *
 * @throws GangwayError not-root, missing-program, invalid-name, invalid-option, program-failed
 */
export async function createLab(options: LabOptions = {}): Promise<Lab> {
  const name = options.name === undefined ? `lab-${randomBytes(4).toString('hex')}` : parseLabName(options.name);
  const { machine } = await startLab({ ...options, name, lifetime: 'attached' });
  return new Lab(machine);
}
