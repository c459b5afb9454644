/**
 * Chapter 10: DNS.
 *
 * Containers find each other by name, since addresses are assigned at start. In every user-defined network a container
 * has its own DNS server at 127.0.0.11, in its own loopback. So resolv.conf is written once (chapter 5), and the
 * networks of the container decide which names the server knows.
 *
 *      program --> 127.0.0.11:53 --output: redirected to port 61053--> socket in the container's namespace
 *              <-- 127.0.0.11:53 <--connection tracking-------------- held by the switchboard, a process of the host
 *
 * A socket stays in the namespace where it was opened: the switchboard opens one there and answers from outside. The
 * socket does not use port 53, because the container may run a DNS server on 0.0.0.0:53. Two rules in the container's
 * namespace redirect the port, and only these rules are steps of the plan. The sockets follow from the records, like
 * those of published ports.
 *
 * Docker's port changes with each start, and its rules with it. The default bridge has no DNS server in either.
 */
import type { DiversionStep } from '../plan/step.ts';
import { nameServerAddress, nameServerPort } from '../values/resolver.ts';
import { namespaceOf, type Sandbox } from './sandbox.ts';

/** The rules that redirect a container's DNS queries to its server. */
export function redirectDns(sandbox: Sandbox): readonly DiversionStep[] {
  return [
    {
      kind: 'diversion',
      in: namespaceOf(sandbox),
      table: 'gangway_names',
      address: nameServerAddress,
      port: 53,
      to: nameServerPort,
      why: 'redirect DNS queries to the port of the DNS server; port 53 itself stays free for the container',
    },
  ];
}

export function dnsSocketRemarks(): readonly string[] {
  return ['no command: the switchboard opens DNS sockets in the container’s namespace'];
}
