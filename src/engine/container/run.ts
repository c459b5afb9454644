/**
 * Creating, running, starting and attaching.
 *
 * A client in the foreground is attached between the container's creation and its start, so that it sees the first
 * byte; and it holds the container's lock while it lives, which tells the exit command that somebody is there to clean
 * up (services/process/exit-hook.ts).
 *
 * A program in a pipeline ends of SIGPIPE when its reader leaves. So does a container in the foreground, whose output
 * reaches the reader through us: when the reader has gone, it is ended by SIGKILL, since the first process of a container
 * ignores every signal that it has no handler for. Docker's goes on, and writes its log for nobody.
 */
import { readerOf } from '../../services/events/reader.ts';
import { type Attachment, type AttachTarget, connectAttach, type Unseen } from '../../services/process/attach.ts';
import { lockPath } from '../../services/process/exit-hook.ts';
import { readLaunched } from '../../services/process/launch.ts';
import { type ExitStatus, watched } from '../../services/process/wait-exit.ts';
import { type Lock, tryLock } from '../../sys/flock.ts';
import type { ContainerRequest } from '../../values/container.ts';
import { GangwayError } from '../../values/errors.ts';
import { shortId } from '../../values/id.ts';
import type { Launch } from '../../values/launch.ts';
import { isAlive, notRunning, recordAfterExit, whileAlive } from '../container-state.ts';
import { applyChange, type Context, withLock } from '../context.ts';
import type { Ending, RunOptions, Streams } from '../engine.ts';
import { eventsPath, logEvents } from '../events/append.ts';
import { containerEvent } from '../events/build.ts';
import type { ContainerRecord } from '../store/record.ts';
import { draftContainer } from './create.ts';
import { type StartOptions, startContainer } from './start.ts';
import { teardownRun } from './teardown.ts';

/** @returns the new container's id */
export async function create(context: Context, request: ContainerRequest): Promise<string> {
  return await withLock(context, async (world) => {
    const record = draftContainer(context, request);
    await applyChange(context, world, {
      plan: { subject: `create ${record.name}`, direction: 'make', steps: record.steps },
      records: [context.records.put('containers', record)],
      events: [containerEvent(record, 'create')],
    });
    return record.id;
  });
}

/** Creates and starts in one change. */
export async function run(context: Context, request: ContainerRequest, { streams, onCreated }: RunOptions) {
  const client = new AttachedClient(streams);
  const record = await withLock(context, async (world) => {
    const draft = draftContainer(context, request);
    onCreated?.(draft.id);
    const { actions, ...beginning } = client.beginning(draft);
    return await startContainer(context, world, draft, {
      before: draft.steps,
      ...beginning,
      actions: ['create', ...actions],
    });
  }).catch((error: unknown) => client.giveUp(error));
  const ending = await client.stay(context, record);
  return { id: record.id, ...(ending === undefined ? {} : { ending }) };
}

/** Starts a container that was created, or has ended. One that runs is left alone, as Docker does. */
export async function startAgain(
  context: Context,
  name: string,
  streams: Streams | undefined,
): Promise<Ending | undefined> {
  const client = new AttachedClient(streams);
  const record = await withLock(context, async (world) => {
    const found = context.records.container(name);
    if (found.life !== undefined && isAlive(found.life)) {
      context.onPlan({ subject: `start ${found.name}, which runs`, direction: 'make', steps: [] });
      return undefined;
    }
    const ended = await teardownRun(context, world, found, 'keep');
    return await startContainer(context, world, { ...ended, restarts: 0 }, client.beginning(ended));
  }).catch((error: unknown) => client.giveUp(error));
  if (record !== undefined) return await client.stay(context, record);
  return streams === undefined ? undefined : await attachTo(context, name, streams, true);
}

/** Connects to a container that runs, until it ends or the person leaves. */
export async function attachTo(context: Context, name: string, streams: Streams, withInput: boolean): Promise<Ending> {
  const record = context.records.container(name);
  const { life } = record;
  if (life === undefined || !isAlive(life)) throw notRunning(record.name);
  logEvents(context, [containerEvent(record, 'attach')]);
  const { stdin, ...others } = streams;
  const ends = withInput && stdin !== undefined ? streams : others;
  const attachment = await whileAlive(record.name, life, () =>
    connectAttach({ ...attachTarget(life.launch, record.request.interactive), running: true }, ends),
  );
  return await resolveEnding(context, record, await attachment.ending);
}

function attachTarget(launch: Launch, interactive: boolean): AttachTarget {
  const launched = readLaunched(launch);
  if (launched === undefined) throw notRunning(shortId(launch.id));
  return {
    bundleDirectory: launch.directory,
    life: watched(launch, launched),
    terminal: launch.terminal,
    interactive,
  };
}

/** @throws GangwayError program-failed where nobody knows how it ended */
async function resolveEnding(context: Context, record: ContainerRecord, ending: Ending | Unseen): Promise<Ending> {
  if (ending.kind !== 'unseen') return ending;
  const exitCode = await exitStatusOf(context, record);
  if (exitCode !== 'unknown') return { kind: 'exited', exitCode };
  throw new GangwayError(
    'program-failed',
    'nobody knows how the container ended, or whether it has: its monitor was killed',
    {
      hint: '`gangway ps -a` shows whether it still runs, and `gangway rm -f` ends it',
    },
  );
}

/**
 * How a life ended of which its monitor leaves no word. Who ends a container by force kills its monitor, too, and takes away
 * what that one may have written: but he holds the lock until he has told how it ended. Of what has been removed, the events tell.
 */
export async function exitStatusOf(context: Context, { id, life }: ContainerRecord): Promise<ExitStatus> {
  const record = await withLock(context, async () => context.records.containerById(id));
  if (life === undefined) return 'unknown';
  // One whose end nobody has written down yet still tells of an earlier one.
  if (record?.lastEnd?.startedAt === life.startedAt) return record.lastEnd.exitCode;
  const died = readerOf(eventsPath(context.records))().find(
    (event) => event.action === 'die' && event.id === id && event.time >= new Date(life.startedAt),
  );
  const { exitCode } = died?.attributes ?? {};
  return exitCode === undefined ? 'unknown' : Number(exitCode);
}

/** The caller's end of a container that is about to start: nobody, or a person in the foreground. */
class AttachedClient {
  readonly #streams: Streams | undefined;
  #attachment: Attachment | undefined;
  #lock: Lock | undefined;

  constructor(streams: Streams | undefined) {
    this.#streams = streams;
  }

  beginning({
    request,
  }: ContainerRecord): Pick<StartOptions, 'created' | 'foreground'> & Required<Pick<StartOptions, 'actions'>> {
    const streams = this.#streams;
    if (streams === undefined) return { actions: ['start'] };
    const created = (launch: Launch) => {
      // A container that may start again is nobody's to clean up: the exit command decides.
      if (request.restart.kind === 'no') this.#lock = tryLock(lockPath(launch));
      this.#attachment = connectAttach(attachTarget(launch, request.interactive), streams);
    };
    return { created, foreground: true, actions: ['attach', 'start'] };
  }

  giveUp(error: unknown): never {
    this.#attachment?.close();
    this.#lock?.release();
    throw error;
  }

  /** Stays until the end, then cleans up what ended; at once where nobody is attached. */
  async stay(context: Context, record: ContainerRecord): Promise<Ending | undefined> {
    if (this.#attachment === undefined) return undefined;
    try {
      const ending = await resolveEnding(context, record, await this.#attachment.ending);
      if (ending.kind === 'unread') await endUnreadContainer(context, record.id);
      if (ending.kind === 'exited' && this.#lock !== undefined) await teardownExited(context, record.id);
      return ending;
    } finally {
      this.#lock?.release();
    }
  }
}

/** Ends a container that nobody reads, whatever it is doing. It does not start again, either. */
async function endUnreadContainer(context: Context, id: string): Promise<void> {
  await withLock(context, async (world) => {
    const record = context.records.containerById(id);
    if (record?.life === undefined) return;
    await teardownRun(context, world, { ...record, stopped: true }, recordAfterExit(record));
  });
}

async function teardownExited(context: Context, id: string): Promise<void> {
  await withLock(context, async (world) => {
    const record = context.records.containerById(id);
    if (record?.life === undefined || isAlive(record.life)) return;
    await teardownRun(context, world, record, recordAfterExit(record));
  });
}
