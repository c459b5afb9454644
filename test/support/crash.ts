/**
 * Killing gangway at every system call with which it changes something, and looking at what is left.
 *
 * strace(1) counts the calls of a kind and sends SIGKILL instead of carrying out the N-th one. Afterwards the next command
 * brings the machine to a state in which gangway could have been found without the crash; nothing in between is
 * accepted, nothing may be left, and the same container can be run again under its name and port.
 */
import { access, readFile, rm } from 'node:fs/promises';
import { difference, type Snapshot } from '../../src/lab/snapshot.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { type Gangway, program, quiet } from './gangway.ts';

/** Every kind of call that leaves something behind, or asks somebody else to. */
const calls =
  'clone,clone3,connect,fsync,flock,kill,mkdir,mount,rename,rmdir,sendto,setns,shutdown,umount2,unlink,unshare,write'.split(
    ',',
  );

/** A command to be killed, on a machine that was prepared for it. */
export interface Victim {
  readonly name: string;
  readonly words: readonly string[];
  /** Commands before it. */
  readonly prepare: readonly (readonly string[])[];
  /** States that a crash may leave beside the one before and the one after, made by these commands. */
  readonly between?: readonly (readonly string[])[];
}

/** The container of every story. The seed gives it the same id, MAC and address each time. */
const web = ['--name', 'web', '-p', '8080:80', 'sleep', '1000'];
const up = ['run', '-d', ...web];
/** With IPv4 alone: a link-local address of a plug is the kernel's, and another one each time. */
const network = ['network', 'create', 'back'];
const connect = ['network', 'connect', '--alias', 'www', 'back', 'web'];

export const victims: readonly Victim[] = [
  { name: 'run -d -p', words: up, prepare: [] },
  {
    name: 'run -d -p beside another',
    words: up,
    prepare: [['run', '-d', '--name', 'other', '-p', '8081:80', 'sleep', '1000']],
  },
  { name: 'run --userns private', words: ['run', '-d', '--userns', 'private', ...web], prepare: [] },
  { name: 'run --isolation network', words: ['run', '-d', '--isolation', 'network', ...web], prepare: [] },
  { name: 'create', words: ['create', ...web], prepare: [] },
  { name: 'start', words: ['start', 'web'], prepare: [['create', ...web]] },
  { name: 'stop', words: ['stop', '-t', '0', 'web'], prepare: [up] },
  { name: 'rm -f', words: ['rm', '-f', 'web'], prepare: [up] },
  { name: 'restart', words: ['restart', '-t', '0', 'web'], prepare: [up], between: [['stop', '-t', '0', 'web']] },
  { name: 'network create', words: ['network', 'create', '--ipv6', 'back'], prepare: [] },
  { name: 'network rm', words: ['network', 'rm', 'back'], prepare: [network] },
  { name: 'run --network', words: ['run', '-d', '--network', 'back', ...web], prepare: [network] },
  { name: 'network connect', words: connect, prepare: [network, up] },
  { name: 'network disconnect', words: ['network', 'disconnect', 'back', 'web'], prepare: [network, up, connect] },
  { name: 'publish', words: ['publish', 'web', '8443:443', '5353:53/udp'], prepare: [up] },
  { name: 'unpublish', words: ['unpublish', 'web', '80'], prepare: [up] },
  { name: 'gc', words: ['gc'], prepare: [up, ['rm', '-f', 'web']] },
];

/** A switchboard whose client was killed before it could connect waits ten seconds for it. */
const switchboardPatience = 13_000;

/** One place to be killed at: the N-th call of a kind. */
export interface Point {
  readonly call: string;
  readonly occurrence: number;
}

/** @returns the sentence of a test that can't be made here */
export async function missingStrace(): Promise<string | undefined> {
  const found = await access('/usr/bin/strace').then(
    () => true,
    () => false,
  );
  return found ? undefined : 'strace is not installed (apt-get install strace)';
}

/** What is wrong after the crash, in sentences; nothing if all is well. */
export type Complaints = readonly string[];

export class CrashTest {
  readonly #allowed: Snapshot[] = [];
  #nothing: Snapshot = [];

  constructor(
    readonly gangway: Gangway,
    readonly victim: Victim,
  ) {}

  /** Learns the states that are right, and where there is something to be killed at. */
  async points(): Promise<readonly Point[]> {
    // What the first container of a machine leaves for all others: crun's cache, directories.
    await this.#must([up, ['rm', '-f', 'web'], ['gc']]);
    this.#nothing = await quiet(() => this.gangway.state());
    await this.#must(this.victim.prepare);
    await this.#allow();
    const trace = `/tmp/gangway-crash-${this.gangway.lab.name}`;
    await this.gangway.lab.host.run(
      ['strace', '-qq', '-o', trace, '-e', `trace=${calls.join(',')}`, ...program, ...this.victim.words],
      { environment: seed(this.victim.words) },
    );
    await this.#allow();
    await this.#clear();
    for (const words of this.victim.between ?? []) {
      await this.#must([...this.victim.prepare, words]);
      await this.#allow();
      await this.#clear();
    }
    const lines = (await readFile(`/proc/${this.gangway.lab.pid}/root${trace}`, 'utf8')).split('\n');
    await rm(`/proc/${this.gangway.lab.pid}/root${trace}`);
    return calls.flatMap((call) => {
      // Who writes ip_forward tries again until RTNL is free, where nobody but strace sees it: restart_syscall in the kernel.
      const count = lines.filter((line) => line.startsWith(`${call}(`) && !line.includes('ERESTART')).length;
      return Array.from({ length: count }, (_, index) => ({ call, occurrence: index + 1 }));
    });
  }

  /** Kills the command at a point, and looks. The machine is empty before and afterwards. */
  async crash({ call, occurrence }: Point): Promise<Complaints> {
    await this.#must(this.victim.prepare);
    await this.gangway.lab.host.exec(
      [
        'strace',
        '-qq',
        '-o',
        '/dev/null',
        '-e',
        `inject=${call}:signal=KILL:when=${occurrence}`,
        ...program,
        ...this.victim.words,
      ],
      { environment: seed(this.victim.words) },
    );
    const complaints = [await this.#recovered(), await this.#usable()].flat();
    await this.#clear();
    const left = await this.#differences([this.#nothing], switchboardPatience);
    return left.length === 0 ? complaints : [...complaints, `left behind: ${left.join(', ')}`];
  }

  /** The next commands find or make one of the states that are right; a complaint tells what they had to say. */
  async #recovered(): Promise<Complaints> {
    let said = '';
    for (const words of [
      ['ps', '-a'],
      ['create', '--name', 'next', 'true'],
      ['rm', 'next'],
    ]) {
      const { exitCode, stderr } = await this.gangway.exec(words);
      if (exitCode !== 0) return [`gangway ${words[0]}: ${stderr}`];
      said += stderr;
    }
    const differences = await this.#differences(this.#allowed, switchboardPatience);
    return differences.length === 0 ? [] : [`neither before nor after: ${differences.join(', ')}; ${said}`];
  }

  /** The name and the port can be had. */
  async #usable(): Promise<Complaints> {
    await this.gangway.exec(['rm', '-f', 'web']);
    const { exitCode, stderr } = await this.gangway.exec(up, { environment: seed(up) });
    return exitCode === 0 ? [] : [`gangway run again: ${stderr}`];
  }

  async #clear(): Promise<void> {
    await this.gangway.exec(['rm', '-f', 'web', 'other']);
    await this.gangway.exec(['network', 'rm', '-f', 'back']);
    await this.gangway.exec(['gc']);
  }

  /** @returns how the state differs from the one that it is closest to; nothing if it is one of them, at the latest after a while */
  async #differences(states: readonly Snapshot[], timeoutMilliseconds: number): Promise<readonly string[]> {
    let closest: readonly string[] = [];
    const same = async () => {
      const now = await this.gangway.state();
      const all = states.map((state) => difference(state, now)).sort((a, b) => a.length - b.length);
      closest = all[0] ?? [];
      return closest.length === 0;
    };
    await waitFor('the state is one of those', same, { timeoutMilliseconds }).catch(() => {});
    // Once for all trees, and short.
    return [
      ...new Set(
        closest.map((thing) => thing.replace(/cgroup .*\/gangway\//, 'cgroup ').replace(/(\w{12})\w{52}/, '$1')),
      ),
    ];
  }

  async #allow(): Promise<void> {
    this.#allowed.push(await quiet(() => this.gangway.state()));
  }

  async #must(commands: readonly (readonly string[])[]): Promise<void> {
    for (const words of commands) {
      await this.gangway.lab.host.run([...program, ...words], { environment: seed(words) });
    }
  }
}

/** The same name gives the same id, MAC and address each time, so that states can be compared. */
function seed(words: readonly string[]) {
  const [command = ''] = words;
  return { GANGWAY_SEED: words.includes('other') ? 'other' : command === 'network' ? command : 'web' };
}
