/**
 * The connect hook: processes of this machine reach published ports of its loopback without a relay in between.
 *
 * Theory of operation. What asks 127.0.0.1:8080 can't be translated by the firewall on its way, so a process has to carry
 * the bytes (services/proxy). But who asks from this machine can be led elsewhere before there is a first packet: the
 * kernel runs our programs when a process calls connect(2) or sendmsg(2), and they put the container's address in the
 * place of the one that was asked (programs.ts):
 *
 *     with the relay    curl ── lo ── listener, relay ── bridge ── veth ── container       two connections, four copies
 *     with the hook     curl ─────────────────────────── bridge ── veth ── container       one connection
 *
 * The container sees the same client in both cases: the address that the machine has on the bridge, since that is the one
 * that the kernel chooses. And it can do nothing that the relay could not: a process of the machine may speak to every
 * container anyway.
 *
 * The listener stays, for all who are not led. The programs are linked to the root of the tree of cgroups that this process
 * sees, beside those of others, and the link ends with this process, however that one ends.
 *
 * A port that is taken away ends with its connections. There is no socket of ours that could be closed for that, so the
 * kernel is asked which sockets were led by the port, and to break them off. Who was led by a process that was killed since
 * is known to nobody any more, and goes on like any connection to a container.
 *
 * What a client may notice, beside the speed: nobody listens in the container, and it hears ECONNREFUSED from connect(2),
 * where the listener would have taken the connection and reset it. getsockname(2) says the machine's address on the bridge,
 * ss(8) and the firewall see a connection to the container, made by the process itself.
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

/** Each port of both protocols on both families; memory is taken for those that are there. */
const maximumPorts = 1 << 18;

export class ConnectHook {
  /** What is open: maps, programs, links. */
  readonly #descriptors: number[] = [];
  readonly #diagnosis: Connection;
  readonly #ports: number;
  readonly #flows: number;
  readonly #machine: HostFacts;
  /** The number of each, by its address and then by its port. */
  readonly #leads = new Map<string, Map<number, number>>();
  /** Of the next one. */
  #count = 1;

  /**
   * @param cgroup the directory below which processes are led
   * @throws KernelError where this kernel, or what else is linked to that cgroup, does not let it; VerifierRefusal
   */
  constructor(readonly cgroup: string) {
    this.#diagnosis = Connection.open('socketDiagnosis');
    try {
      this.#machine = { namespaceCookie: namespaceCookie(), ipv6OnlyBit: findOnlyIpv6() };
      this.#ports = this.#keep(createHash('ports', port.bytes, target.bytes, maximumPorts));
      this.#flows = this.#keep(createSocketStorage('flows', flow.bytes));
      // Nobody is led yet, so nobody is ended by this. Who can't end connections must not begin them.
      const nobody = { family: 4, identity: new Uint8Array(48), stored: Buffer.alloc(0) } as const;
      endSockets(this.#diagnosis, [...socketsWith(this.#diagnosis, this.#flows), nobody]);
      this.#link();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** How many ports it leads. */
  get size(): number {
    return [...this.#leads.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Leads those that begin from now on, and are not led yet. What it can't lead is left to the listener. */
  redirect(forwards: readonly ForwardSet[]): void {
    for (const set of forwards.filter((each) => this.#canLead(each))) {
      const numbers = this.#numbersAt(set);
      const fresh = pairs(set.ports).filter(({ hostPort }) => !numbers.has(hostPort));
      const [hostPorts, containerPorts] = [fresh.map((pair) => pair.hostPort), fresh.map((pair) => pair.containerPort)];
      const values = valuesOf(set.target, containerPorts, this.#count);
      updateElements(this.#ports, { keys: keysOf(set, hostPorts), values }, fresh.length);
      for (const hostPort of hostPorts) numbers.set(hostPort, this.#count++);
    }
  }

  /** How many sockets have been led by ports. A datagram's is counted with its first one. */
  counts(): (forwards: readonly ForwardSet[]) => number {
    const led = this.#ledBy();
    const ledIn = (set: ForwardSet) =>
      pairs(set.ports).reduce((sum, { hostPort }) => sum + (led.get(nameOf(set, hostPort)) ?? 0), 0);
    return (forwards) => (led.size === 0 ? 0 : forwards.reduce((sum, set) => sum + ledIn(set), 0));
  }

  /**
   * Leads nobody more.
   *
   * Most ports have led nobody, which their counters tell: a socket is counted before it is led. To look for connections of theirs
   * would be to list all sockets of the machine in vain. (Who is led between the two calls to the kernel is missed, and goes on.)
   *
   * @returns what those are known by who were led and may have a connection, so not those of UDP
   */
  remove(forwards: readonly ForwardSet[]): ReadonlySet<number> {
    if (forwards.length === 0) return new Set();
    const left = new Set<number>();
    const led = this.#ledBy();
    for (const set of forwards) {
      const numbers = this.#numbersAt(set);
      const hostPorts = pairs(set.ports).flatMap(({ hostPort }) => (numbers.has(hostPort) ? [hostPort] : []));
      deleteElements(this.#ports, keysOf(set, hostPorts), hostPorts.length);
      for (const hostPort of hostPorts) {
        const hasLed = set.protocol === 'tcp' && led.size > 0 && led.has(nameOf(set, hostPort));
        if (hasLed) left.add(numbers.get(hostPort) ?? 0);
        numbers.delete(hostPort);
      }
    }
    return left;
  }

  /** What those are known by who were led and have a connection still. */
  connectedLeads(): ReadonlySet<number> {
    return new Set(this.#led().map(({ stored }) => redirectIdOf(stored)));
  }

  /** Breaks their connections off. @param numbers as `leave` has them */
  abortConnections(numbers: ReadonlySet<number>): void {
    if (numbers.size === 0) return;
    endSockets(
      this.#diagnosis,
      this.#led().filter(({ stored }) => numbers.has(redirectIdOf(stored))),
    );
  }

  /** Nobody is led any more. Who was goes on. */
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
      for (const [name, program] of programs(this.#machine)) {
        const loaded = this.#keep(loadProgram(name, assemble(program, maps)));
        this.#keep(linkToCgroup(name, loaded, cgroup));
      }
    } finally {
      closeSync(cgroup);
    }
  }

  /**
   * A socket of IPv4 can't be led to an address of IPv6. The other way it can, if it speaks both, which it must be seen to;
   * but not a datagram. Whom the container is to be told of can't be led past the relay that tells it. SCTP is left alone: what
   * its two ends tell each other of their addresses would not be what was asked.
   */
  #canLead({ protocol, hostAddress, clientAddress, target }: ForwardSet): boolean {
    if (clientAddress !== undefined || protocol === 'sctp') return false;
    if (!isLoopback(hostAddress) && !isUnspecified(hostAddress)) return false;
    if (hostAddress.family === target.family) return true;
    return hostAddress.family === 6 && protocol === 'tcp' && this.#machine.ipv6OnlyBit !== undefined;
  }

  #numbersAt(place: PortPlace): Map<number, number> {
    const key = nameOf(place, 0);
    const numbers = this.#leads.get(key) ?? new Map<number, number>();
    this.#leads.set(key, numbers);
    return numbers;
  }

  #ledBy(): ReadonlyMap<string, number> {
    return redirectCounts(elements(this.#ports, port.bytes, target.bytes, this.size));
  }

  #led(): readonly TcpSocket[] {
    return socketsWith(this.#diagnosis, this.#flows).filter(isRedirected);
  }

  #keep(fd: number): number {
    this.#descriptors.push(fd);
    return fd;
  }
}

/** Those that tell come first: who is led is told the right thing from the beginning. */
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

/** As `redirectCounts` calls it. */
function nameOf(place: PortPlace, hostPort: number): string {
  return keyOf(place, hostPort).toString('latin1');
}

function findOnlyIpv6(): HostFacts['ipv6OnlyBit'] {
  const bytes = ignoring('ENOENT', () => readFileSync(typeInformationPath));
  return bytes && bitField(bytes, 'sock_common', 'skc_ipv6only');
}
