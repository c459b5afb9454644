/**
 * Runs the steps of a chapter in a new lab, and checks their proofs.
 *
 * No step sleeps: a step repeats its command until the result is as expected. The first failed proof ends the chapter. Ids
 * come from a seed, so that the output is the same in each run.
 */
import { resolve } from 'node:path';
import { programEnvironment } from '../../src/lab/environment.ts';
import { createLab, difference, type Lab, type Result, type Snapshot, waitFor } from '../../src/lab/testing.ts';
import { GangwayError } from '../../src/values/errors.ts';
import { type Chapter, nothingLeft, programs, type Section, type Step } from './chapter.ts';

/** Longest wait for a condition, also on a busy machine. */
const timeoutMilliseconds = 20_000;

export class ProofFailed extends Error {}

/** Callbacks for the events of a chapter, in their order. */
export interface Listener {
  section(section: Section): void;
  typing(step: Step): void;
  answered(step: Step, lines: readonly string[]): void;
  proved(sentence: string): void;
}

/**
 * Runs a chapter and reports its events to the listener.
 *
 * @throws ProofFailed
 */
export async function runChapter(chapter: Chapter, listener: Listener): Promise<void> {
  await using lab = await createLab();
  const before = await prepare(lab);
  for (const section of chapter.sections) {
    listener.section(section);
    for (const step of section.steps ?? []) {
      await proving(step, () => take(step, lab, chapter, listener));
      if (step.proves === nothingLeft) await proveNothingLeft(lab, before);
      if (step.proves !== undefined) listener.proved(step.proves);
    }
  }
}

/**
 * Makes the world reject packets to other destinations with an ICMP error. Otherwise a query for an unknown name would wait
 * for the machine's own name servers, 20 s with most resolvers. (`unreachable` does not reach a UDP socket.)
 */
const refusing = `
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0 net.ipv6.conf.all.forwarding=1 net.ipv6.icmp.ratelimit=0
ip route add prohibit default metric 4000000000
ip -6 route add prohibit default metric 4000000000`;

/** Puts `gangway` into the PATH, creates mount(8)'s directory, and starts the server in the world. */
async function prepare(lab: Lab): Promise<Snapshot> {
  const install = 'mkdir -p /run/mount /run/bin; ln -s "$1" /run/bin/gangway';
  await lab.host.run(['sh', '-c', install, 'sh', resolve('dist/cli/gangway.js')]);
  await lab.world.run(['sh', '-euc', refusing]);
  await lab.world.serve();
  return await lab.leftovers();
}

/** Turns an error of a step into a failed proof. */
async function proving(step: Step, take: () => Promise<void>): Promise<void> {
  try {
    await take();
  } catch (error) {
    if (!(error instanceof GangwayError)) throw error;
    throw new ProofFailed(`${step.proves ?? step.types}\n  ${error.message}`, { cause: error });
  }
}

async function take(step: Step, lab: Lab, { name }: Chapter, listener: Listener): Promise<void> {
  // `explain` and the command itself get the same ids.
  const seed = `${name}: ${step.types.replace(/^gangway explain (.*) \| grep .*$/, 'gangway $1')}`;
  const environment = { ...programs, GANGWAY_SEED: seed, PATH: `/run/bin:${programEnvironment().PATH}` };
  const type = () => lab.place(step.at ?? 'host').exec(['sh', '-c', step.types], { environment });
  listener.typing(step);
  if (step.after !== undefined) await lab.host.waitFor(['sh', '-c', step.after], { timeoutMilliseconds });
  const deadline = performance.now() + (step.patiently ? timeoutMilliseconds : 0);
  let result = await type();
  while (!holds(result, step) && performance.now() < deadline) result = await type();
  listener.answered(step, lesson(result, step));
  if (!holds(result, step)) throw new ProofFailed(failure(result, step));
}

/** Returns the lines of the output to show. */
function lesson({ stdout, stderr }: Result, { shows }: Step): readonly string[] {
  return `${stdout}${stderr}`
    .split('\n')
    .filter((line) => line.trim() !== '' && (shows?.test(line) ?? true))
    .map((line) => line.replaceAll('\t', '  ').trimEnd());
}

function holds({ exitCode, stdout, stderr }: Result, { status = 0, expects }: Step): boolean {
  return exitCode === status && (expects?.test(`${stdout}${stderr}`) ?? true);
}

function failure({ exitCode, stdout, stderr }: Result, { types, proves, status = 0, expects }: Step): string {
  const wanted = expects === undefined ? '' : ` and output like ${expects}`;
  const output = `${stdout}${stderr}`.trim() || '(no output)';
  return `${proves ?? types}\n  ${types}\n  expected status ${status}${wanted}; got status ${exitCode}:\n${output}`;
}

/** Checks that only gangway's empty directories, locks, event log and crun's cache are new. */
async function proveNothingLeft(lab: Lab, before: Snapshot): Promise<void> {
  const own =
    /^\+ file \/(run|var\/lib)\/gangway(\/(containers|networks|crun(\/\.cache.*)?|exits|events|lock|switchboard\.lock))?$/;
  const strange = async () => difference(before, await lab.leftovers()).filter((change) => !own.test(change));
  const clean = async () => (await strange()).length === 0;
  await waitFor('nothing is left', clean, { timeoutMilliseconds }).catch(async () => {
    throw new ProofFailed(`${nothingLeft}\n${(await strange()).join('\n')}`);
  });
}
