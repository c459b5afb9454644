/**
 * A packet that is really sent, to hold the model against: a connection that is closed at once, an empty datagram, or a
 * ping.
 *
 * The socket is opened inside the asker's network namespace, and belongs there for ever; all waiting is done outside.
 */
import { echoRequest, isEchoReply } from '../../kernel/icmp-echo.ts';
import type { KernelNamespace } from '../../kernel/namespace.ts';
import { DatagramBuffer } from '../../sys/datagram-buffer.ts';
import {
  bind,
  closeSocket,
  connect,
  type Endpoint,
  markPackets,
  openDatagram,
  openEcho,
  openStream,
  reportUnreachable,
  takeError,
} from '../../sys/inet-socket.ts';
import { whenReadable, whenWritable } from '../../sys/readiness.ts';
import type { Address, Family } from '../../values/address.ts';
import { GangwayError, hasErrno, ignoring, KernelError } from '../../values/errors.ts';
import type { Port } from '../../values/port.ts';
import type { Proof, ReachWay } from '../engine.ts';

/** Long enough for a SYN or a datagram that gets lost to be sent again. */
const patienceMilliseconds = 2500;
const repeatMilliseconds = 800;

/** `arrived`: there was an answer, be it a refusal: nobody listens there, but the packet was there. */
type Outcome = 'arrived' | 'refused' | 'unreachable' | 'silent';

/** Who sends. */
export interface Sender {
  readonly place: KernelNamespace;
  /** What to bind to; undefined: what the kernel chooses. */
  readonly source: Address | undefined;
  /** The mark of its packets; undefined: what they have by themselves. */
  readonly mark: number | undefined;
  /** Does the mark reach the rules of the machine? */
  readonly keepsMark: boolean;
}

/** The way, with what became of a packet that took it. One of a port that stands for many is not tried. */
export async function prove(sender: Sender, way: ReachWay): Promise<ReachWay> {
  if (way.port === 'any') return way;
  const outcome = await send({ ...sender, address: way.address }, way.port);
  return { ...way, proof: { outcome, agrees: agreement(sender, way, outcome) } };
}

/**
 * Silence after a datagram proves nothing where it should arrive, nor does what happens beyond this machine, nor what a packet
 * meets without its mark where it would meet something else with it.
 */
function agreement({ mark, keepsMark }: Sender, { answer, port }: ReachWay, outcome: Outcome): Proof['agrees'] {
  const arrived = outcome === 'arrived' || outcome === 'refused';
  if (arrived === (answer.outcome === 'reached')) return 'yes';
  if (mark !== undefined && !keepsMark) return 'unknown';
  if (answer.outcome === 'dropped') return 'no';
  const isDatagram = port !== undefined && port !== 'any' && port.protocol === 'udp';
  return answer.where.kind === 'outside' || (isDatagram && outcome === 'silent') ? 'unknown' : 'no';
}

interface Path extends Sender {
  readonly address: Address;
}

function send(path: Path, port: Port | undefined): Promise<Outcome> {
  if (port === undefined) return ping(path);
  return port.protocol === 'udp' ? tell(path, port.port) : knock(path, port.port, port.protocol);
}

/** TCP and SCTP: is the connection made, or refused? */
function knock(path: Path, port: number, protocol: 'tcp' | 'sctp'): Promise<Outcome> {
  const open = (family: Family) => {
    try {
      return openStream(family, protocol);
    } catch (error) {
      throw hasErrno(error, 'EPROTONOSUPPORT') ? noSctp(error) : error;
    }
  };
  return withSocket(path, port, open, (fd, settle) => {
    const watch = whenWritable(fd, () => settle(outcomeOf(takeError(fd)) ?? 'arrived'));
    return () => watch.close();
  });
}

function noSctp(cause: unknown): GangwayError {
  const hint = 'ask without --probe, or load it with `modprobe sctp`';
  return new GangwayError('not-supported', 'a probe by sctp needs a kernel that has it (Protocol not supported)', {
    hint,
    cause,
  });
}

/** UDP: is there an answer, or a refusal? */
function tell(path: Path, port: number): Promise<Outcome> {
  const open = (family: Family) => {
    const fd = openDatagram(family);
    reportUnreachable(fd, family);
    return fd;
  };
  return converse(path, port, open, { message: new Uint8Array(0), counts: () => true });
}

function ping(path: Path): Promise<Outcome> {
  const { family } = path.address;
  const number = process.pid & 0xffff;
  const message = echoRequest(family, number);
  return converse(path, 0, openEcho, { message, counts: (bytes) => isEchoReply(family, number, bytes) });
}

interface Talk {
  readonly message: Uint8Array;
  /** Is this the answer? */
  counts(bytes: Uint8Array): boolean;
}

/** Sends until something comes back that counts. */
function converse(
  path: Path,
  port: number,
  open: (family: Family) => number,
  { message, counts }: Talk,
): Promise<Outcome> {
  const buffer = new DatagramBuffer();
  return withSocket(path, port, open, (fd, settle) => {
    const ask = () => {
      buffer.payload.set(message);
      return buffer.send(fd, message.length);
    };
    const watch = whenReadable(fd, () => {
      for (let length = buffer.receive(fd); length !== undefined; length = buffer.receive(fd))
        if (counts(buffer.payload.subarray(0, length))) return settle('arrived');
      const failed = outcomeOf(buffer.failure);
      if (failed !== undefined) settle(failed);
    });
    const again = setInterval(() => {
      // What came of the datagram before may be told here, and is then told to nobody else.
      const failed = ask() ? undefined : failures[buffer.failure ?? ''];
      if (failed !== undefined) settle(failed);
    }, repeatMilliseconds);
    ask();
    return () => {
      clearInterval(again);
      watch.close();
    };
  });
}

/** Opens, connects and closes; `wait` begins, and returns what ends the waiting. */
async function withSocket(
  { place, source, mark, address }: Path,
  port: number,
  open: (family: Family) => number,
  wait: (fd: number, settle: (outcome: Outcome) => void) => () => void,
): Promise<Outcome> {
  const fd = place.inside(() => open(address.family));
  try {
    if (mark !== undefined) markPackets(fd, mark);
    const failed = connected(fd, source, { address, port });
    if (failed !== undefined) return failed;
    return await new Promise((resolve) => {
      let end = () => {};
      const settle = (outcome: Outcome) => {
        clearTimeout(timer);
        end();
        // libuv lets go of a descriptor in a turn of its own.
        setImmediate(resolve, outcome);
      };
      const timer = setTimeout(settle, patienceMilliseconds, 'silent');
      end = wait(fd, settle);
    });
  } finally {
    closeSocket(fd);
  }
}

/** @returns what came of it at once, if anything did */
function connected(fd: number, source: Address | undefined, endpoint: Endpoint): Outcome | undefined {
  try {
    if (source?.family === endpoint.address.family) bind(fd, { address: source, port: 0 });
    ignoring('EINPROGRESS', () => connect(fd, endpoint));
    return undefined;
  } catch (error) {
    if (error instanceof KernelError && hasErrno(error, ...Object.keys(failures))) return outcomeOf(error.errno);
    throw error;
  }
}

const failures: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: 'refused',
  // A proxy took it, and nobody listens behind it.
  ECONNRESET: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EACCES: 'unreachable',
  EINVAL: 'unreachable',
  ETIMEDOUT: 'silent',
};

function outcomeOf(errno: string | undefined): Outcome | undefined {
  return errno === undefined ? undefined : (failures[errno] ?? 'unreachable');
}
