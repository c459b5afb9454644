/**
 * Every attack on container networks that is known to us, and what becomes of it here. docs/security.md is made of this,
 * and test/unit/attacks.test.ts holds it to the tests.
 */

/** A test, by its file and the beginning of its title. */
export interface Proof {
  readonly file: string;
  readonly test: string;
}

export interface Attack {
  /** Who does what. */
  readonly attack: string;
  /** Where it was told. */
  readonly sources: readonly string[];
  /** What becomes of it in Docker 29. */
  readonly docker: string;
  /** What becomes of it here; `open` is told with its reason. */
  readonly gangway: 'stopped' | 'open' | 'not here' | 'to do';
  /** What stops it, or why it is as it is. */
  readonly because: string;
  readonly proofs: readonly Proof[];
}

export interface Chapter {
  readonly attackers: string;
  readonly attacks: readonly Attack[];
}

const security =
  (name: string) =>
  (test: string): Proof => ({ file: `test/security/${name}.test.ts`, test });
const kernel =
  (name: string) =>
  (test: string): Proof => ({ file: `test/kernel/${name}.test.ts`, test });
const [wire, modes, rules] = [security('wire'), kernel('ruleset-modes-attacks'), kernel('ruleset-attacks')];
const sources = kernel('ruleset-sources');
const [container, internal] = [security('container'), security('internal')];
const [egress, limits] = [security('egress'), kernel('egress')];
const [routers, life, typed] = [security('routers'), security('life'), security('typed')];
const [guard, belief] = [kernel('guard'), kernel('guard-belief')];
const [names, hook, header] = [kernel('dns-attacks'), kernel('connect-hook'), kernel('proxy-header')];
const [addresses, hostsFile] = [kernel('client-addresses'), kernel('hosts-file')];

export const chapters: readonly Chapter[] = [
  {
    attackers: 'From the wire',
    attacks: [
      {
        attack:
          'a neighbour sends to a container’s own address, through the machine: published ports, others, any protocol, fragments',
        sources: ['moby#14041', 'moby#41872', 'moby PR 49325'],
        docker: 'stopped since 28.0; before, where FORWARD accepted',
        gangway: 'stopped',
        because:
          'what enters a bridge must have been translated, or belong to a connection; interfaces are asked, not ports or protocols',
        proofs: [wire('no direct route leads to a container, whatever the protocol')],
      },
      {
        attack: 'the same into an internal network, with a source that claims to be of that network',
        sources: ['moby: internal rules of the iptables back end go by subnet'],
        docker: 'IPv4 on iptables: open unless rp_filter or the FORWARD policy stops it (read from its rules)',
        gangway: 'stopped',
        because: 'an internal network has no way in for whatever comes by another interface, whoever it says it is',
        proofs: [
          wire('a forged source is no way into an internal network'),
          modes('a forged source is no way into an internal network, nor out of it'),
        ],
      },
      {
        attack: 'a neighbour asks a published port in the name of a container',
        sources: [],
        docker: 'open: the container sees a sibling’s address, unless rp_filter is strict',
        gangway: 'stopped',
        because: 'a source behind a bridge that comes in by another interface is dropped before it enters',
        proofs: [wire('nobody on the wire passes for a sibling of whom it asks')],
      },
      {
        attack:
          'a neighbour asks a published port by UDP in the name of a container of another network: what is tracked is a way from the one into the other, in both directions, past everything that a network lets out and in',
        sources: [],
        docker: 'open, unless rp_filter is strict (read from its rules)',
        gangway: 'stopped',
        because:
          'what comes by any other link than a bridge of ours bears no address that lives behind one, unless a narrower route of the machine leads to that link',
        proofs: [wire('nobody on the wire begins in a container’s name what another network may answer')],
      },
      {
        attack: 'the same asks a process of the machine, which answers a container or carries on what it said',
        sources: [],
        docker: 'open, unless rp_filter is strict (read from its rules)',
        gangway: 'stopped',
        because: 'the same rule, which stands before there is a destination',
        proofs: [wire('nobody on the wire speaks to the machine in a container’s name')],
      },
      {
        attack:
          'a neighbour sends datagrams into a conversation of two siblings, which the machine tracks because their bridge asks the rules',
        sources: [],
        docker: 'stopped by the drop of direct access in the raw table',
        gangway: 'stopped',
        because: 'the same rule stands before the one that accepts what is established',
        proofs: [wire('nobody on the wire joins in what siblings say to each other')],
      },
      {
        attack: 'the same with an ICMP error about a datagram of theirs, which counts as related',
        sources: [],
        docker: 'stopped by the drop of direct access in the raw table',
        gangway: 'stopped',
        because:
          'what belongs to a conversation that has both its ends behind one bridge does not come in by another interface',
        proofs: [wire('nobody on the wire joins in what siblings say to each other')],
      },
      {
        attack: 'a neighbour sends to 127.0.0.0/8 or ::1 by the machine’s MAC, to reach what listens on loopback alone',
        sources: ['CVE-2020-8558', 'kubernetes#92315'],
        docker: 'stopped, unless something has set route_localnet for the link',
        gangway: 'stopped',
        because: 'the kernel refuses it as long as route_localnet is 0, and gangway never sets it',
        proofs: [wire('the machine’s loopback is not on the wire')],
      },
      {
        attack: 'the same to a port that is published on 127.0.0.1',
        sources: ['moby#45610', 'CVE-2025-54388'],
        docker: 'stopped since 28.0; open again after a reload of firewalld before 28.3.3',
        gangway: 'stopped',
        because:
          'such a port is never translated, and a guard drops it on every link but lo, also where route_localnet is 1',
        proofs: [
          wire('a port that is published on loopback is not on the wire, whatever route_localnet says'),
          rules('a port published on loopback is closed to the wire, whatever route_localnet says'),
        ],
      },
      {
        attack:
          'traffic that the machine forwards to a third one, on a number that is published here, is led into a container',
        sources: ['CVE-2025-67499', 'GHSA-jv3w-x3r3-g6rm'],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'only what is addressed to this machine is translated (fib daddr type local)',
        proofs: [wire('what only passes through is not caught by a published port')],
      },
      {
        attack: 'a packet with a loose source route to the machine and on to a container',
        sources: [],
        docker: 'stopped: accept_source_route is 0 for all links; beyond that by the rules',
        gangway: 'stopped',
        because:
          'the kernel, and the rules where somebody has switched source routes on: they ask for the bridge, not for the address in the header',
        proofs: [wire('a packet that brings its own route is led into no network')],
      },
      {
        attack: 'one packet to the broadcast address of a container network, for all that are in it',
        sources: [],
        docker: 'stopped: bc_forwarding is 0; beyond that by the rules for unpublished ports',
        gangway: 'stopped',
        because: 'the kernel, and the rules where somebody has switched bc_forwarding on',
        proofs: [wire('one packet from the wire is not for all containers of a network')],
      },
      {
        attack: 'a neighbour sends to the port of the machine behind which a container has asked somebody else',
        sources: [],
        docker: 'stopped: connection tracking',
        gangway: 'stopped',
        because: 'the kernel compares both ends of a connection',
        proofs: [wire('the port behind which a container asks is open to whom it asked, and to nobody else')],
      },
      {
        attack: 'a published port is asked past the machine’s own rules for what is addressed to it (INPUT, ufw)',
        sources: ['moby#22054', 'moby#4737'],
        docker: 'open: DOCKER-USER, none on nftables',
        gangway: 'open',
        because:
          'to publish is to open; the packet is forwarded, and the owner’s own rules about that come before gangway’s',
        proofs: [],
      },
      {
        attack: 'a port that is published on one address is asked for by another link',
        sources: [],
        docker: 'open',
        gangway: 'open',
        because: 'a Linux machine answers for each of its addresses on every link; only loopback is kept apart',
        proofs: [],
      },
      {
        attack:
          'a client by IPv6 of a container that has IPv4 alone passes for the machine: a process carries it, and the container sees the gateway’s address',
        sources: ['moby#44408', 'moby#17666'],
        docker: 'open',
        gangway: 'open',
        because:
          'there is no address of IPv4 to show instead; give the network IPv6, and it sees the client, or let each client be introduced (--proxy-protocol)',
        proofs: [],
      },
      {
        attack:
          'a client of a port with --proxy-protocol sends a header of its own, to be taken for somebody else; also one that is gone before it can be introduced',
        sources: [],
        docker: 'not there',
        gangway: 'stopped',
        because:
          'the header of the relay comes first, and what the client says behind it; nothing is carried of whom the kernel can’t name any more',
        proofs: [
          header('a header that the client sends itself is what it says, and not who it is'),
          header('who has gone is introduced to nobody, whatever it has said before'),
        ],
      },
      {
        attack:
          'a container uses the way back of transparent connections, on which its packets are delivered to this machine whatever their address, to reach what listens here under an address that its network lets it speak to',
        sources: [],
        docker: 'not there',
        gangway: 'stopped',
        because:
          'a packet goes that way only if there is a connection of a relay, by its mark, for exactly its two ends',
        proofs: [addresses('the way back leads to relays, and to nothing else that listens on this machine')],
      },
      {
        attack: 'a sibling asks the container’s own address with a header, to be taken for somebody else',
        sources: [],
        docker: 'not there',
        gangway: 'open',
        because:
          'siblings may speak to each other, and what they say is not read; the server has to take headers from the gateway’s address alone, in whose name no container can speak',
        proofs: [],
      },
      {
        attack: 'a neighbour uses as a router a machine that forwards only for its containers’ sake',
        sources: ['moby#14041', 'moby#50566'],
        docker: 'stopped: policy DROP for all of FORWARD (not on nftables, which wants forwarding to be on before)',
        gangway: 'stopped',
        because:
          'transit between strangers is dropped if it was gangway that turned forwarding on and no link forwarded by itself before, each family by itself; nobody else’s policy changes',
        proofs: [modes('a host that forwards because of gangway is no router for strangers, family by family')],
      },
      {
        attack:
          'a client that has only a link-local address asks a published port, and its answers are lost or go round in circles',
        sources: ['moby: DNAT excludes fe80::/10'],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'fe80::/10 is not translated; a process of the machine answers',
        proofs: [modes('a client that has only a link-local address is left to a process of the host')],
      },
    ],
  },
  {
    attackers: 'From a container, to other networks and to the machine',
    attacks: [
      {
        attack:
          'a container sends to one of another network: published ports, others, any protocol, fragments, also in the name of a sibling of whom it attacks',
        sources: ['CVE-2025-54410', 'GHSA-4vq8-7jfc-9cvp'],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'what comes from a bridge of ours is asked twice, on its way out of one network and into the other',
        proofs: [container('no packet of one network reaches a container of another one')],
      },
      {
        attack:
          'the same where containers may lie (gangway.guard=false): one asks itself, or a port that it publishes, in the name of somebody in another network, and is his answer from then on',
        sources: [],
        docker: 'open (read from its rules)',
        gangway: 'stopped',
        because: 'what stays in its bridge begins in the name of somebody who lives behind it',
        proofs: [container('nobody asks himself in the name of another network, to be its answer')],
      },
      {
        attack:
          'one that may lie asks a published port, a process of the machine or somebody in the world in the name of a container of another network, which is asked by his accomplice from then on, as if it were the answer',
        sources: [],
        docker: 'open, unless rp_filter is strict (read from its rules)',
        gangway: 'stopped',
        because: 'what begins in the name of a container comes by the bridge behind which that one lives',
        proofs: [
          container('nobody asks in the name of a container of another network'),
          modes('nobody begins in the name of a container of another network'),
        ],
      },
      {
        attack: 'the same asks the machine in that one’s name, and is the machine from then on, which answers him',
        sources: [],
        docker: 'open in IPv6; in IPv4 stopped, unless accept_local is 1 (read from its rules)',
        gangway: 'stopped',
        because: 'what comes from a bridge of ours bears no address of the machine',
        proofs: [container('no container passes for the machine, which whoever it has asked may answer')],
      },
      {
        attack: 'a container sends to 127.0.0.0/8 by the MAC of its gateway',
        sources: ['CVE-2020-8558', 'kubernetes#90259'],
        docker:
          'stopped with the proxy; without it route_localnet is 1 on each bridge, and no rule stops it (read from its rules)',
        gangway: 'stopped',
        because: 'gangway never sets route_localnet: a process of the machine carries what is asked of loopback',
        proofs: [container('the machine’s loopback is not on a bridge')],
      },
      {
        attack:
          'a container of an internal network sends to the world, to other networks, to other addresses of the machine',
        sources: ['libnetwork#1151'],
        docker: 'stopped, but for every address of the machine: the rules speak of what is forwarded',
        gangway: 'stopped',
        because:
          'nothing of it is forwarded, and on its way in only the address of its own bridge is the machine’s (of an isolated network, none)',
        proofs: [
          internal('out of an internal network there is no way'),
          modes('a forged source is no way into an internal network, nor out of it'),
        ],
      },
      {
        attack:
          'the same asks its own gateway for a port that a container of another network has published in IPv6, with an address of IPv4 alone: a process carries it, past all rules for packets',
        sources: [],
        docker: 'open: docker-proxy listens on every address',
        gangway: 'stopped',
        because: 'what a process carries to another family is closed to internal networks by its port',
        proofs: [internal('out of an internal network there is no way')],
      },
      {
        attack:
          'the same asks its own gateway for a port that is published in IPv6, from its link-local address: no translation applies, and the process that holds the port answers',
        sources: [],
        docker: 'open: docker-proxy listens on every address (read from its rules)',
        gangway: 'stopped',
        because:
          'what a process may carry, since the rules don’t translate it, is closed to internal networks by its port',
        proofs: [internal('out of an internal network an address of one link reaches no published port')],
      },
      {
        attack: 'the same asks its own gateway for a port that somebody has published on that very address',
        sources: [],
        docker: 'open: docker-proxy listens there (read from its rules)',
        gangway: 'stopped',
        because: 'a port that is published on one address is closed to internal networks on that address',
        proofs: [internal('out of an internal network no port is carried that is published on its own gateway')],
      },
      {
        attack:
          'the same asks again and again for a port that is not published yet: connection tracking remembers the SYN untranslated, and when it is sent again, the process that holds the port answers',
        sources: [],
        docker: 'open: docker-proxy listens on every address (read from its rules)',
        gangway: 'stopped',
        because:
          'a port is closed to internal networks also where the rules translate it, from before it is open until after it is closed',
        proofs: [internal('out of an internal network nobody is carried who has asked before a port led anywhere')],
      },
      {
        attack:
          'the same sends to all (broadcast, multicast) on the number of a published port: no translation applies, and the process that holds the port answers',
        sources: [],
        docker: 'open: docker-proxy has a socket on every address (read from its rules)',
        gangway: 'stopped',
        because:
          'of what is sent to all, the machine hears neighbour discovery from an internal network and nothing else',
        proofs: [internal('out of an internal network a packet to all reaches no published port')],
      },
      {
        attack:
          'the same asks the machine in the name of somebody outside: the answer, an echo or an ICMP error, carries out what was asked',
        sources: [],
        docker: 'open, unless rp_filter is strict, and in IPv6',
        gangway: 'stopped',
        because: 'the guard compares the source; in a network with gangway.guard=false it is open',
        proofs: [internal('out of an internal network the machine carries nothing as an answer to somebody outside')],
      },
      {
        attack: 'the same asks by ARP which addresses the machine has',
        sources: [],
        docker: 'open: no rule is asked about ARP',
        gangway: 'stopped',
        because:
          'arp_ignore=1 on the bridges of internal networks; in IPv6 the kernel answers for the link’s own addresses alone',
        proofs: [internal('an internal network learns none of the machine’s other addresses')],
      },
      {
        attack:
          'a container says in IPv6 that it is a router: the machine sends through it from then on, and has an address more',
        sources: ['CVE-2020-13401', 'CVE-2020-10749', 'CVE-2020-13597'],
        docker: 'stopped since 19.03.11',
        gangway: 'stopped',
        because: 'a bridge has accept_ra=0, one without IPv6 disable_ipv6=1, before it is up; and rules besides',
        proofs: [routers('the machine believes no container that says it is a router')],
      },
      {
        attack:
          'a packet that belongs to no connection leaves untranslated, and tells the world addresses of the inside',
        sources: [],
        docker: 'open: no rule drops what is invalid or untracked',
        gangway: 'stopped',
        because: 'out of networks that are translated, what conntrack calls invalid or untracked is dropped',
        proofs: [
          container('no packet goes out under an address of the inside'),
          rules('what belongs to no connection does not leave with an address of the inside'),
        ],
      },
      {
        attack:
          'a container asks somebody from the number of a port that another one publishes, or of a service of the machine: translated, that port is its own for whom it asks, and gets his questions to the service as answers (port shadowing)',
        sources: ['CVE-2021-3773'],
        docker: 'open: a source port is kept as long as nobody translated has it (read from its rules)',
        gangway: 'stopped',
        because:
          'what goes out under an address of the machine goes out from ports 32768 to 60999 that nobody else publishes; on nftables, what got a published one by chance is dropped',
        proofs: [
          wire('nobody takes for his source a port that the world asks somebody else at'),
          sources('what goes out has a port that is lent: its own, if it is one, is free, and nobody publishes it'),
          sources('what would go out from a published port by chance does not go out, with nftables'),
          sources(
            'a port of one address is nobody else’s under that one, and who would have it is moved, with nftables',
          ),
        ],
      },
      {
        attack: 'the machine tells a container of a way around itself (ICMP redirect)',
        sources: [],
        docker: 'open',
        gangway: 'stopped',
        because: 'no redirect leaves by a bridge of ours',
        proofs: [modes('who asked for a published port is not told of a shorter way, and still finds the long one')],
      },
      {
        attack:
          'a process of the machine that has bound itself to 127.0.0.1 asks a published port, and the container sees a loopback address',
        sources: ['CVE-2021-20199'],
        docker: 'stopped',
        gangway: 'stopped',
        because:
          'what comes from 127.0.0.0/8 or ::1 is not translated; the process that carries it has the gateway’s address',
        proofs: [rules('a process bound to 127.0.0.1 is not sent to a container')],
      },
      {
        attack:
          'a container, or another network namespace, asks its own 127.0.0.1 and finds what the machine publishes there',
        sources: [],
        docker: 'stopped: there is no hook',
        gangway: 'stopped',
        because:
          'the connect hook leads processes of the machine’s own network namespace, which it knows by its cookie',
        proofs: [
          hook(
            'what is loopback of a container, of another network namespace, or asked from outside of the lab is nobody’s to lead',
          ),
        ],
      },
      {
        attack:
          'a container asks services of the machine on its gateway’s address, or those that only the machine may ask (169.254.169.254)',
        sources: ['libnetwork#1151'],
        docker: 'open',
        gangway: 'open',
        because: 'a way out leads everywhere, as in Docker; --internal has none, and the owner’s own rules come first',
        proofs: [],
      },
      {
        attack: 'a container writes to its /etc/hosts without end',
        sources: ['CVE-2020-8557'],
        docker: 'open: the file lies on the machine’s disk',
        gangway: 'open',
        because:
          'the file lies in the machine’s /run, which has room for so much; what is written counts as the container’s memory, and --memory limits it',
        proofs: [],
      },
      {
        attack:
          'a container makes its /etc/hosts huge, with holes that cost nothing: who connects it to a further network, or disconnects it, reads it all, and so does who reads its record',
        sources: [],
        docker: 'open: the daemon reads it all when it disconnects (read from its source)',
        gangway: 'stopped',
        because:
          'a file of more than 1 MiB is not read, and its lines stay as they are; no record has what a container wrote',
        proofs: [
          hostsFile('a hosts file that a container has made huge is left alone, and what it holds gets into no record'),
        ],
      },
      {
        attack:
          'a container has a lease on its /etc/hosts or /etc/passwd, and who changes or reads it waits 45 seconds, with him all who change something; or it runs the file, which nobody can write then',
        sources: [],
        docker: 'not tried',
        gangway: 'stopped',
        because: 'nobody waits; a hosts file that can’t be written stays as it is',
        proofs: [hostsFile('a hosts file that a container keeps to itself is left alone, and nobody waits for it')],
      },
      {
        attack:
          'a container writes to its /etc/hosts what ends the text for a shell, or steers a terminal, and root runs or reads what `gangway explain network connect` prints',
        sources: [],
        docker: 'not there',
        gangway: 'stopped',
        because: 'what is more than lines of printable text is written in octal',
        proofs: [hostsFile('what a container writes to its hosts file is nothing that root’s shell or terminal obeys')],
      },
      {
        attack: 'a container with `--network host` speaks to the machine’s abstract sockets',
        sources: ['CVE-2020-15257'],
        docker: 'open, as documented',
        gangway: 'open',
        because: 'that is what the machine’s own network means; use another one',
        proofs: [],
      },
      {
        attack: 'forged VXLAN packets for an overlay network',
        sources: ['CVE-2023-28840', 'CVE-2023-28841', 'CVE-2023-28842'],
        docker: 'stopped since 23.0.3',
        gangway: 'not here',
        because: 'there is no overlay network yet, and nothing listens on port 4789',
        proofs: [],
      },
    ],
  },
  {
    attackers: 'From a container, to its siblings',
    attacks: [
      {
        attack: 'siblings that may not talk (enable_icc=false) send each other packets of every kind, to one or to all',
        sources: [],
        docker: 'stopped where br_netfilter is loaded',
        gangway: 'stopped',
        because: 'the bridge asks the rules whatever the sysctl says, or keeps the ports apart itself',
        proofs: [
          container('siblings that may not talk exchange no packet'),
          modes('siblings that may not talk are kept apart by the rules or by the bridge'),
        ],
      },
      {
        attack:
          'the same in an ICMP error about a connection that somebody outside has to a published port: it is translated as that is, and comes to the sibling behind the port',
        sources: [],
        docker: 'open: what is related is accepted (read from its rules)',
        gangway: 'stopped',
        because:
          'between siblings an error is about what one of the network has asked; who guesses the port that a sibling asked from can still complain of that',
        proofs: [container('siblings that may not talk exchange no error about what somebody else has asked')],
      },
      {
        attack: 'the same in a frame with a tag for VLAN 0, which Linux takes off, or of a type that is not IP',
        sources: ['CVE-2021-27854', 'CVE-2021-27862'],
        docker: 'open: bridge-nf-filter-vlan-tagged is 0',
        gangway: 'stopped',
        because:
          'the guard in front of the bridge lets through IP and ARP without a tag; not in a network with gangway.guard=false',
        proofs: [container('siblings that may not talk exchange no frame that hides a packet')],
      },
      {
        attack:
          'a container says by ARP or neighbour discovery that it is the gateway or a sibling, and gets what is sent to them',
        sources: ['CVE-2020-10749'],
        docker: 'open',
        gangway: 'stopped',
        because:
          'the guard compares who says it with what the container behind the port was given; so it does in all that follows',
        proofs: [
          belief('nobody takes the attacker for the gateway'),
          belief('nobody takes the attacker for its sibling in IPv6, by whatever way it says so'),
        ],
      },
      {
        attack: 'a container sends packets in the name of a sibling, of the gateway or of the world',
        sources: [],
        docker: 'open',
        gangway: 'stopped',
        because:
          'the source of each packet is the container’s own, in both families, on its way to siblings and to the machine',
        proofs: [guard('no frame in another one’s name gets into the bridge')],
      },
      {
        attack: 'a container uses the MAC of a sibling, so that the bridge sends to it what is for that one',
        sources: [],
        docker: 'open',
        gangway: 'stopped',
        because:
          'the frame is dropped before the bridge has learnt from it; what is for the bridge itself takes the same way',
        proofs: [belief('the bridge learns no MAC of somebody else’s from the attacker’s port')],
      },
      {
        attack: 'a container says that it is the router for all of IPv6, or a DHCP server',
        sources: ['CVE-2020-13401', 'CVE-2020-10749'],
        docker: 'open among siblings; the machine itself listens to no advertisement since 19.03.11',
        gangway: 'stopped',
        because: 'no container is a router or a DHCP server for others',
        proofs: [
          belief('nobody takes the attacker for a router'),
          guard('no frame in another one’s name gets into the bridge'),
        ],
      },
      {
        attack:
          'a container sends to the addresses of the bridge itself (01:80:c2:00:00:0e), and its packet reaches the machine past all rules that name a bridge',
        sources: [],
        docker: 'no rule against it',
        gangway: 'stopped',
        because: 'the port passes such frames on like all others, to the guard and to the rules (group_fwd_mask)',
        proofs: [belief('no packet gets around the bridge to the host')],
      },
    ],
  },
  {
    attackers: 'In a network that may not speak to everybody (`--egress`)',
    attacks: [
      {
        attack:
          'what the list does not name is sent by another protocol, in fragments, as an answer, as an error, as a ping, or in the name of somebody who may',
        sources: [],
        docker: 'there is no such list',
        gangway: 'stopped',
        because:
          'it is asked by which link a packet comes and whether it belongs to a connection; what it says of itself is not',
        proofs: [
          egress('out of a limited network no packet reaches who is not allowed, whatever it is'),
          egress('who is allowed at a port is so at no other one, and by no other protocol'),
        ],
      },
      {
        attack: 'errors about an allowed connection carry what is not allowed to somebody else',
        sources: [],
        docker: 'there is no such list',
        gangway: 'stopped',
        because:
          'connection tracking sends an error to an end of what it is about; nothing else that is related is let pass',
        proofs: [egress('an error about an allowed connection reaches nobody but its other end')],
      },
      {
        attack:
          'an error about a connection of somebody else: connection tracking knows that one, and compares where the error goes, not where it comes from',
        sources: [],
        docker: 'there is no such list',
        gangway: 'stopped',
        because: 'an error leaves a network only if what it is about has an end there',
        proofs: [egress('an error about a connection of others is no way out, nor under an address of the inside')],
      },
      {
        attack:
          'the same out of a routed network, about what the machine has translated for somebody: it is translated, too, and arrives behind him who asked',
        sources: [],
        docker: 'open: what is related is accepted (read from its rules)',
        gangway: 'stopped',
        because: 'whoever sends an error about a translated connection has to have one of its ends',
        proofs: [egress('an error about what is translated for others leaves no network, whatever its mode')],
      },
      {
        attack:
          'a container that may lie (gangway.guard=false) asks itself, by the machine or by the switch alone, in the name of whom it may not speak to, and is let out as the answer; also under addresses of one wire',
        sources: [],
        docker: 'there is no such list',
        gangway: 'stopped',
        because:
          'what stays in its bridge begins in the name of somebody who lives behind it; from addresses of one wire nothing leaves such a network',
        proofs: [
          egress('nobody in a limited network is let out as an answer to what he has asked himself'),
          egress('what siblings say by addresses of one wire lets nobody out of a limited network'),
        ],
      },
      {
        attack:
          'another network is reached by the ports that it publishes on the machine: by each of its addresses, through the proxy, from an address of one link, or by a packet to all',
        sources: [],
        docker: 'there is no such list',
        gangway: 'stopped',
        because:
          'what is denied is so as it was asked for and as it is behind the port; what a process carries, and what is sent to all, is closed',
        proofs: [
          egress('out of a limited network no port of the machine is a way to somebody else'),
          limits('who may be spoken to is, and nobody else, in either family and by no way around'),
        ],
      },
      {
        attack:
          'the machine itself under another of its addresses, 169.254.169.254, or IPv6 beside a list of IPv4 addresses',
        sources: [],
        docker: 'there is no such list',
        gangway: 'stopped',
        because: 'the list is asked about the machine, too, and what is not allowed is closed in both families',
        proofs: [limits('who may be spoken to is, and nobody else, in either family and by no way around')],
      },
      {
        attack:
          'names as a way around a list of permitted destinations: what is asked for tells whoever serves the name',
        sources: ['CVE-2026-12039'],
        docker: 'there is no such list',
        gangway: 'stopped',
        because: 'names that are not allowed are not asked for, of whichever type, and no server can be asked directly',
        proofs: [limits('for what may not be asked for, the world is not asked, whichever way the question takes')],
      },
      {
        attack:
          'an allowed name is given the address of the machine, of a container, of a network behind the machine, or leads to a name that is denied',
        sources: ['DNS rebinding'],
        docker: 'there is no such list',
        gangway: 'stopped',
        because:
          'what an answer says opens addresses of the world alone, on their way out of the machine; a denied name on the way denies it',
        proofs: [limits('an allowed name opens the addresses that it has in the world, as long as the answer holds')],
      },
      {
        attack:
          'a container that may speak to names answers for them itself: --dns leads to it, or a port 53 of the machine that it has published',
        sources: [],
        docker: 'there is no such list',
        gangway: 'stopped',
        because:
          'no server is asked that stands in a network to which its answers open addresses, whatever its address',
        proofs: [
          limits('for what may not be asked for, the world is not asked, whichever way the question takes'),
          limits('who may speak to names does not say himself what they mean, at a port of the machine either'),
        ],
      },
      {
        attack:
          'somebody registers a name below an allowed wildcard (`*.github.io`), or has a sibling with another way out carry it on',
        sources: [],
        docker: 'there is no such list',
        gangway: 'open',
        because: 'both do what they were allowed; `*.com` and the like are refused',
        proofs: [],
      },
    ],
  },
  {
    attackers: 'Where a network has no IPv6',
    attacks: [
      {
        attack:
          'a link has an address of IPv6 all the same, from itself or from what a sibling says, which no rule for IPv4 concerns',
        sources: ['CVE-2024-32473'],
        docker: 'stopped since 26.0.2',
        gangway: 'stopped',
        because: 'each link of it is born with disable_ipv6=1',
        proofs: [routers('where a network has no IPv6, its links have none, whatever a router says')],
      },
      {
        attack: 'the same on a macvlan, from a router of the wire',
        sources: ['CVE-2024-32473'],
        docker: 'stopped since 26.0.2',
        gangway: 'stopped',
        because: 'the same',
        proofs: [routers('a macvlan without IPv6 hears no router of the wire')],
      },
      {
        attack: 'the setting can’t be made (/proc/sys is read-only), and the container gets IPv6 in silence',
        sources: ['moby#47751'],
        docker: 'stopped since 26.0.2: an error',
        gangway: 'stopped',
        because: 'a setting that can’t be made is an error, and everything is taken back',
        proofs: [life('a setting that can’t be made is no container, and nothing is left of it')],
      },
    ],
  },
  {
    attackers: 'While things come and go',
    attacks: [
      {
        attack:
          'packets that are sent without a pause get in while a network or a container is being made, before there are rules',
        sources: [],
        docker: 'not tried; a bridge is up after its rules',
        gangway: 'stopped',
        because: 'the rules know a bridge before there is one, and forget it after it has gone',
        proofs: [life('no packet gets into a network that is just being made, or taken away')],
      },
      {
        attack:
          'who sends by UDP all the time reaches the old container when a port leads to another one, since the machine remembers the flow',
        sources: ['moby#8795', 'moby#44688', 'moby#53384'],
        docker: 'open where host port and container port differ',
        gangway: 'stopped',
        because: 'with a port go the flows that it led, also those that led nowhere before',
        proofs: [
          life('who never stops sending is not led where a port no longer leads'),
          kernel('publish-running')('who never stops asking by UDP is led where the port leads now'),
        ],
      },
      {
        attack: 'a client connects while a port is being published, is accepted, and nobody serves it',
        sources: ['moby#50669'],
        docker: 'stopped since 28.x',
        gangway: 'stopped',
        because: 'a socket drops every packet until its rules are in place',
        proofs: [kernel('proxy-reservation')('no client is let in between reserving and serving')],
      },
      {
        attack: 'somebody flushes the rules: what was closed is open',
        sources: ['CVE-2025-54388', 'CVE-2025-54410', 'netavark#230'],
        docker: 'open until something changes; noticed with firewalld alone',
        gangway: 'stopped',
        because:
          'the kernel tells the switchboard, which puts all of them back in one transaction; without one, the next command does. Until then a black hole among the routing rules takes what no rule has seen on its way to a container; what is said to the machine itself, and in whose name, is judged again with the rules alone',
        proofs: [
          life('rules that somebody has flushed are back at once'),
          kernel('firewall-repair')('between a flush and its repair nothing is open'),
        ],
      },
      {
        attack: 'a container gets the address of one that has ended, and with it what others still send to that one',
        sources: [],
        docker: 'not tried',
        gangway: 'stopped',
        because:
          'with a container’s plug the kernel forgets the flows that it had a part in, and then what waits for its address to be resolved',
        proofs: [kernel('flows')('delivers no datagram of a removed container to the next one with its address')],
      },
      {
        attack:
          'processes of somebody else are ended with a container of --isolation=network, since its namespace’s number was given out again',
        sources: [],
        docker: 'not there',
        gangway: 'stopped',
        because: 'a mount namespace is known by NS_GET_MNTNS_ID, which the kernel gives to no other one',
        proofs: [
          kernel('leave-nothing')(
            'what has got the number of a mount namespace that has ended is none of that container’s processes',
          ),
        ],
      },
    ],
  },
  {
    attackers: 'By name',
    attacks: [
      {
        attack:
          'a container with NET_ADMIN destroys the listener of its name server, which costs the machine a processor',
        sources: [],
        docker: 'not tried',
        gangway: 'stopped',
        because: 'once a second it is looked whether it still listens, and else let go; UDP answers on',
        proofs: [names('a listener that the container destroys is let go, and UDP is answered all the same')],
      },
      {
        attack: 'forged answers to the questions that the machine asks for its containers',
        sources: ['CVE-2008-1447'],
        docker: 'stopped',
        gangway: 'stopped',
        because:
          'port and id of each question are random, and address, port, id and question of an answer are compared; of one name and type four questions are under way at once, so that asking often does not help whoever guesses',
        proofs: [
          names('a forged answer is believed only with address, port, id and question all right'),
          names('nobody can guess the port and the id of a question'),
        ],
      },
      {
        attack: 'an internal network asks for names that tell a server of the attacker what is inside',
        sources: ['CVE-2024-29018', 'GHSA-mq39-4gv4-mvpx'],
        docker: 'stopped since 23.0.11, 25.0.5, 26.0.0',
        gangway: 'stopped',
        because: 'without a way out, no server of the machine is asked',
        proofs: [kernel('names')('nothing of an internal network leaves the machine, until there is a way out')],
      },
      {
        attack: 'the machine’s search domain is applied to the name of a container, which then is somebody else’s',
        sources: ['CVE-2025-8283'],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'a name of the container’s networks is answered before any domain, and nobody else hears of it',
        proofs: [
          kernel('names')(
            'a short name is looked for where its container says, and a shared one is told in every order',
          ),
        ],
      },
      {
        attack:
          'clients that stall in the middle of a question, break off, or do not read: the server is busy with them, or with nothing',
        sources: ['CVE-2024-8418', 'CVE-2026-35406'],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'connections are limited in number and in time, and no client waits for another one',
        proofs: [kernel('dns')('clients that stall, break off, or do not read harm nobody')],
      },
      {
        attack: 'nonsense for the server, from a container or from the server that was asked',
        sources: [],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'lengths and pointers are checked before anything follows them',
        proofs: [names('no bytes from either side stop the server')],
      },
    ],
  },
  {
    attackers: 'On the machine, without root; and by what is typed',
    attacks: [
      {
        attack:
          'a name that is a command, a rule, a line of iptables-restore, a path or an option to whoever puts it into one',
        sources: ['CVE-2021-20206'],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'names are checked before the kernel, a file or a shell sees them; programs get lists of arguments',
        proofs: [typed('a name is never more than a name')],
      },
      {
        attack:
          'a command of exec takes what it was given of the machine’s: /dev/null, or the file that the output goes to, which becomes a program with setuid',
        sources: ['podman#24894', 'crun PR 1847'],
        docker: 'stopped: pipes',
        gangway: 'stopped',
        because: 'it is given pipes, and where it is detached a /dev/null by a mount that is read-only',
        proofs: [
          kernel('exec-streams')(
            'crun gives nothing of the machine to the command’s user, and the command can’t close it',
          ),
        ],
      },
      {
        attack:
          'a program of 32 bits makes a socket by socketcall, whose family no filter sees, and writes by AF_ALG into files that it may only read',
        sources: ['CVE-2026-31431', 'moby#52494', 'moby#52547'],
        docker: 'stopped where AppArmor or SELinux is; its filter lets socketcall pass',
        gangway: 'stopped',
        because: 'socketcall is not there for containers, so that programs of glibc for i386 have no network either',
        proofs: [kernel('process-isolation')('no way of 32-bit programs leads around the filter of sockets')],
      },
      {
        attack:
          'a user of a container reads what a further file system of the machine keeps to root by its mode, or runs setuid programs of one that was mounted without',
        sources: [],
        docker: 'not there',
        gangway: 'stopped',
        because: 'the layer above has its owner, its mode and what it was mounted with',
        proofs: [
          kernel('process-isolation')(
            'further file systems of the host keep owner, mode and what they were mounted with',
          ),
        ],
      },
      {
        attack:
          'a user without root moves a directory that leads to a further file system of the machine, so that root mounts and changes owners where he likes',
        sources: [],
        docker: 'not there',
        gangway: 'stopped',
        because: 'what is mounted below a directory that is not root’s alone stays out',
        proofs: [
          kernel('process-isolation')(
            'further file systems stay out where others than root can move what leads to them',
          ),
        ],
      },
      {
        attack: 'a user without root runs what a container’s tree has, programs that make anybody root among it',
        sources: ['CVE-2021-41091'],
        docker: 'stopped since 20.10.9',
        gangway: 'stopped',
        because: 'the directory with a container’s tree is root’s alone',
        proofs: [typed('a user of the machine reads no secrets and gives no orders')],
      },
      {
        attack:
          'a container makes its /etc/hosts a program with setuid, which a user without root runs from where it lies on the machine',
        sources: ['CVE-2021-41091'],
        docker: 'stopped since 20.10.9',
        gangway: 'stopped',
        because: 'the directory with these files is root’s alone, with --userns private of the container’s root, too',
        proofs: [
          hostsFile(
            'a program with setuid that a container makes of its hosts file is out of the machine’s users’ reach',
          ),
        ],
      },
      {
        attack: 'a user without root reads the environment of containers from records, orders ports, enters a network',
        sources: [],
        docker: 'stopped: the socket belongs to root and a group',
        gangway: 'stopped',
        because: 'what is written is root’s alone; the directories are made so, whatever the umask',
        proofs: [typed('a user of the machine reads no secrets and gives no orders')],
      },
    ],
  },
];
