/**
 * How many sockets the limit of open files has room for.
 *
 * Theory of operation. Each published port is an open file of the switchboard, and so is each end of a connection that it
 * carries. Ports that took all of them would leave nobody to be served on them, so they may take
 *
 *     limit ─ what is open ─ a sixteenth for clients ─ 64 for gangway itself
 *
 * and what is more is refused before the first socket is bound, or before anything is planned: that is asked beforehand, because to plan
 * a hundred thousand ports takes seconds.
 *
 * @see RLIMIT_NOFILE in setrlimit(2)
 */
import { highestOpenFileLimit } from '../../sys/open-files.ts';
import { GangwayError } from '../../values/errors.ts';

/** Descriptors that no client of a published port, and no question for a name, may take, so that gangway's own clients are always heard. */
export const descriptorsKept = 64;

/** That a switchboard has open before it has its first port. */
const descriptorsAtBirth = 48;

/** What a switchboard may have open, and has. */
export interface OpenFiles {
  readonly limit: number;
  readonly open: number;
  /** A switchboard that serves somebody has the limit of whoever started it: ended by this pid, the next one has another. */
  readonly pid?: number;
}

/** Of one that is still to be started from here. */
export function filesAtBirth(): OpenFiles {
  return { limit: highestOpenFileLimit(), open: descriptorsAtBirth };
}

/** Two for each client: 32 clients at least. */
function clientDescriptors(limit: number): number {
  return Math.max(64, Math.ceil(limit / 16));
}

/** @throws GangwayError not-supported, where there is not room for all */
export function requireRoom(sockets: number, { limit, open, pid }: OpenFiles): void {
  const room = limit - open - descriptorsKept - clientDescriptors(limit);
  if (sockets <= room) return;
  const message = `${sockets} published ports need an open file each, and the limit of open files, ${limit}, has room for ${Math.max(room, 0)}`;
  const again = pid === undefined ? '' : `\`kill ${pid}\`, and `;
  const enough = sufficient(sockets + open + descriptorsKept);
  const hint = `publish fewer ports, or ${again}start gangway where \`ulimit -Hn\` says ${enough} or more, in a service by LimitNOFILE=${enough}`;
  throw new GangwayError('not-supported', message, { hint });
}

/** The limit that leaves so many descriptors beside those of clients. */
function sufficient(descriptors: number): number {
  return Math.max(descriptors + 64, Math.ceil((descriptors * 16) / 15) + 1);
}
