/** docs/security.md: who attacks, what is promised, and a row for each attack with the test that proves what is said. */
import { type Attack, type Chapter, chapters, type Proof } from './attacks.ts';
import { type BackendName, backends } from './backends.ts';

const opening = `# Security

Made by \`npm run docs\` from [the list of attacks](../test/security/attacks.ts). Each that is stopped is tried on a real kernel, with the real
program or with its rules alone: first on a machine that lacks what is on trial, where it must succeed, and then with gangway, where it
must not. What is said of Docker 29 is what its source, its rules and its issues tell; it was not run.

## Who attacks

| attacker | can | cannot |
|---|---|---|
| neighbour | send any frame on a wire of the machine, with any source address | log in |
| client | reach a published port | |
| container | send any frame by its own link: NET_RAW is one of Docker’s default capabilities | change the machine’s network |
| sibling | the same, on the bridge of the one it attacks | |
| another network | the same, on another bridge; an internal one, too | |
| name server | answer what it likes, late or never | |
| local user | call programs, look at files, without root | |

## What is promised

* A container’s port that is not published is reached by nobody but its siblings and the machine; one that is published, at the
  addresses for which it is. What a network's mode opens (\`routed\`, \`nat-unprotected\`, trusted links) is open.
* Nothing leaves an internal network, not even a question for a name; and nothing gets in.
* What the machine keeps on its loopback stays there, and so does a port that is published on it.
* Siblings can't speak in each other's name, unless their network was made with \`gangway.guard=false\`.
* It does not depend on rp_filter, on another table's FORWARD policy, or on the order in which programs were started (but for a moment
  [beside Docker](firewall.md#beside-docker)).
* A setting that is needed for one of these is made, or the command fails and takes everything back.

## What is not

* That a container without \`--rootfs\` can't read the machine's files: its root is the machine's own tree, and its root user reads
  there what the machine's reads, /etc/shadow and keys included. It can't change them. Give strangers' programs a \`--rootfs\`, or
  \`--userns private\` ([why it is so](decisions/0007-throw-away-root.md)).
* That \`--rootfs DIR\` and \`-v SRC:…\` mean the directory that they meant yesterday: both are looked up by name at every start, after a
  boot and a crash too. Whoever else than root owns a directory on the way can lead them anywhere on the machine.
* The moment between somebody's flush of the rules and their return, under a second with a switchboard, else until the next command:
  [what still happens then](firewall.md#deleted-rules).
* That containers of ours can't ask containers of Docker's at ports that those don't publish:
  [beside Docker](firewall.md#beside-docker) says how to close it.
* Against root of the machine, and against a container with \`--cap-add NET_ADMIN\` or SYS_ADMIN beyond its own network, or with
  \`--network host\`: that one is a process of the machine, abstract sockets included (CVE-2020-15257). NET_ADMIN alone
  is enough to remove a link of the machine, since eth0 tells the number of its other end (\`link-netnsid\`); with
  \`--userns private\` it is not.
* That services of the machine are hidden from containers: they reach what listens on their gateway, as in Docker. Of an
  internal network they reach the bridge's own address alone, and of an isolated one nothing.
* A service of the machine on a port of 32768 to 60999 that nobody publishes: containers go out from these ports, and one may have that
  number towards somebody who then can't ask the service. On iptables, which has no place behind translation, that goes for
  published ports above 32767, too, for a container that tries until the kernel gives it the number, and for each number that a
  container publishes as its own at another address of the machine.
* That siblings can't ask each other's ports or flood each other, unless the network was made with \`enable_icc=false\`.
* That a port published on one address can be asked by that address's link alone: a Linux machine answers for each of its addresses
  on every link.
* Where the machine has a tunnel that takes packets from anybody (VXLAN, and IPIP, SIT or GRE without a \`remote\`; CVE-2020-10136),
  whoever reaches the tunnel can do what a neighbour can.
* A network for programs of 32-bit x86 whose C library asks for sockets by socketcall, as glibc's and Go do: a filter can't tell
  what they ask for. \`--isolation=network\` runs them, without a filter.
* Against somebody who floods: there are limits, and no fairness between neighbours.

## The attacks
`;

/** The page. */
export function securityPage(): string {
  return [opening, ...chapters.map(chapterText)].join('\n');
}

function chapterText({ attackers, attacks }: Chapter): string {
  const heads = ['attack', 'told in', 'Docker 29', 'on nftables', 'on iptables', 'because', 'proof'];
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
