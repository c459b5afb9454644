/**
 * The switchboard as a process: `gangway _switchboard`.
 *
 * Theory of operation. Everything that gangway does is done by the command that was asked to do it, but a socket needs
 * somebody who stays. This is the one process that stays, for all containers of a runtime directory:
 *
 *     gangway run -p 8080:80 …                        switchboard
 *        │  connect to switchboard.sock: refused
 *        │  start it, wait for its word "ready" ────────> lock, read the records, listen
 *        │  reserve ────────────────────────────────────> bind, door closed
 *        │  apply the plan, write the record
 *        │  serve ──────────────────────────────────────> open the door
 *        └─ leave                                         …
 *     gangway rm -f …   withdraw ───────────────────────> close; nothing left: end
 *
 * Beside the sockets of published ports it holds those of name servers, one in the network namespace of each container of
 * a user-defined network. They follow from the records alone; a container that is just starting has none yet, so it is
 * attended to until its client leaves:
 *
 *     gangway run --network front …                   switchboard
 *        │  namespace, cable, the process is created
 *        │  attend ─────────────────────────────────────> open its name server; the others learn its name
 *        │  its command starts, the record is written
 *        │  refresh ────────────────────────────────────> read the records: it stays, or not
 *        └─ leave                                         the same, if nobody asked
 *
 * Where systemd listens (gangway-switchboard.socket), the first line is all there is: who connects waits until systemd has
 * started the process, which takes over the listening socket and leaves its file alone. One that somebody had started before
 * ends when its socket is replaced, and lets go of the lock for which the new one waits.
 *
 * It holds no truth of its own. It may be killed at any time: the kernel closes its sockets and lets go of its lock,
 * packets that the firewall translates go on, and the next switchboard reads from the records what to serve. Two that are
 * started at once see by the lock which of them is the one.
 */
import { rmSync, writeSync } from 'node:fs';
import { takeService } from '../../kernel/sd-notify.ts';
import type { Open } from '../../services/dns/egress-opening.ts';
import { type Lock, lockEventually, tryLock } from '../../sys/flock.ts';
import { openFileLimit, openFiles, raiseOpenFileLimit } from '../../sys/open-files.ts';
import { ignoring } from '../../values/errors.ts';
import { families, type ProcessUsage } from '../metrics/families.ts';
import { MetricsServer } from '../metrics/server.ts';
import type { Traffic } from '../results.ts';
import { dial } from './connection.ts';
import { Listener } from './listener.ts';
import { type SwitchboardFiles, switchboardFiles } from './paths.ts';
import { type DesiredState, SwitchboardServer } from './server.ts';

export interface SwitchboardProcess extends Omit<DesiredState, 'open'> {
  readonly runtimeDirectory: string;
  readonly learned: Learning;
  readonly version: string;
  /** What the firewall has counted. */
  readonly translated: () => Omit<Traffic, 'relays'>;
}

/** What answers for names have opened: it is the switchboard's that has the lock, and of no other one. */
export interface Learning {
  begin(): void;
  readonly open: Open;
  /** @returns when nothing is open any more */
  close(): Promise<void>;
}

/** FileDescriptorName of gangway-switchboard.socket. */
const socketName = 'switchboard';

/** What it says on its standard output, once, to whoever started it. `busy`: there is one already, or one is just ending. */
export type Announcement = 'ready' | 'busy';

/**
 * Runs the switchboard in this process until nothing is to be served any more, or SIGTERM or SIGINT.
 *
 * @returns when it has ended, or at once if another one is running
 */
export async function runSwitchboard(options: SwitchboardProcess): Promise<void> {
  const { runtimeDirectory, learned, version, translated, ...wanted } = options;
  const files = switchboardFiles(runtimeDirectory);
  process.umask(0o177);
  const { sockets, notify } = takeService();
  const passed = sockets.get(socketName);
  const lock = await (passed === undefined ? lockUnlessServed(files) : lockEventually(files.lock));
  if (lock === undefined) {
    announce('busy');
    return;
  }
  raiseOpenFileLimit();
  // Whoever left its files was killed: it would hold the lock.
  rmSync(files.metrics, { force: true });
  const door = passed === undefined ? Listener.make(files.socket) : Listener.passed(files.socket, passed);
  learned.begin();
  const server = new SwitchboardServer({ ...wanted, open: learned.open }, files, door);
  const metrics = new MetricsServer(() =>
    families({ version, ...translated(), ...server.measured(), process: processUsage() }),
  );
  await metrics.listen(files.metrics);
  await server.listen();
  process.on('SIGTERM', () => server.end()).on('SIGINT', () => server.end());
  if (!door.isPassed) announce('ready');
  notify('READY=1');
  await server.ended;
  notify('STOPPING=1');
  metrics.close();
  try {
    await learned.close();
    rmSync(files.log, { force: true });
  } finally {
    lock.release();
  }
}

/**
 * Whoever listens without the lock is systemd, for another switchboard than this one, as long as his socket can be found. He is
 * asked as clients do, which wakes that one. The kernel's list of who listens would not, but anybody may write a line there:
 * `isListening`.
 */
async function lockUnlessServed({ socket, lock }: SwitchboardFiles): Promise<Lock | undefined> {
  const held = tryLock(lock);
  if (held === undefined) return undefined;
  const client = await dial(socket);
  if (client === undefined) return held;
  client.destroy();
  held.release();
  return undefined;
}

function processUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  return {
    startSeconds: Date.now() / 1000 - process.uptime(),
    processorSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    openFiles: openFiles(),
    openFileLimit: openFileLimit(),
  };
}

function announce(word: Announcement): void {
  // Whoever started us may have been killed meanwhile.
  ignoring('EPIPE', () => writeSync(1, `${word}\n`));
}
