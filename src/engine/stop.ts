/**
 * Stopping, killing, restarting, waiting and removing.
 *
 * Signals go to the container's first process, known by pid and start time, with kill(2): no program has to be started
 * for it. Then the exit file tells how it ended; if the monitor that writes it was killed, the end is `unknown`, and
 * nobody waits for ever.
 */
import { signalProcess } from '../kernel/process.ts';
import type { World } from '../plan/world.ts';
import { exitPath } from '../services/process/exit.ts';
import { type ExitStatus, waitForExit } from '../services/process/exit-watch.ts';
import { readLaunched } from '../services/process/launch.ts';
import { watchProcess } from '../sys/pidfd.ts';
import { GangwayError } from '../values/errors.ts';
import type { Launch } from '../values/launch.ts';
import { parseSignal } from '../values/signal.ts';
import { type Context, carry, exclusively } from './context.ts';
import { endLife, isAlive, observeLife, removeRecord } from './end.ts';
import type { ContainerRecord } from './records.ts';
import { notRunning } from './run.ts';
import { startLife } from './start.ts';

interface StopOptions {
  readonly timeoutSeconds?: number;
  readonly signal?: string;
}

const defaultTimeoutSeconds = 10;
/** 24 days: a timer of more than 31 bits would fire at once, and kill at once. */
const longestTimeoutMilliseconds = 2 ** 31 - 1;

/** SIGTERM, ten seconds, SIGKILL; then everything that the container had is taken away. Stopping what is stopped is success. */
export async function stop(context: Context, name: string, options: StopOptions): Promise<void> {
  const record = await markStopped(context, name);
  const { life } = record;
  if (life === undefined) return;
  if (!context.dryRun && isAlive(life)) await endProcess(life.launch, options);
  await clear(context, record.id);
}

async function endProcess(
  launch: Launch,
  { timeoutSeconds = defaultTimeoutSeconds, signal = 'SIGTERM' }: StopOptions,
): Promise<void> {
  send(launch, signal);
  if (await endsWithin(launch, timeoutSeconds * 1000)) return;
  send(launch, 'SIGKILL');
  await endsWithin(launch, defaultTimeoutSeconds * 1000);
}

/** Waits for the process itself, and for conmon to have written down how it ended. */
async function endsWithin(launch: Launch, milliseconds: number): Promise<boolean> {
  const launched = readLaunched(launch);
  if (launched === undefined) return true;
  const timeout = AbortSignal.timeout(Math.min(milliseconds, longestTimeoutMilliseconds));
  try {
    const status = await waitForExit(exitPath(launch), launched.monitor, timeout);
    if (status !== 'unknown') return true;
    return await processEnds(launched.container.pid, timeout);
  } catch (error) {
    if (timeout.aborted) return false;
    throw error;
  }
}

async function processEnds(pid: number, timeout: AbortSignal): Promise<boolean> {
  const watch = watchProcess(pid);
  try {
    return await Promise.race([
      watch.ended.then(() => true),
      new Promise<boolean>((resolve) => timeout.addEventListener('abort', () => resolve(false), { once: true })),
    ]);
  } finally {
    watch.close();
  }
}

/** Sends a signal. KILL and TERM mean that somebody wants it to end: the restart policy has no say then. */
export async function kill(context: Context, name: string, signal: string): Promise<void> {
  const canonical = parseSignal(signal);
  const found = context.records.container(name);
  if (found.life === undefined || !isAlive(found.life)) throw notRunning(found.name);
  if (context.dryRun) return await tellKill(context, found, canonical);
  const final = ['SIGKILL', 'SIGTERM'].includes(canonical);
  const record = final ? await markStopped(context, name) : found;
  if (record.life === undefined) return;
  send(record.life.launch, signal);
  if (canonical !== 'SIGKILL') return;
  await endsWithin(record.life.launch, defaultTimeoutSeconds * 1000);
  await clear(context, record.id);
}

/** What a signal would do: KILL ends the container; what another one does is its program's business. */
async function tellKill(context: Context, { id, name, life }: ContainerRecord, signal: string): Promise<void> {
  if (signal === 'SIGKILL') return await clear(context, id);
  const pid = life === undefined ? undefined : readLaunched(life.launch)?.container.pid;
  const remarks = [`kill -s ${signal.replace('SIG', '')} ${pid}: sent to the container’s first process`];
  context.onPlan({ subject: `kill ${name}`, direction: 'make', steps: [], remarks });
}

function send(launch: Launch, signal: string): void {
  const launched = readLaunched(launch);
  if (launched === undefined) return;
  const name = parseSignal(signal);
  signalProcess(launched.container, /^\d+$/.test(name) ? Number(name) : (name as NodeJS.Signals));
}

/** Stops if need be, and starts. */
export async function restart(context: Context, name: string, options: StopOptions): Promise<void> {
  await stop(context, name, options);
  await exclusively(context, async (world) => {
    const record = withoutForgottenLife(context, context.records.container(name));
    await startLife(context, world, { ...record, stopped: false, restarts: 0 });
  });
}

/** In a dry run nothing was stopped; the plan that starts it again assumes that it was. */
function withoutForgottenLife(context: Context, record: ContainerRecord): ContainerRecord {
  if (!context.dryRun) return record;
  const { life: _, ...rest } = record;
  return rest;
}

/**
 * Waits for the end, and tells how it was.
 *
 * @returns the exit code; of a container that has ended before, its last one
 * @throws GangwayError container-not-running for one that was never started, or whose monitor was killed
 */
export async function wait(context: Context, name: string): Promise<number> {
  const { id, life, lastEnd } = context.records.container(name);
  if (life === undefined) return known(name, lastEnd?.exitCode);
  const launched = readLaunched(life.launch);
  if (launched === undefined) return known(name, endedRecord(context, id)?.lastEnd?.exitCode);
  const status = await waitForExit(exitPath(life.launch), launched.monitor);
  return known(name, status === 'unknown' ? endedRecord(context, id)?.lastEnd?.exitCode : status);
}

function endedRecord({ records }: Context, id: string): ContainerRecord | undefined {
  return records.containers().find((record) => record.id === id);
}

function known(name: string, status: ExitStatus | undefined): number {
  if (typeof status === 'number') return status;
  const why = status === undefined ? 'was never started' : 'ended, and nobody saw how: its monitor was killed';
  throw new GangwayError('container-not-running', `container ${name} ${why}`);
}

/** Removes a container, and with `force` whatever it is doing. */
export async function remove(
  context: Context,
  name: string,
  { force = false }: { readonly force?: boolean },
): Promise<void> {
  await exclusively(context, async (world) => {
    const record = context.records.container(name);
    if (record.life === undefined) return await removeRecord(context, world, record);
    if (isAlive(record.life) && !force) {
      throw new GangwayError('container-running', `container ${record.name} is running`, {
        hint: `\`gangway stop ${record.name}\` first, or \`gangway rm -f ${record.name}\``,
      });
    }
    await endLife(context, world, record, 'remove');
  });
}

/** Writes down that somebody wants it stopped, before it is, so that nobody starts it again. */
async function markStopped(context: Context, name: string): Promise<ContainerRecord> {
  return await exclusively(context, async (world) => {
    const found = context.records.container(name);
    const record = { ...found, stopped: true };
    // One without a life may be about to get its next one from the restart policy.
    if (found.stopped || context.dryRun) return record;
    const plan = { subject: `stop ${record.name}`, direction: 'make' as const, steps: [] };
    await carry({ ...context, onPlan: () => {} }, world, {
      plan,
      records: [context.records.put('containers', record)],
    });
    return record;
  });
}

/** Takes away what an ended container had, if nobody was faster. */
async function clear(context: Context, id: string): Promise<void> {
  await exclusively(context, async (world: World) => {
    const record = endedRecord(context, id);
    if (record?.life === undefined) return;
    if (!context.dryRun && observeLife(record.life).kind === 'running') return;
    await endLife(context, world, record, record.request.removeOnExit ? 'remove' : 'keep');
  });
}
