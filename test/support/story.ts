/** Containers in private machines, told as data. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import type { CgroupCounters } from '../../src/kernel/cgroup-counters.ts';
import type { Scenario } from './container.ts';
import { testProgram } from './program.ts';
import { lacksRoot, skipUnless } from './skip.ts';

/** What a scenario showed. */
export interface Outcome {
  readonly error?: { readonly message: string; readonly code: string; readonly hint?: string };
  readonly created: string;
  readonly observed: {
    readonly kind: string;
    readonly exit?: { readonly exitCode: number; readonly outOfMemory: boolean };
  };
  readonly log: string;
  readonly counters: CgroupCounters;
  readonly meanwhile: string;
  readonly left: Readonly<Record<string, readonly string[]>>;
  readonly observedAfter: string;
  readonly warnings: readonly string[];
  readonly lines: string;
}

const nothing = { mounts: [], groups: [], processes: [], files: [] };

/** A machine of its own: nothing of the real one is touched but control groups, which the story removes. */
const machine = `
mount -t tmpfs tmpfs /run
ip link set lo up
# The shell stays: it reaps what loses its parent.
LAB=$(od -An -N6 -tx1 /dev/urandom | tr -d ' ') "$@"
exit $?
`;

/** Plays a scenario in a machine of its own. Undefined where there is no root. */
export async function tell(t: ExecutionContext, scenario: Scenario): Promise<Outcome | undefined> {
  if (skipUnless(t, lacksRoot())) return undefined;
  const unshare = ['--net', '--mount', '--pid', '--ipc', '--fork', '--kill-child', '--mount-proc'];
  const { stdout } = await promisify(execFile)(
    'unshare',
    [...unshare, 'sh', '-c', machine, 'sh', ...testProgram('container'), JSON.stringify(scenario)],
    {
      timeout: 60_000,
    },
  );
  const story = JSON.parse(stdout) as Outcome;
  t.log(story.error ?? story.observed);
  return story;
}

/** A command with its whole life, after which nothing is left. */
export async function live(t: ExecutionContext, scenario: Scenario): Promise<Outcome | undefined> {
  const story = await tell(t, scenario);
  if (story === undefined) return undefined;
  t.is(story.error, undefined);
  t.is(story.created, 'created');
  t.deepEqual(story.left, nothing);
  t.is(story.observedAfter, 'absent');
  return story;
}

/** A command line, its complaints among its output. */
export const sh = (text: string) => ({ command: ['sh', '-c', `exec 2>&1; ${text}`] });
/** The exit status. */
export const code = (story: Outcome) => story.observed.exit?.exitCode;
