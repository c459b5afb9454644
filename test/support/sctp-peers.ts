/**
 * Both ends of SCTP associations, by Python's own sockets: none of our code, and Node has none.
 *
 * @see RFC 6458: SCTP_RECVRCVINFO, SCTP_INITMSG, SCTP_SNDINFO
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { closeSocket, openStream } from '../../src/sys/inet-socket.ts';
import { KernelError } from '../../src/values/errors.ts';

/** @returns what is missing, for `skipUnless` */
export function lacksSctp(): string | undefined {
  try {
    closeSocket(openStream(4, 'sctp'));
    return undefined;
  } catch (error) {
    if (error instanceof KernelError) return `this kernel has no SCTP: ${error.message}`;
    throw error;
  }
}

const common = `
import errno, json, socket, struct, sys, threading
SCTP, NOTHING = 132, struct.pack('=ii', 1, 0)
def tell(**what):
    print(json.dumps(what), flush=True)
def stream(address):
    s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_STREAM, SCTP)
    s.setsockopt(SCTP, 32, 1)
    s.setsockopt(SCTP, 2, struct.pack('=4H', 20, 0, 0, 0))
    return s
def receive(s):
    message = b''
    while True:
        piece, controls, flags, _ = s.recvmsg(1 << 21, 1000)
        if not piece:
            return None
        message += piece
        for _, _, value in controls:
            sid, marks, kind = struct.unpack_from('=HxxHxxI', value)
        if flags & 0x80:
            return message, sid, socket.ntohl(kind), marks & 1
def send(s, message, sid=0, kind=0, unordered=0):
    s.sendmsg([message], [(SCTP, 2, struct.pack('=HHIIi', sid, unordered, socket.htonl(kind), 0, 0))])
def end(s, how):
    if how == 'abort':
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOTHING)
    s.close()
`;

/** Of each association: what it says by itself, whether it answers each message with the same, and how it ends. */
const serving = `${common}
address, port, how = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
listener = stream(address)
if ':' in address:
    listener.setsockopt(41, 26, 1)
listener.bind((address, port))
listener.listen()
tell(listening=port)
def serve(s, peer):
    total, error = 0, None
    try:
        if how.get('name'):
            send(s, peer.encode())
        for _ in range(how.get('messages', 0)):
            send(s, b'm' * 50000)
        while 'end' not in how:
            got = receive(s)
            if got is None:
                break
            total += len(got[0])
            if how.get('echo'):
                send(s, *got)
    except OSError as e:
        error = errno.errorcode.get(e.errno, str(e))
    tell(peer=peer, bytes=total, end=error or 'shutdown')
    end(s, how.get('end'))
while True:
    s, peer = listener.accept()
    threading.Thread(target=serve, args=(s, peer[0]), daemon=True).start()
`;

const asking = `${common}
address, port, steps = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
s = stream(address)
s.settimeout(60)
try:
    s.connect((address, port))
    s.settimeout(None)
    for step in steps:
        if step[0] == 'send':
            send(s, b'x' * step[1], *step[2:])
            continue
        if step[0] == 'wait':
            tell(waiting=True)
            sys.stdin.readline()
            continue
        if step[0] in ('close', 'abort'):
            end(s, step[0])
            break
        total = 0
        while True:
            got = receive(s)
            if got is None:
                tell(bytes=total, end='shutdown')
                break
            total += len(got[0])
            if step[0] == 'receive':
                text = got[0].decode() if len(got[0]) < 50 else ''
                tell(length=len(got[0]), text=text, stream=got[1], kind=got[2], unordered=got[3])
                break
except OSError as e:
    tell(error=errno.errorcode.get(e.errno, str(e)))
`;

/** What a server does with each association. */
export interface Behaviour {
  /** Says first under which address it sees who asks. */
  readonly name?: true;
  /** Says so many messages of 50,000 bytes. */
  readonly messages?: number;
  /** Answers each message with the same, in the same stream. */
  readonly echo?: true;
  /** And ends it at once, in order or not. */
  readonly end?: 'close' | 'abort';
}

export type Step =
  | readonly ['send', bytes: number, stream?: number, kind?: number, unordered?: 0 | 1]
  | readonly ['receive' | 'drain' | 'wait' | 'close' | 'abort'];

type Told = Readonly<Record<string, unknown>>;

/** A process that tells a line of JSON now and then. */
export class Peer {
  readonly #told: Told[] = [];
  #wanted: (() => void) | undefined;
  #over = false;

  constructor(readonly child: ChildProcess) {
    if (child.stdout === null) throw new Error('a peer needs an output');
    const lines = createInterface(child.stdout);
    lines.on('line', (line) => {
      this.#told.push(JSON.parse(line) as Told);
      this.#wanted?.();
    });
    lines.once('close', () => {
      this.#over = true;
      this.#wanted?.();
    });
  }

  /** The next line. @throws Error where it has ended without */
  async next(): Promise<Told> {
    while (this.#told.length === 0) {
      if (this.#over) throw new Error('a peer has ended and told nothing');
      await new Promise<void>((resolve) => {
        this.#wanted = resolve;
      });
    }
    return this.#told.shift() ?? {};
  }

  /** All that it tells until it ends. */
  async rest(): Promise<readonly Told[]> {
    while (!this.#over)
      await new Promise<void>((resolve) => {
        this.#wanted = resolve;
      });
    return this.#told.splice(0);
  }

  go(): void {
    this.child.stdin?.write('\n');
  }
}

/** The words of a command that serves. */
export function sctpServer(address: string, port: number, behaviour: Behaviour): readonly string[] {
  return ['python3', '-c', serving, address, String(port), JSON.stringify(behaviour)];
}

/** The words of a command that asks. */
export function sctpClient(address: string, port: number, steps: readonly Step[]): readonly string[] {
  return ['python3', '-c', asking, address, String(port), JSON.stringify(steps)];
}

/** Starts one of them in the network of this process. */
export function startPeer([program = '', ...words]: readonly string[]): Peer {
  return new Peer(spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] }));
}
