/** A client's connection to a running switchboard. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { encode } from '../../plan/encoding.ts';
import { GangwayError, hasErrno } from '../../values/errors.ts';
import { LineSplitter } from '../../values/line-splitter.ts';
import type { RelayTraffic } from '../results.ts';
import type { ContainerRecord } from '../store/record.ts';
import {
  type Answer,
  decodeCounts,
  decodeError,
  encodePublication,
  type Publication,
  protocolVersion,
  type Request,
  type SwitchboardStatus,
} from './protocol.ts';

/**
 * Connects to whoever listens at `path`: a switchboard, or systemd, which then starts one.
 *
 * @returns undefined where nobody does: no such file, or a stale one
 * @throws GangwayError switchboard-unreachable
 */
export async function dial(path: string): Promise<Socket | undefined> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ECONNREFUSED')) return undefined;
    throw unreachable(`cannot connect to ${path}`, error);
  }
}

/** What is not served yet, and in no record, when the connection ends is given back. */
export class SwitchboardConnection {
  readonly #socket: Socket;
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  readonly #closed: Promise<void>;
  #gone = false;

  private constructor(socket: Socket) {
    const lines = new LineSplitter();
    this.#socket = socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      for (const line of lines.push(text)) this.#waiting.shift()?.resolve(JSON.parse(line) as Answer);
    });
    let cause: unknown;
    socket.on('error', (error) => {
      cause = error;
    });
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#gone = true;
        for (const { reject } of this.#waiting) reject(unreachable('the switchboard went away', cause));
        resolve();
      });
    });
  }

  /**
   * Connects to the switchboard that listens at `path`, and hears from it. Where it is systemd that listens, one has to start
   * before that.
   *
   * @returns undefined if none does: no such file, a stale one, or one that is just ending
   * @throws GangwayError switchboard-unreachable, also if it says nothing in that time
   */
  static async open(path: string, patienceMilliseconds = 30_000): Promise<SwitchboardConnection | undefined> {
    const socket = await dial(path);
    if (socket === undefined) return undefined;
    const connection = new SwitchboardConnection(socket);
    let isLate = false;
    const patience = setTimeout(() => {
      isLate = true;
      socket.destroy();
    }, patienceMilliseconds);
    try {
      await connection.#ask({ request: 'hello' });
      return connection;
    } catch (error) {
      if (isLate) throw silent(path, patienceMilliseconds);
      if (connection.#gone) return undefined;
      await connection.close();
      throw error;
    } finally {
      clearTimeout(patience);
    }
  }

  /** The switchboard is still there. */
  get isOpen(): boolean {
    return !this.#gone;
  }

  /** @throws GangwayError not-supported where the limit of open files has no room for so many more; switchboard-unreachable */
  async requireRoom(sockets: number): Promise<void> {
    await this.#ask({ request: 'room', sockets });
  }

  /** @throws GangwayError port-in-use, invalid-address, not-root, not-supported; switchboard-unreachable */
  async reserve(publication: Publication): Promise<void> {
    await this.#ask({ request: 'reserve', publication: encodePublication(publication) });
  }

  /** @throws GangwayError container-not-found if nothing is reserved; switchboard-unreachable */
  async serve(owner: string): Promise<void> {
    await this.#ask({ request: 'serve', owner });
  }

  /** @throws GangwayError switchboard-unreachable */
  async keep(publication: Publication): Promise<void> {
    await this.#ask({ request: 'keep', publication: encodePublication(publication) });
  }

  /** @throws GangwayError program-failed if there can be no name server; switchboard-unreachable */
  async attend(record: ContainerRecord): Promise<void> {
    await this.#ask({ request: 'attend', record: encode(record) });
  }

  /** @throws GangwayError switchboard-unreachable */
  async withdraw(owner: string): Promise<void> {
    await this.#ask({ request: 'withdraw', owner });
  }

  /** Makes it hear those who stand in docker-proxy's place. @throws GangwayError switchboard-unreachable */
  async hearStandIns(): Promise<void> {
    await this.#ask({ request: 'stand-ins' });
  }

  /** Makes it read the records again, and serve what they say: after a crash left the two apart. */
  refresh(): Promise<SwitchboardStatus> {
    return this.#askStatus('refresh');
  }

  status(): Promise<SwitchboardStatus> {
    return this.#askStatus('status');
  }

  /** @throws GangwayError switchboard-unreachable */
  async counts(): Promise<readonly RelayTraffic[]> {
    const { counts = [] } = await this.#ask({ request: 'counts' });
    return decodeCounts(counts);
  }

  /** Leaves, and waits until the switchboard has taken note: if it ends with its last client, its socket is gone. */
  async close(): Promise<void> {
    this.#socket.end();
    await this.#closed;
  }

  async #askStatus(request: 'refresh' | 'status'): Promise<SwitchboardStatus> {
    const { status } = await this.#ask({ request });
    if (status === undefined) throw unreachable(`the switchboard gave no answer to ${request}`);
    return status;
  }

  async #ask(request: Request): Promise<Extract<Answer, { ok: true }>> {
    if (this.#gone) throw unreachable('the switchboard went away');
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify({ version: protocolVersion, ...request })}\n`);
    });
    if (!answer.ok) throw decodeError(answer.error);
    return answer;
  }
}

function silent(path: string, milliseconds: number): GangwayError {
  return new GangwayError(
    'switchboard-unreachable',
    `who listens at ${path} says nothing for ${Math.round(milliseconds)} ms`,
    {
      hint: 'if that is systemd, `systemctl status gangway-switchboard` tells why it does not start',
    },
  );
}

/** @param what lower case, without a final stop */
export function unreachable(what: string, cause?: unknown): GangwayError {
  return new GangwayError('switchboard-unreachable', what, {
    hint: 'the next command that needs it starts it again',
    cause,
  });
}
