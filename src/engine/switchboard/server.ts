/**
 * The switchboard's desk: clients connect, ask a line and get a line, and leave.
 *
 * It ends by itself when nothing is to be served and nobody is connected. A client that connects in that very moment finds
 * its connection closed before its first answer, and starts another switchboard; at a socket of systemd's it just waits for
 * the next one. It ends, too, when somebody puts another socket in the place of its own: nobody could ask it for anything.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { decode } from '../../plan/encoding.ts';
import type { Open } from '../../services/dns/egress-opening.ts';
import { listen, longestBacklog } from '../../sys/inet-socket.ts';
import { openFileLimit } from '../../sys/open-files.ts';
import { GangwayError, messageOf } from '../../values/errors.ts';
import { LineSplitter } from '../../values/line-splitter.ts';
import type { NameService } from '../dns/zones.ts';
import { ShimServer } from '../docker-proxy/shim-server.ts';
import type { Measured } from '../metrics/families.ts';
import type { ContainerRecord } from '../store/record.ts';
import { ConnectHookOwner, type HookOpening } from './connect-hook.ts';
import { descriptorsKept } from './fd-limit.ts';
import type { Listener } from './listener.ts';
import { NameServerTable } from './name-servers.ts';
import type { SwitchboardFiles } from './paths.ts';
import { PortTable } from './port-table.ts';
import {
  type Answer,
  decodePublication,
  encodeCounts,
  encodeError,
  type Publication,
  protocolVersion,
  type Question,
  type SwitchboardStatus,
} from './protocol.ts';

/** How long it waits for the client that started it. */
const firstClientMilliseconds = 10_000;

/** What is to be served; read at the beginning, and whenever a client asks to. */
export interface DesiredState {
  readonly publishedPorts: () => Iterable<Publication>;
  /** Of whom nobody knows: what they have, they keep. */
  readonly unknown: () => ReadonlySet<string>;
  /** @param attended records that are not written yet, of containers that are about to start */
  readonly names: (attended: readonly ContainerRecord[]) => readonly NameService[];
  /** What opens the addresses of names to limited networks. */
  readonly open: Open;
  /** What leads processes of this machine past the relays. Absent: nothing does. */
  readonly hook?: HookOpening;
}

export class SwitchboardServer {
  /** Resolves when it has ended: nothing listens any more. */
  readonly ended: Promise<void>;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #leading: ConnectHookOwner;
  readonly #switchboard: PortTable;
  readonly #names: NameServerTable;
  readonly #standIns: ShimServer;
  readonly #attended = new Map<Socket, ContainerRecord>();
  /** Who has had ports closed, and has not said yet that the records are so. */
  readonly #closing = new Set<Socket>();
  readonly #firstClient: NodeJS.Timeout;
  #isOver = false;
  #resolveEnded: () => void = () => {};

  constructor(
    readonly wanted: DesiredState,
    readonly files: SwitchboardFiles,
    readonly door: Listener,
  ) {
    this.#leading = new ConnectHookOwner(wanted.hook);
    this.#switchboard = new PortTable(() => this.#endIfIdle(), this.#leading);
    this.#names = new NameServerTable(openFileLimit() - descriptorsKept, wanted.open);
    this.#standIns = new ShimServer(this.#switchboard, (sentence) => void process.stderr.write(`${sentence}\n`));
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#greet(client));
    this.#firstClient = setTimeout(() => this.#endIfIdle(), firstClientMilliseconds);
  }

  /**
   * The records are read when clients can connect: who changes one later finds somebody to tell.
   *
   * @returns when it serves, and is about to hear the first client
   */
  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ fd: this.door.fd }, () => {
        // From here on an error is one client's: accepting it failed.
        this.#server.off('error', reject).on('error', () => {});
        // Node has listened again, with a queue of 511, whatever it is told.
        listen(this.door.fd, longestBacklog);
        resolve();
      });
    });
    this.#follow();
    this.door.watch(() => this.end());
  }

  /** What it does at the moment, and what the relays have counted. */
  measured(): Pick<Measured, 'relays' | 'hook' | 'nameServers'> {
    const nameServers = this.#names.status().filter(({ reason }) => reason === undefined).length;
    return { relays: this.#switchboard.counts(), hook: this.#leading.status, nameServers };
  }

  /** Stops serving, whatever is published. The next switchboard takes it up again from the records. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#firstClient);
    // What is connected stays connected.
    this.#server.close();
    this.door.close();
    for (const client of this.#clients) client.end();
    this.#standIns.close();
    this.#leading.close();
    this.#switchboard.close();
    this.#names.follow([], new Set());
    this.#resolveEnded();
  }

  #greet(client: Socket): void {
    clearTimeout(this.#firstClient);
    this.#clients.add(client);
    const lines = new LineSplitter();
    client.setEncoding('utf8');
    client.on('data', (text: string) => {
      // Who is not answered asks the next switchboard.
      if (this.#isOver) return;
      for (const line of lines.push(text)) client.write(`${JSON.stringify(this.#answer(client, line))}\n`);
    });
    // A client that was killed may leave with an error; 'close' follows it.
    client.on('error', () => {});
    client.on('end', () => {
      this.#leave(client);
      // Last, so that a client which waits for this end finds everything in its final state.
      client.end();
    });
    client.on('close', () => this.#leave(client));
  }

  #leave(client: Socket): void {
    if (!this.#clients.has(client)) return;
    // It counts until the records have been read: nobody ends in between.
    const reserved = this.#switchboard.end(client);
    const attended = this.#attended.delete(client);
    const closing = this.#closing.delete(client);
    if ((reserved || attended || closing) && !this.#isOver) this.#followOrTell();
    this.#clients.delete(client);
    this.#endIfIdle();
  }

  #answer(client: Socket, line: string): Answer {
    try {
      return this.#carryOut(client, JSON.parse(line) as Question);
    } catch (error) {
      return { ok: false, error: encodeError(error) };
    }
  }

  #carryOut(client: Socket, question: Question): Answer {
    requireOurVersion(question);
    switch (question.request) {
      case 'hello':
        break;
      case 'room':
        this.#switchboard.requireRoom(question.sockets);
        break;
      case 'reserve':
        this.#switchboard.reserve(client, decodePublication(question.publication));
        break;
      case 'serve':
        this.#switchboard.serve(question.owner);
        break;
      case 'keep':
        this.#closing.add(client);
        this.#switchboard.keep(decodePublication(question.publication));
        break;
      case 'attend':
        this.#attend(client, decode(question.record) as ContainerRecord);
        break;
      case 'stand-ins':
        this.#standIns.open(this.files);
        break;
      case 'withdraw':
        this.#withdraw(client, question.owner);
        break;
      case 'refresh':
        this.#refresh(client);
        return { ok: true, status: this.#status() };
      case 'status':
        return { ok: true, status: this.#status() };
      case 'counts':
        return { ok: true, counts: encodeCounts(this.#switchboard.counts()) };
      default:
        throw new TypeError(`unknown request: ${(question satisfies never as Question).request}`);
    }
    return { ok: true };
  }

  /** The record of whom it attends is written, if it ever will be. */
  #refresh(client: Socket): void {
    this.#attended.delete(client);
    this.#closing.delete(client);
    this.#follow();
  }

  #status(): SwitchboardStatus {
    const [owners, names] = [this.#switchboard.status(), this.#names.status()];
    return { pid: process.pid, owners, names, hook: this.#leading.status };
  }

  /** Nobody waits for an answer, and what one client left behind must not end what all others have. */
  #followOrTell(): void {
    try {
      this.#follow();
    } catch (error) {
      process.stderr.write(`${messageOf(error)}\n`);
    }
  }

  #follow(): void {
    const unknown = this.wanted.unknown();
    const unrecorded = new Set([...unknown, ...this.#standIns.owners]);
    this.#switchboard.follow(this.wanted.publishedPorts(), unrecorded);
    this.#followNames(unknown);
  }

  #followNames(unknown = this.wanted.unknown()): void {
    this.#names.follow(this.wanted.names([...this.#attended.values()]), unknown);
  }

  /** @throws GangwayError program-failed */
  #attend(client: Socket, record: ContainerRecord): void {
    this.#attended.set(client, record);
    try {
      this.#followNames();
    } catch (error) {
      this.#attended.delete(client);
      throw error;
    }
    const reason = this.#names.status().find(({ owner }) => owner === record.id)?.reason;
    if (reason === undefined) return;
    this.#withdraw(client, record.id);
    throw new GangwayError('program-failed', `container ${record.name} can have no name server: ${reason}`);
  }

  #withdraw(client: Socket, owner: string): void {
    this.#switchboard.withdraw(owner);
    this.#names.withdraw(owner);
    if (this.#attended.delete(client)) this.#followNames();
  }

  #endIfIdle(): void {
    if (this.#clients.size === 0 && this.#switchboard.idle && this.#names.idle) this.end();
  }
}

/** @throws GangwayError switchboard-unreachable */
function requireOurVersion({ version }: Question): void {
  if (version === protocolVersion) return;
  throw new GangwayError('switchboard-unreachable', 'the running switchboard is of another version of gangway', {
    hint: `end it with \`kill ${process.pid}\`: the next command starts the new one, and ports are served again`,
  });
}
