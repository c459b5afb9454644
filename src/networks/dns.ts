/**
 * Chapter 11: names.
 *
 * How does one container find another one, whose address it can't know before it starts? By its name. In every network
 * that somebody made, a container has a name server of its own, at an address that is the same for all: 127.0.0.11, in its
 * own loopback. So whom a program asks is written in its resolv.conf once (chapter 6), and what it may know follows
 * from the networks that it is plugged into.
 *
 *      program --> 127.0.0.11:53 --output: now to port 61053--> socket of the container's namespace
 *              <-- 127.0.0.11:53 <--connection tracking-------- held by a process of the machine, which knows all names
 *
 * A socket stays in the namespace in which it was opened, whoever holds it: the switchboard opens one there and answers
 * from outside. It is not bound to port 53, because a container may be a name server itself, and would find 0.0.0.0:53
 * taken. Two rules in the container's own namespace lead the port across; they are what the plan has to show for names. The
 * sockets are no steps, as little as those of published ports: they follow from the records.
 *
 * Where we differ from Docker: its port is another one with each start, and its rules with it; the default bridge has no
 * names in either.
 */
import type { DiversionStep } from '../plan/step.ts';
import { nameServerAddress, nameServerPort } from '../values/resolver.ts';
import { namespaceOf, type Sandbox } from './sandbox.ts';

/** What leads a container's questions to its name server. */
export function redirectDns(sandbox: Sandbox): readonly DiversionStep[] {
  return [
    {
      kind: 'diversion',
      in: namespaceOf(sandbox),
      table: 'gangway_names',
      address: nameServerAddress,
      port: 53,
      to: nameServerPort,
      why: 'names are asked at port 53, and the name server listens beside it: that port is the container’s own',
    },
  ];
}

/** What the rules leave to a process. */
export function dnsSocketRemarks(): readonly string[] {
  return ['no command: sockets of the switchboard, opened in the container’s namespace, answer for its names'];
}
