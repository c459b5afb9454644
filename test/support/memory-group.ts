/**
 * A cgroup of its own, for a process whose memory is bounded: with what the kernel holds for it, pipes above all, which is in no
 * figure of the process itself.
 */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasController, readLayout } from '../../src/kernel/cgroup.ts';
import { labHierarchies } from '../../src/lab/cgroups.ts';

/** Of each layout the files of what is used, of the limit, and of how often the kernel had to kill. */
const files = {
  v1: { used: 'memory.usage_in_bytes', limit: 'memory.limit_in_bytes', kills: 'memory.oom_control' },
  v2: { used: 'memory.current', limit: 'memory.max', kills: 'memory.events' },
} as const;

/** @returns why there can be none */
export function lacksMemoryGroups(): string | undefined {
  return hasController(readLayout(), 'memory') ? undefined : 'no cgroup of this machine counts memory';
}

export class MemoryGroup {
  readonly #files: (typeof files)['v1' | 'v2'];

  private constructor(
    readonly directory: string,
    layout: 'v1' | 'v2',
  ) {
    this.#files = files[layout];
    mkdirSync(directory);
  }

  static make(name: string): MemoryGroup {
    const trees = labHierarchies(readLayout());
    const tree = trees.find(({ mountOptions }) => mountOptions === 'memory') ?? trees.find(({ unified }) => unified);
    if (tree === undefined) throw new Error('no cgroups');
    return new MemoryGroup(join(tree.parent, name), tree.unified ? 'v2' : 'v1');
  }

  /** What runs a program in it. */
  get entering(): readonly string[] {
    return ['sh', '-euc', 'echo $$ >"$1"; shift; exec "$@"', 'sh', join(this.directory, 'cgroup.procs')];
  }

  get usedBytes(): number {
    return Number(this.#read('used'));
  }

  /** How many processes the kernel has killed in it. */
  get kills(): number {
    return Number(/^oom_kill (\d+)$/m.exec(this.#read('kills'))?.[1]);
  }

  limit(bytes: number): void {
    writeFileSync(join(this.directory, this.#files.limit), String(bytes));
  }

  /** When nobody is in it any more. */
  remove(): void {
    rmdirSync(this.directory);
  }

  #read(what: keyof (typeof files)['v1']): string {
    return readFileSync(join(this.directory, this.#files[what]), 'utf8');
  }
}
