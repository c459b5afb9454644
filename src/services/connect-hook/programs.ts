/**
 * The programs of the connect hook, which the kernel runs when a process of this machine calls a socket with an address.
 *
 * A process that asks 127.0.0.1:8080 is led to 172.17.0.2:80, and never learns of it:
 *
 *     connect(127.0.0.1:8080) ── connect4: is that published? ──> connect(172.17.0.2:80)
 *                                    │ the socket remembers: asked 127.0.0.1:8080, led to 172.17.0.2:80
 *     getpeername() = 127.0.0.1:8080 <── getpeername4: led to whom this says? ── 172.17.0.2:80
 *
 *     sendto(127.0.0.1:53)    ── sendmsg4: the same for each datagram ────────> sendto(172.17.0.2:53)
 *     recvfrom() = 127.0.0.1:53  <── recvmsg4 ──────────────────────────────────── 172.17.0.2:53
 *
 * Who is not led:
 *
 *   · whoever asks anybody but 127.0.0.0/8 and ::1 (or 0.0.0.0 and ::, by which the kernel means them): four instructions;
 *   · a process in another network namespace: a container's own 127.0.0.1:8080 is a place in the container;
 *   · a socket that is bound to an address, which it wants to be seen, or to a link, or has a mark: what it would be routed
 *     by on its way to a container was said for this machine's loopback alone;
 *   · of UDP, a socket that connects. The kernel does not ask again for its datagrams, so it would speak for ever to the
 *     container that was there when it began;
 *   · of TCP, a socket that speaks IPv6 alone: the container may have none;
 *   · of UDP, who asks by IPv6 for a container of IPv4: the kernel refuses a datagram that would change its family;
 *   · of UDP, a socket that was led elsewhere before: it remembers one whom it asked.
 *
 * All those find the listener of the switchboard where they ask, and its relay.
 *
 * @see __cgroup_bpf_run_filter_sock_addr() in kernel/bpf/cgroup.c, udp_sendmsg() in net/ipv4/udp.c
 */
import { type Field, socketAddress } from '../../kernel/bpf/layout.ts';
import { call, gotoIf, load, mapAddress, type Program, remark, set } from '../../kernel/bpf/program.ts';
import type { Family } from '../../values/address.ts';
import type { Protocol } from '../../values/port.ts';
import { flow } from './maps.ts';
import {
  copy,
  findPort,
  type HostFacts,
  hasProtocol,
  isDualStack,
  isInNamespace,
  isUnbound,
  loadRequested4,
  loadRequested6,
  remember,
  rewriteAddress,
  skip,
  words,
} from './steps.ts';

/** For the calls by which a process begins: connect(2) of TCP, sendmsg(2) of UDP. */
export function redirectProgram(protocol: Protocol, family: Family, machine: HostFacts): Program {
  return [
    set('r6', 'r1'),
    ...(family === 4 ? loadRequested4 : loadRequested6),
    ...hasProtocol(protocol),
    ...isInNamespace(machine),
    ...isUnbound(protocol, family),
    ...(protocol === 'tcp' && family === 6 ? isDualStack(machine) : []),
    ...findPort,
    ...remember(protocol),
    ...rewriteAddress(family),
    ...skip,
  ];
}

/** For the calls that tell a process with whom it speaks: getpeername(2), recvmsg(2). */
export function restoreProgram(family: Family): Program {
  const told = family === 4 ? [socketAddress.user_ip4] : socketAddress.user_ip6;
  const compare = (remembered: Field, said: Field) => [
    load('w1', 'r0', remembered),
    load('w2', 'r6', said),
    gotoIf('w1', '!=', 'w2', 'leave'),
  ];
  return [
    set('r6', 'r1'),
    remark('is it him to whom this socket was led?'),
    load('r2', 'r6', socketAddress.sk),
    mapAddress('r1', 'flows'),
    set('r3', 0),
    set('r4', 0),
    call('sk_storage_get'),
    gotoIf('r0', '==', 0, 'leave'),
    ...words(flow.target, told).flatMap(([remembered, said]) => compare(remembered, said)),
    ...compare(flow.target_port, socketAddress.user_port),
    remark('then it hears whom it asked'),
    ...words(flow.asked, told).flatMap(([remembered, said]) => copy('r0', remembered, 'r6', said)),
    ...copy('r0', flow.asked_port, 'r6', socketAddress.user_port),
    ...skip,
  ];
}
