/**
 * Stopping, killing, restarting, waiting and removing.
 *
 * Signals go to the container's first process, known by pid and start time, with kill(2): no program has to be started
 * for it. Then the exit file tells how it ended; if the monitor that writes it was killed, the end is `unknown`. A monitor
 * whose attached client reads nothing (`gangway run … | less`) can't come to writing it: who stops the container kills it
 * after a while, and does not wait for ever. If he has killed the container, too, he knows how it ended.
 */
import {
  identifyProcess,
  isAlive as isProcessAlive,
  type ProcessIdentity,
  signalProcess,
} from '../../kernel/process.ts';
import { apply } from '../../plan/apply.ts';
import { KernelHandles } from '../../plan/kernel-handles.ts';
import { ended as endedKind, signal as signalKind } from '../../plan/kinds/kill.ts';
import type { Step } from '../../plan/step.ts';
import { lockPath } from '../../services/process/exit-hook.ts';
import { type Launched, type Observed, readLaunched } from '../../services/process/launch.ts';
import { type ExitStatus, waitForExit, watched } from '../../services/process/wait-exit.ts';
import { GangwayError } from '../../values/errors.ts';
import type { ContainerAction } from '../../values/event.ts';
import type { Launch } from '../../values/launch.ts';
import { present } from '../../values/present.ts';
import { parseSignal, signalNumber } from '../../values/signal.ts';
import {
  assumeExited,
  isAlive,
  isMonitorKilled,
  isWaitingForRestart,
  notRunning,
  observeRun,
  recordAfterExit,
} from '../container-state.ts';
import { applyChange, type Context, withLock } from '../context.ts';
import { logEvents } from '../events/append.ts';
import { containerEvent } from '../events/build.ts';
import type { ContainerRecord, Run } from '../store/record.ts';
import { containerNotFound } from '../store/record-store.ts';
import { exitStatusOf } from './run.ts';
import { startContainer } from './start.ts';
import { removeRecord, teardownRun } from './teardown.ts';

interface StopOptions {
  readonly timeoutSeconds?: number;
  readonly signal?: string;
}

const defaultTimeoutSeconds = 10;
/** How long a monitor may take to write down an end. */
const monitorPatienceMilliseconds = 10_000;

/** SIGTERM, ten seconds, SIGKILL; then everything that the container had is taken away. Stopping what is stopped is success. */
export async function stop(context: Context, name: string, options: StopOptions): Promise<void> {
  const ending = gracefulSteps(options);
  const record = await markStopped(context, name);
  if (record.life === undefined) return planNothing(context, record);
  await end(context, record, { life: record.life, ending, told: ['stop'] });
}

/**
 * Stops if need be, and starts: in one turn, so that nobody comes between. Of two at once the second one finds it started since
 * it asked, which is what it wants; and where somebody has stopped it since, that is the later wish.
 */
export async function restart(context: Context, name: string, options: StopOptions): Promise<void> {
  const ending = gracefulSteps(options);
  const marked = await withLock(context, async (world) => {
    const found = context.records.container(name);
    const { life } = found;
    if (life !== undefined && (isAlive(life) || isMonitorKilled(life)))
      return { life, record: await markRestarted(context, world, found) };
    planNothing(context, found);
    await startAgain(context, world, found);
    return undefined;
  });
  if (marked === undefined) return;
  const { life, record } = marked;
  const afterwards = async (world: KernelHandles) => {
    const found = context.records.containerById(record.id);
    if (found === undefined) throw containerNotFound(name);
    // In a dry run nothing was stopped; the plan that starts it again assumes that it was.
    if (context.dryRun) return await startAgain(context, world, assumeExited(found));
    if (found.life !== undefined && isAlive(found.life)) return logEvents(context, [containerEvent(found, 'restart')]);
    if (!found.stopped || found.restartedBy !== undefined) await startAgain(context, world, found);
  };
  await end(context, record, { life, ending, told: ['stop'], afterwards });
}

async function startAgain(context: Context, world: KernelHandles, found: ContainerRecord): Promise<void> {
  const ended = await teardownRun(context, world, found, 'keep');
  await startContainer(context, world, { ...ended, stopped: false, restarts: 0 }, { actions: ['start', 'restart'] });
}

/** The steps that end a first process that may put things in order. @throws GangwayError invalid-option for an unknown signal */
function gracefulSteps({
  timeoutSeconds = defaultTimeoutSeconds,
  signal = 'SIGTERM',
}: StopOptions): EndRequest['ending'] {
  const canonical = parseSignal(signal);
  return (process) => [
    { kind: 'signal', process, signal: canonical, why: 'asks the command to end' },
    {
      kind: 'ended',
      process,
      ...(timeoutSeconds < 0 ? {} : { patienceSeconds: timeoutSeconds }),
      why: 'gives it time to put things in order, and then no choice',
    },
  ];
}

function planNothing({ onPlan }: Context, { name }: ContainerRecord): void {
  onPlan({ subject: `stop ${name}, which does not run`, direction: 'make', steps: [] });
}

/** What says that somebody wants a command to end; to Docker any signal does. HUP asks a service to read its files again. */
const finalSignals: readonly string[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT'];

/**
 * Sends a signal. Where it means that somebody wants it to end, the restart policy has no say; one that can't be told so gets
 * the signal all the same.
 */
export async function kill(context: Context, name: string, signal: string): Promise<void> {
  const canonical = parseSignal(signal);
  let record = context.records.container(name);
  if (record.life === undefined || !isAlive(record.life)) throw notRunning(record.name);
  try {
    if (finalSignals.includes(canonical) && record.request.restart.kind !== 'no')
      record = await markStopped(context, name);
  } finally {
    await send(context, record, canonical);
  }
}

async function send(context: Context, record: ContainerRecord, signal: string): Promise<void> {
  const launched = record.life === undefined ? undefined : readLaunched(record.life.launch);
  if (record.life === undefined || launched === undefined) return;
  if (signal === 'SIGKILL') {
    const ending = (process: ProcessIdentity): readonly Step[] => [
      {
        kind: 'signal',
        process,
        signal,
        why: 'the kernel ends the container’s first process, and all others with it',
      },
      { kind: 'ended', process, why: 'it is dead when it has ended' },
    ];
    return await end(context, record, { life: record.life, ending, told: [] });
  }
  using world = new KernelHandles(context.host());
  const why = 'sent to the container’s first process; what it means is the command’s business';
  await applySteps(context, world, record, [{ kind: 'signal', process: launched.container, signal, why }]);
}

/** How a life is ended. */
interface EndRequest {
  readonly life: Run;
  /** The steps that end its first process. */
  readonly ending: (process: ProcessIdentity) => readonly Step[];
  /** What is told of the container when that is done. */
  readonly told: readonly ContainerAction[];
  /** Done in the same turn, when it has ended. */
  readonly afterwards?: (world: KernelHandles) => Promise<void>;
}

/** Ends a life, and takes it away. */
async function end(context: Context, record: ContainerRecord, asked: EndRequest): Promise<void> {
  const { life, ending, told, afterwards } = asked;
  using world = new KernelHandles(context.host());
  const { launch } = life;
  const launched = readLaunched(launch);
  let isKilled = false;
  if (launched !== undefined && isProcessAlive(launched.container)) {
    const claim: Step = {
      kind: 'claim',
      path: lockPath(launch),
      why: 'the clean-up is ours: the exit command has nothing to do',
    };
    isKilled = await applySteps(context, world, record, [claim, ...ending(launched.container)]);
  }
  if (launched !== undefined && !context.dryRun) await waitForMonitor(launch, launched);
  await withLock(context, async (world) => {
    await teardownEnded(context, world, record, { told, isKilled });
    await afterwards?.(world);
  });
}

/** Waits until the monitor of what has ended has written how, or has ended itself. */
async function waitForMonitor(launch: Launch, launched: Launched): Promise<void> {
  const timer = setTimeout(() => signalProcess(launched.monitor, 'SIGKILL'), monitorPatienceMilliseconds);
  try {
    await waitForExit(watched(launch, launched));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Steps that change no record and can't be taken back: they need neither the machine's lock nor a journal.
 *
 * @returns whether a process was killed by one of them
 */
async function applySteps(
  context: Context,
  world: KernelHandles,
  record: ContainerRecord,
  steps: readonly Step[],
): Promise<boolean> {
  const subject = `end the command of ${record.name}`;
  context.onPlan({ subject, direction: 'make', steps });
  if (context.dryRun) return false;
  let isKilled = false;
  const sent = (name: string) => {
    isKilled ||= name === 'SIGKILL';
    logEvents(context, [containerEvent(record, 'kill', { signal: String(signalNumber(name)) })]);
  };
  await apply(subject, steps, { ...context.kinds, signal: signalKind(sent), ended: endedKind(sent) }, world);
  return isKilled;
}

/**
 * Waits for the end, and tells how it was. As with Docker, what was never started has nothing to wait for, and is 0.
 *
 * @returns the exit code; of a container that has ended before, its last one
 * @throws GangwayError container-not-running if nobody saw it end
 */
export async function wait(context: Context, name: string): Promise<number> {
  const record = context.records.container(name);
  const { life, lastEnd } = record;
  if (life === undefined) return requireExitCode(name, lastEnd?.exitCode ?? 0);
  const launched = readLaunched(life.launch);
  const status = launched === undefined ? 'unknown' : await waitForExit(watched(life.launch, launched));
  return requireExitCode(name, status === 'unknown' ? await exitStatusOf(context, record) : status);
}

function requireExitCode(name: string, status: ExitStatus): number {
  if (status !== 'unknown') return status;
  throw new GangwayError('container-not-running', `container ${name} ended, and nobody saw how`, {
    hint: 'its monitor was killed, or what it wrote down is lost',
  });
}

/** Removes a container, and with `force` whatever it is doing. */
export async function remove(
  context: Context,
  name: string,
  { force = false }: { readonly force?: boolean },
): Promise<void> {
  await withLock(context, async (world) => {
    const record = context.records.container(name);
    const runs = record.life !== undefined && (isAlive(record.life) || isMonitorKilled(record.life));
    if ((runs || isWaitingForRestart(record)) && !force) {
      throw new GangwayError('container-running', `container ${record.name} is ${runs ? 'running' : 'restarting'}`, {
        hint: `\`gangway stop ${record.name}\` first, or \`gangway rm -f ${record.name}\``,
      });
    }
    if (record.life === undefined) return await removeRecord(context, world, record);
    await teardownRun(context, world, record, 'remove');
  });
}

/** Writes down that somebody wants it stopped, before it is, so that nobody starts it again. */
async function markStopped(context: Context, name: string): Promise<ContainerRecord> {
  return await withLock(context, async (world) => {
    const found = context.records.container(name);
    const { restartedBy, ...others } = found;
    // One without a life may be about to get its next one from the restart policy; and whose restart was killed is still gc's.
    const record = { ...(found.life === undefined ? found : others), stopped: true };
    if (found.stopped && (found.life === undefined || restartedBy === undefined)) return record;
    return await writeRecord(context, world, record);
  });
}

/** Writes down that we are going to start it again, so that nobody else does meanwhile, nor removes it. */
async function markRestarted(context: Context, world: KernelHandles, found: ContainerRecord): Promise<ContainerRecord> {
  return await writeRecord(context, world, { ...found, ...present({ restartedBy: identifyProcess(process.pid) }) });
}

/** Nobody is told of it: it is no step of what was asked. */
async function writeRecord(context: Context, world: KernelHandles, record: ContainerRecord): Promise<ContainerRecord> {
  const plan = { subject: `stop ${record.name}`, direction: 'make' as const, steps: [] };
  const records = [context.records.put('containers', record)];
  if (!context.dryRun) await applyChange({ ...context, onPlan: () => {} }, world, { plan, records });
  return record;
}

/** How one has ended that we have killed ourselves. */
const killed: Observed = { kind: 'exited', exit: { exitCode: 137, outOfMemory: false } };

/** Takes away what an ended container had, if nobody was faster. The caller holds the lock. */
async function teardownEnded(
  context: Context,
  world: KernelHandles,
  asked: ContainerRecord,
  { told, isKilled }: { readonly told: EndRequest['told']; readonly isKilled: boolean },
): Promise<void> {
  const record = context.records.containerById(asked.id);
  if (record?.life === undefined) {
    return logEvents(
      context,
      told.map((action) => containerEvent(asked, action)),
    );
  }
  const observed = observeRun(record.life);
  if (!context.dryRun && observed.kind === 'running') return;
  const found = isKilled && observed.kind === 'lost' ? killed : observed;
  // In a dry run what was asked stands in no record.
  await teardownRun(context, world, record, recordAfterExit(context.dryRun ? asked : record), { told, found });
}
