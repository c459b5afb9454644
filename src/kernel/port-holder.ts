/**
 * Who holds a port: the question behind every "address already in use".
 *
 *     ss -lntup 'sport = :8080'
 *
 * The kernel lists its sockets in /proc/net, each with the inode of its file; a process that has this file open has a
 * link `socket:[INODE]` in /proc/PID/fd. Of SCTP it lists those that listen.
 *
 * @see proc_net(5), proc_pid_fd(5)
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type Address, fromBytes, isUnspecified, parseAddress, sameAddress } from '../values/address.ts';
import { ignoring } from '../values/errors.ts';
import { grouped } from '../values/grouped.ts';
import type { Protocol } from '../values/port.ts';

/** A program by the name that the kernel knows it by, at most 15 bytes, and its process. */
export interface PortHolder {
  readonly program: string;
  readonly pid: number;
}

/** A socket as /proc/net lists it. */
interface Socket {
  readonly address: Address;
  readonly port: number;
  /** TCP_LISTEN, or a UDP socket without a peer. */
  readonly waiting: boolean;
  readonly inode: string;
}

/** The states of a socket that waits for anybody: TCP_LISTEN is 10, and UDP borrows TCP_CLOSE, 7. */
const waitingState = { tcp: '0A', udp: '07' } as const;

type Listed = keyof typeof waitingState;

/**
 * The process whose socket stands in the way of binding `address` and `port`.
 *
 * @returns undefined where no socket is found, or none of a process in sight: another PID namespace, or the kernel's own
 */
export function portHolder(protocol: Protocol, address: Address, port: number): PortHolder | undefined {
  return portHolders()(protocol, address, port);
}

/**
 * The same question for many ports at one moment. To read a table of sockets takes the kernel up to 10 ms, however few
 * there are, since it walks the whole hash; so each is read once, when the first question needs it, and kept by port.
 */
export function portHolders(): typeof portHolder {
  const tables = new Map<Protocol, ReadonlyMap<number, readonly Socket[]>>();
  return (protocol, address, port) => {
    const table = tables.get(protocol) ?? grouped(sockets(protocol), (socket) => socket.port);
    tables.set(protocol, table);
    const inWay = (table.get(port) ?? [])
      .filter((socket) => socket.inode !== '0' && overlap(socket.address, address))
      .sort((a, b) => Number(b.waiting) - Number(a.waiting));
    const [first] = inWay;
    return first === undefined ? undefined : openedBy(`socket:[${first.inode}]`);
  };
}

/**
 * Do two bound addresses exclude each other? An unspecified one takes every address of its family; `::` takes IPv4 too
 * unless its socket said IPV6_V6ONLY, which /proc does not tell.
 */
function overlap(bound: Address, wanted: Address): boolean {
  if (bound.family === wanted.family)
    return isUnspecified(bound) || isUnspecified(wanted) || sameAddress(bound, wanted);
  return bound.family === 6 ? isUnspecified(bound) : isUnspecified(wanted);
}

function sockets(protocol: Protocol): Iterable<Socket> {
  return protocol === 'sctp' ? parseAssociationEndpoints(table('sctp/eps')) : inetSockets(protocol);
}

/** Absent where the kernel has no IPv6, or no SCTP. */
function table(file: string): string {
  return ignoring('ENOENT', () => readFileSync(`/proc/thread-self/net/${file}`, 'latin1')) ?? '';
}

function* inetSockets(protocol: Listed): Iterable<Socket> {
  for (const file of [protocol, `${protocol}6`]) {
    for (const line of table(file).split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      const [address, port] = local.split(':');
      if (address === undefined || port === undefined || inode === undefined) continue;
      yield {
        address: parseSocketAddress(address),
        port: Number.parseInt(port, 16),
        waiting: state === waitingState[protocol],
        inode,
      };
    }
  }
}

/** /proc/net/sctp/eps: one table for both families, with addresses as people write them, of which a socket may have several. */
export function* parseAssociationEndpoints(text: string): Iterable<Socket> {
  for (const line of text.split('\n').slice(1)) {
    const [, , , , , port, , inode, ...addresses] = line.trim().split(/\s+/);
    if (inode === undefined) continue;
    for (const address of addresses) yield { address: parseAddress(address), port: Number(port), waiting: true, inode };
  }
}

/**
 * `0100007F` is 127.0.0.1: 32-bit words in the order of a little-endian machine. An IPv4 address in the IPv6 table
 * (`::ffff:127.0.0.1`) is read as the IPv4 address that it is.
 */
export function parseSocketAddress(hexadecimal: string): Address {
  const bytes = Buffer.from(hexadecimal, 'hex').swap32();
  const mapped = bytes.length === 16 && bytes.readUInt32BE(8) === 0xffff && bytes.readBigUInt64BE(0) === 0n;
  return fromBytes(mapped ? bytes.subarray(12) : bytes);
}

function openedBy(link: string): PortHolder | undefined {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    // A process may end while we look.
    const found = ignoring(['ENOENT', 'ESRCH', 'EACCES'], () =>
      readdirSync(`/proc/${pid}/fd`).some(
        (fd) => ignoring('ENOENT', () => readlinkSync(`/proc/${pid}/fd/${fd}`)) === link,
      ),
    );
    if (found === true) {
      const program = ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd());
      if (program !== undefined) return { program, pid: Number(pid) };
    }
  }
  return undefined;
}
