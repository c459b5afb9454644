/** The real program in a lab: what a person at that machine would type, see and find left behind. */
import { execFileSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { Background, Result } from '../../src/lab/background.ts';
import type { Lab, LabOptions } from '../../src/lab/lab.ts';
import type { ExecOptions } from '../../src/lab/namespace-runner.ts';
import { difference, type Snapshot } from '../../src/lab/snapshot.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { withLab } from './lab.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The command line of the compiled program. */
export const program: readonly string[] = [process.execPath, `${root}dist/cli/gangway.js`];

export class Gangway {
  constructor(readonly lab: Lab) {}

  /** `gangway WORDS…`. A failure is a result. */
  exec(words: readonly string[], options: ExecOptions = {}): Promise<Result> {
    return this.lab.host.exec([...program, ...words], options);
  }

  /** `gangway WORDS…`, which must succeed. @returns its stdout, without the last line feed */
  async run(...words: readonly string[]): Promise<string> {
    return (await this.lab.host.run([...program, ...words])).trimEnd();
  }

  spawn(...words: readonly string[]): Background {
    return this.lab.host.spawn([...program, ...words]);
  }

  /** A constant script for sh(1), with parameters. @returns its stdout */
  async sh(script: string, ...parameters: readonly string[]): Promise<string> {
    return (await this.lab.host.run(['sh', '-euc', script, 'sh', ...parameters])).trimEnd();
  }

  /**
   * What is there now, but for what gangway keeps on purpose: its directories and lock files, and the shared directory
   * of pins, which iproute2 keeps as well.
   */
  async state(): Promise<Snapshot> {
    return (await this.lab.leftovers()).filter((thing) => !kept.test(thing));
  }

  /** Waits until nothing is different from before: the kernel takes a namespace away when it has time for it. */
  async settlesAt(t: ExecutionContext<unknown>, before: Snapshot, what = 'the same as before'): Promise<void> {
    t.deepEqual(await changes(before, () => this.state()), [], what);
  }
}

const kept = new RegExp(
  [
    '^file (/run|/var/lib)/gangway(/(lock|events([.]1)?|switchboard[.](lock|log)|containers|networks|exits|crun(/[.]cache.*)?))?$',
    '^file /run/mount(/.*)?$',
    '^(file|mount) /run/netns( .*)?$',
    // A log belongs to its container's directory, also after a start that was taken back.
    '^file /var/lib/gangway/containers/[0-9a-f]{64}/log$',
    '^cgroup .*/gangway$',
    // The lab's own first process, which reads its input with one, now and then with two.
    '^process cat$',
  ].join('|'),
);

/** A process that was there before and has ended since is nothing that was left. */
const passedBy = /^- process /;

/**
 * What is there once nothing changes any more: three looks that see the same. conmon, its exit command and the
 * switchboard end in their own time, and a bridge keeps its carrier as long as a cable that was taken away.
 */
export async function quiet(look: () => Promise<Snapshot>): Promise<Snapshot> {
  const seen: Snapshot[] = [];
  await waitFor(
    'nothing changes any more',
    async () => {
      seen.unshift(await look());
      await setTimeout(200);
      return seen.length >= 3 && [1, 2].every((back) => difference(seen[0] ?? [], seen[back] ?? []).length === 0);
    },
    { timeoutMilliseconds: 20_000 },
  );
  return seen[0] ?? [];
}

/** How what is there now differs from before; for whatever is on its way there is time. */
export async function changes(before: Snapshot, look: () => Promise<Snapshot>): Promise<readonly string[]> {
  let last: readonly string[] = [];
  const same = async () => {
    last = difference(before, await look()).filter((line) => !passedBy.test(line));
    return last.length === 0;
  };
  await waitFor('nothing is different from before', same).catch(() => {});
  return last;
}

let built = false;

/** Compiles the program, once a process. */
export function build(): void {
  if (!built) execFileSync(`${root}scripts/build`, { stdio: 'pipe' });
  built = true;
}

/** Runs a test's body with the compiled program in a lab of its own. */
export async function withGangway(
  t: ExecutionContext<unknown>,
  body: (gangway: Gangway) => Promise<void>,
  topology: LabOptions = {},
): Promise<void> {
  build();
  await withLab(t, topology, (lab) => body(new Gangway(lab)));
}
