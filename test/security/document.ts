/** Writes docs/security.md: attackers, promises, limits, and a row for each attack with the test that proves it. */
import { type Attack, type Chapter, chapters, type Proof } from './attacks.ts';
import { type BackendName, backends } from './backends.ts';

const opening = `# Security

\`npm run docs\` writes this page from [the list of attacks](../test/security/attacks.ts). A test tries each stopped attack on a real
kernel. The attack must succeed without the rule on trial, and fail with gangway. The statements about Docker 29 come from its source,
its rules and its issues; the tests did not run Docker 29.

## Attackers

| attacker | can | cannot |
|---|---|---|
| neighbour on the wire | send any frame on a wire of the host, with any source address | log in |
| client | connect to a published port | |
| container | send any frame through its own link: NET_RAW is one of Docker’s default capabilities | change the host’s network |
| sibling: a container of the same network | send any frame on the bridge of the attacked container | |
| container of another network | send any frame on another bridge, also of an internal network | |
| name server | return any answer, late or never | |
| local user | run programs and read files, without root | |

## Promises

* Only siblings and the host reach a container’s unpublished port. A published port is reachable at its published addresses. The modes
  \`routed\` and \`nat-unprotected\` and trusted links open what they document.
* No packet leaves an internal network, not even a DNS query, and no packet enters.
* Services on the host’s loopback stay there, and so do ports published on loopback.
* Containers cannot use each other’s addresses, except in a network with \`gangway.guard=false\`.
* These promises do not depend on rp_filter, or on the FORWARD policy of another table. They do not depend on the start order of
  programs, except for a moment [beside Docker](firewall.md#beside-docker).
* If a required setting fails, the command fails and undoes everything.

## Limits

gangway does not protect against the following:

* A container without \`--rootfs\` reads the host’s files. Its root is the host’s own tree, and its root user can read /etc/shadow and
  keys, but not change them. Run untrusted programs with \`--rootfs\` or \`--userns private\` ([decision
  7](decisions/0007-throw-away-root.md)).
* \`--rootfs DIR\` and \`-v SRC:…\` are looked up by name at every start, including after a boot or a crash. Any owner of a directory in the path can redirect it to
  any place on the host.
* After another program flushes the rules, some traffic is possible until they are back. With a switchboard this takes less than a
  second, else until the next command. See [deleted rules](firewall.md#deleted-rules).
* gangway’s containers reach unpublished ports of Docker’s containers. [Beside Docker](firewall.md#beside-docker) shows how to close them.
* Root of the host, and containers with \`--cap-add NET_ADMIN\` or SYS_ADMIN, can act beyond their own network. NET_ADMIN alone is enough to remove
  a link of the host, because eth0 shows the id of its peer’s namespace (\`link-netnsid\`); with \`--userns private\` it is not.
* A container with \`--network host\` is a process of the host, and reaches abstract sockets (CVE-2020-15257).
* Containers reach services that listen on their gateway, as in Docker. From an internal network only the bridge’s own address is
  reachable, and from an isolated network none.
* A host service on an unpublished port between 32768 and 60999 shares these numbers with outbound connections of containers. The service
  cannot connect to a peer while a container uses the same number for that peer. With iptables the same applies to published ports above 32767, if a container tries
  until it gets that number. With iptables it also applies to each number that a container publishes at another address of the host.
* Siblings can connect to each other’s ports and flood each other, unless the network has \`enable_icc=false\`.
* A port published on one address is reachable through every link: Linux answers for each of its addresses on every link.
* If the host has a tunnel that accepts packets from any source, a client of the tunnel can do what a neighbour can. Such tunnels are VXLAN, and IPIP,
  SIT or GRE without a \`remote\` (CVE-2020-10136).
* 32-bit x86 programs that open sockets by socketcall, as glibc and Go do, have no network: a filter cannot inspect socketcall.
  \`--isolation=network\` runs them, without a filter.
* Against floods there are limits, but no fairness between neighbours.

## The attacks
`;

/** Returns the text of the page. */
export function securityPage(): string {
  return [opening, ...chapters.map(chapterText)].join('\n');
}

function chapterText({ attackers, attacks }: Chapter): string {
  const heads = ['attack', 'source', 'Docker 29', 'on nftables', 'on iptables', 'because', 'proof'];
  const rows = [heads, heads.map(() => '---'), ...attacks.map(cells)];
  return `### ${attackers}\n\n${rows.map((row) => `| ${row.join(' | ')} |\n`).join('')}`;
}

function cells({ attack, sources, docker, gangway, because, proofs }: Attack): readonly string[] {
  const answer = (backend: string) => (backends.includes(backend as BackendName) ? gangway : 'no such back end yet');
  return [
    attack,
    sources.join(', '),
    docker,
    answer('nftables'),
    answer('iptables'),
    because,
    proofs.map(link).join('; '),
  ];
}

function link({ file, test }: Proof): string {
  return `[${test}](../${file})`;
}
