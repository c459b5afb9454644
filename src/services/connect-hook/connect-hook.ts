/**
 * The connect hook: processes of this host reach published ports on loopback addresses without a relay.
 *
 * Theory of operation. The firewall cannot translate a connection to 127.0.0.1:8080, so a process has to relay it
 * (services/proxy). But the kernel runs our BPF programs when a process of this host calls connect(2) or sendmsg(2), and the
 * programs replace the address by the container's, before the first packet (programs.ts):
 *
 *     with the relay    curl ── lo ── listener, relay ── bridge ── veth ── container       two connections, four copies
 *     with the hook     curl ─────────────────────────── bridge ── veth ── container       one connection
 *
 * The container sees the same client address in both cases: the host's address on the bridge. And a client gains nothing that the
 * relay would not give: processes of the host may connect to every container anyway.
 *
 * The listener stays, for clients that the hook does not redirect. The programs are linked to the root of the cgroup tree that this
 * process sees, beside other programs. The kernel removes the links when this process ends, in whichever way.
 *
 * A port that is unpublished ends with its connections. There is no socket of ours to close, so the hook asks the kernel for the
 * sockets that the port has redirected, and destroys them. Connections redirected by a process that was killed
 * continue, like any connection to a container.
 *
 * Differences for a client, apart from the speed: if the container does not listen, connect(2) fails with ECONNREFUSED, while the
 * relay would accept and reset. getsockname(2) returns the host's address on the bridge. ss(8) and the firewall see a
 * connection of the process itself to the container.
 */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { assemble, type Program } from '../../kernel/bpf/program.ts';
import { bitField, typeInformationPath } from '../../kernel/bpf/type-information.ts';
import { endSockets, socketsWith, type TcpSocket } from '../../kernel/socket-diagnosis.ts';
import { Connection } from '../../netlink/connection.ts';
import {
  type AttachType,
  createHash,
  createSocketStorage,
  deleteElements,
  elements,
  linkToCgroup,
  loadProgram,
  updateElements,
} from '../../sys/bpf.ts';
import { namespaceCookie } from '../../sys/namespace.ts';
import { isLoopback, isUnspecified } from '../../values/address.ts';
import { ignoring } from '../../values/errors.ts';
import { type ForwardSet, pairs } from '../../values/forward-set.ts';
import {
  flow,
  isRedirected,
  keyOf,
  keysOf,
  type PortPlace,
  port,
  redirectCounts,
  redirectIdOf,
  target,
  valuesOf,
} from './maps.ts';
import { redirectProgram, restoreProgram } from './programs.ts';
import type { HostFacts } from './steps.ts';

/** All ports of both protocols and families; only existing elements take memory. */
const maximumPorts = 1 << 18;

export class ConnectHook {
  /** Descriptors of maps, programs and links. */
  readonly #descriptors: number[] = [];
  readonly #diagnosis: Connection;
  readonly #ports: number;
  readonly #flows: number;
  readonly #host: HostFacts;
  /** The id of each redirect, by address and then by port. */
  readonly #redirects = new Map<string, Map<number, number>>();
  #nextId = 1;

  /**
   * @param cgroup directory of the cgroup whose processes are redirected
   * @throws KernelError if this kernel, or another program of that cgroup, does not allow it; VerifierRefusal
   */
  constructor(readonly cgroup: string) {
    this.#diagnosis = Connection.open('socketDiagnosis');
    try {
      this.#host = { namespaceCookie: namespaceCookie(), ipv6OnlyBit: findOnlyIpv6() };
      this.#ports = this.#own(createHash('ports', port.bytes, target.bytes, maximumPorts));
      this.#flows = this.#own(createSocketStorage('flows', flow.bytes));
      // A hook that cannot destroy sockets must not redirect any. This destroys no socket.
      const noSocket = { family: 4, identity: new Uint8Array(48), stored: Buffer.alloc(0) } as const;
      endSockets(this.#diagnosis, [...socketsWith(this.#diagnosis, this.#flows), noSocket]);
      this.#link();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Number of redirected ports. */
  get size(): number {
    return [...this.#redirects.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Redirects new connections to these ports. Forwards that cannot be redirected are left to the relay. */
  redirect(forwards: readonly ForwardSet[]): void {
    for (const set of forwards.filter((each) => this.#canRedirect(each))) {
      const ids = this.#idsAt(set);
      const fresh = pairs(set.ports).filter(({ hostPort }) => !ids.has(hostPort));
      const [hostPorts, containerPorts] = [fresh.map((pair) => pair.hostPort), fresh.map((pair) => pair.containerPort)];
      const values = valuesOf(set.target, containerPorts, this.#nextId);
      updateElements(this.#ports, { keys: keysOf(set, hostPorts), values }, fresh.length);
      for (const hostPort of hostPorts) ids.set(hostPort, this.#nextId++);
    }
  }

  /** Returns a function that counts the sockets that forwards have redirected. A UDP socket counts with its first datagram. */
  counts(): (forwards: readonly ForwardSet[]) => number {
    const counts = this.#counts();
    const countOf = (set: ForwardSet) =>
      pairs(set.ports).reduce((sum, { hostPort }) => sum + (counts.get(nameOf(set, hostPort)) ?? 0), 0);
    return (forwards) => (counts.size === 0 ? 0 : forwards.reduce((sum, set) => sum + countOf(set), 0));
  }

  /**
   * Stops redirecting new connections.
   *
   * Most ports have redirected no socket, and their counters show that: a program counts before it redirects. So the list of
   * all sockets of the host is rarely needed. (A connection between the two calls to the kernel is missed, and continues.)
   *
   * @returns the ids of TCP redirects that may have open connections
   */
  remove(forwards: readonly ForwardSet[]): ReadonlySet<number> {
    if (forwards.length === 0) return new Set();
    const removed = new Set<number>();
    const counts = this.#counts();
    for (const set of forwards) {
      const ids = this.#idsAt(set);
      const hostPorts = pairs(set.ports).flatMap(({ hostPort }) => (ids.has(hostPort) ? [hostPort] : []));
      deleteElements(this.#ports, keysOf(set, hostPorts), hostPorts.length);
      for (const hostPort of hostPorts) {
        const hasConnections = set.protocol === 'tcp' && counts.size > 0 && counts.has(nameOf(set, hostPort));
        if (hasConnections) removed.add(ids.get(hostPort) ?? 0);
        ids.delete(hostPort);
      }
    }
    return removed;
  }

  /** Returns the ids of redirects with open connections. */
  connectedIds(): ReadonlySet<number> {
    return new Set(this.#redirectedSockets().map(({ stored }) => redirectIdOf(stored)));
  }

  /** Destroys the connections of redirects. @param ids as `remove` returns them */
  abortConnections(ids: ReadonlySet<number>): void {
    if (ids.size === 0) return;
    endSockets(
      this.#diagnosis,
      this.#redirectedSockets().filter(({ stored }) => ids.has(redirectIdOf(stored))),
    );
  }

  /** Removes the programs. Redirected connections continue. */
  close(): void {
    this.#diagnosis.close();
    for (const fd of this.#descriptors.splice(0)) closeSync(fd);
  }

  #link(): void {
    const cgroup = openSync(this.cgroup, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const maps = new Map([
        ['ports', this.#ports],
        ['flows', this.#flows],
      ]);
      for (const [name, program] of programs(this.#host)) {
        const loaded = this.#own(loadProgram(name, assemble(program, maps)));
        this.#own(linkToCgroup(name, loaded, cgroup));
      }
    } finally {
      closeSync(cgroup);
    }
  }

  /**
   * An IPv4 socket cannot be redirected to an IPv6 address. A dual-stack TCP socket can be redirected from IPv6 to IPv4, if the
   * program can recognize it. A forward that passes the client's address needs the relay. SCTP is not redirected: its peers
   * exchange their addresses, which would not match.
   */
  #canRedirect({ protocol, hostAddress, clientAddress, target }: ForwardSet): boolean {
    if (clientAddress !== undefined || protocol === 'sctp') return false;
    if (!isLoopback(hostAddress) && !isUnspecified(hostAddress)) return false;
    if (hostAddress.family === target.family) return true;
    return hostAddress.family === 6 && protocol === 'tcp' && this.#host.ipv6OnlyBit !== undefined;
  }

  #idsAt(place: PortPlace): Map<number, number> {
    const key = nameOf(place, 0);
    const ids = this.#redirects.get(key) ?? new Map<number, number>();
    this.#redirects.set(key, ids);
    return ids;
  }

  #counts(): ReadonlyMap<string, number> {
    return redirectCounts(elements(this.#ports, port.bytes, target.bytes, this.size));
  }

  #redirectedSockets(): readonly TcpSocket[] {
    return socketsWith(this.#diagnosis, this.#flows).filter(isRedirected);
  }

  #own(fd: number): number {
    this.#descriptors.push(fd);
    return fd;
  }
}

/** Returns all programs. Those that restore addresses come first, so that no redirected socket ever sees the container's. */
export function programs(machine: HostFacts): ReadonlyMap<AttachType, Program> {
  return new Map([
    ['getpeername4', restoreProgram(4)],
    ['getpeername6', restoreProgram(6)],
    ['recvmsg4', restoreProgram(4)],
    ['recvmsg6', restoreProgram(6)],
    ['connect4', redirectProgram('tcp', 4, machine)],
    ['connect6', redirectProgram('tcp', 6, machine)],
    ['sendmsg4', redirectProgram('udp', 4, machine)],
    ['sendmsg6', redirectProgram('udp', 6, machine)],
  ]);
}

/** Returns the key that `redirectCounts` uses. */
function nameOf(place: PortPlace, hostPort: number): string {
  return keyOf(place, hostPort).toString('latin1');
}

function findOnlyIpv6(): HostFacts['ipv6OnlyBit'] {
  const bytes = ignoring('ENOENT', () => readFileSync(typeInformationPath));
  return bytes && bitField(bytes, 'sock_common', 'skc_ipv6only');
}
