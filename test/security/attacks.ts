/**
 * The known attacks on container networks, and their results. docs/security.md is generated from this list, and
 * test/unit/attacks.test.ts compares the list with the tests.
 */

/** A test: its file and the beginning of its title. */
export interface Proof {
  readonly file: string;
  readonly test: string;
}

export interface Attack {
  /** Attacker and action. */
  readonly attack: string;
  /** Public reports. */
  readonly sources: readonly string[];
  /** Result in Docker 29. */
  readonly docker: string;
  /** Result in gangway. */
  readonly gangway: 'stopped' | 'open' | 'not here' | 'to do';
  /** The protection, or the reason for the result. */
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
          'a neighbour sends to a container’s own address, through the host: published and other ports, any protocol, fragments',
        sources: ['moby#14041', 'moby#41872', 'moby PR 49325'],
        docker: 'stopped since 28.0; before, open if FORWARD accepted',
        gangway: 'stopped',
        because:
          'packets enter a bridge only after translation or as part of a connection; the rules check interfaces, not ports or protocols',
        proofs: [wire('stops packets through a direct route to a container, for each protocol')],
      },
      {
        attack: 'a neighbour sends to an internal network, with a source address of that network',
        sources: ['moby: internal rules of the iptables back end compare subnets'],
        docker: 'IPv4 on iptables: open, unless rp_filter or the FORWARD policy stops it (according to its rules)',
        gangway: 'stopped',
        because: 'an internal network accepts no packets from other interfaces, whatever their source',
        proofs: [
          wire('stops packets with a forged source into an internal network'),
          modes('drops packets with a forged source into and out of an internal network'),
        ],
      },
      {
        attack: 'a neighbour connects to a published port with a container’s source address',
        sources: [],
        docker: 'open: the container sees a sibling’s address, unless rp_filter is strict',
        gangway: 'stopped',
        because: 'a packet from another interface with a source address of a bridge is dropped before it enters',
        proofs: [wire('stops connections from the wire with a sibling’s source address')],
      },
      {
        attack:
          'a neighbour sends UDP to a published port with the source address of a container in another network; connection tracking would then permit packets between the two containers in both directions',
        sources: [],
        docker: 'open, unless rp_filter is strict (according to its rules)',
        gangway: 'stopped',
        because:
          'a packet from a link other than gangway’s bridges must not have a container’s source address, unless a more specific route of the host leads to that link',
        proofs: [wire('stops UDP from the wire with the source address of another network’s container')],
      },
      {
        attack:
          'a neighbour sends to a process of the host with a container’s source address; the process answers a container or forwards the data',
        sources: [],
        docker: 'open, unless rp_filter is strict (according to its rules)',
        gangway: 'stopped',
        because: 'the rule about container addresses from other links also applies to packets for the host',
        proofs: [wire('stops packets from the wire to the host with a container’s source address')],
      },
      {
        attack:
          'a neighbour sends datagrams into a tracked flow of two siblings, whose bridge applies the rules (br_netfilter)',
        sources: [],
        docker: 'stopped by the drop of direct access in the raw table',
        gangway: 'stopped',
        because:
          'the rule about container addresses from other links comes before the rule that accepts established connections',
        proofs: [wire('stops packets from the wire into a flow of two siblings')],
      },
      {
        attack: 'a neighbour sends an ICMP error about a datagram of two siblings, which counts as related',
        sources: [],
        docker: 'stopped by the drop of direct access in the raw table',
        gangway: 'stopped',
        because: 'packets of a connection with both ends behind one bridge must not come from another interface',
        proofs: [wire('stops packets from the wire into a flow of two siblings')],
      },
      {
        attack: 'a neighbour sends to 127.0.0.0/8 or ::1 with the host’s MAC, to reach services on loopback',
        sources: ['CVE-2020-8558', 'kubernetes#92315'],
        docker: 'stopped, unless something has set route_localnet for the link',
        gangway: 'stopped',
        because: 'the kernel rejects such packets while route_localnet is 0, and gangway never sets it',
        proofs: [wire('stops packets from the wire to the host’s loopback')],
      },
      {
        attack: 'a neighbour sends to a port published on 127.0.0.1',
        sources: ['moby#45610', 'CVE-2025-54388'],
        docker: 'stopped since 28.0; open again after a reload of firewalld before 28.3.3',
        gangway: 'stopped',
        because:
          'such a port is never translated, and a rule drops the packets on every link except lo, even with route_localnet=1',
        proofs: [
          wire('stops packets from the wire to a port published on loopback, with each route_localnet'),
          rules('a port published on loopback is closed to the wire, whatever route_localnet says'),
        ],
      },
      {
        attack:
          'traffic that the host forwards to another machine is redirected into a container, because its port number is published',
        sources: ['CVE-2025-67499', 'GHSA-jv3w-x3r3-g6rm'],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'only packets to the host’s own addresses are translated (fib daddr type local)',
        proofs: [wire('leaves forwarded traffic to a published port number alone')],
      },
      {
        attack: 'a packet has a loose source route to the host and on to a container',
        sources: [],
        docker: 'stopped: accept_source_route is 0 for all links; beyond that by the rules',
        gangway: 'stopped',
        because:
          'the kernel, and the rules if source routes are enabled: they compare the bridge, not the address in the header',
        proofs: [wire('stops packets with a source route into a network')],
      },
      {
        attack: 'one packet goes to the broadcast address of a container network, to all its containers',
        sources: [],
        docker: 'stopped: bc_forwarding is 0; beyond that by the rules for unpublished ports',
        gangway: 'stopped',
        because: 'the kernel, and the rules if bc_forwarding is enabled',
        proofs: [wire('stops a broadcast packet from the wire to a network’s containers')],
      },
      {
        attack: 'a neighbour sends to the host’s port of a container’s masqueraded connection',
        sources: [],
        docker: 'stopped: connection tracking',
        gangway: 'stopped',
        because: 'the kernel compares both ends of a connection',
        proofs: [wire('opens a masqueraded port only to the connection’s peer')],
      },
      {
        attack: 'a client reaches a published port in spite of the host’s own INPUT rules (ufw)',
        sources: ['moby#22054', 'moby#4737'],
        docker: 'open: DOCKER-USER, none on nftables',
        gangway: 'open',
        because:
          'publishing opens a port; the packet is forwarded, and the administrator’s own forward rules come before gangway’s',
        proofs: [],
      },
      {
        attack: 'a client reaches a port published on one address through another link',
        sources: [],
        docker: 'open',
        gangway: 'open',
        because: 'a Linux host answers for each of its addresses on every link; only loopback is separate',
        proofs: [],
      },
      {
        attack:
          'an IPv6 client of a container with IPv4 only appears as the host, because the proxy’s connection has the gateway’s address',
        sources: ['moby#44408', 'moby#17666'],
        docker: 'open',
        gangway: 'open',
        because: 'no IPv4 address can represent the client; use a dual-stack network, or --proxy-protocol',
        proofs: [],
      },
      {
        attack:
          'a client of a port with --proxy-protocol sends its own header, to appear as another client; or it disconnects before the proxy reads its address',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because:
          'the proxy’s header comes first, and the client’s data after it; the proxy forwards nothing from clients without a known address',
        proofs: [
          header('forwards a header from the client as data'),
          header('forwards nothing from a client without a known address'),
        ],
      },
      {
        attack:
          'a container uses the return path of transparent connections, which delivers its packets to the host whatever their address, to reach services of the host',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because: 'only packets of a proxy’s connection, with its mark and exactly its two ends, use that path',
        proofs: [addresses('delivers packets on the return path only to proxies')],
      },
      {
        attack: 'a sibling connects to the container’s own address with a false PROXY header',
        sources: [],
        docker: 'feature missing',
        gangway: 'open',
        because:
          'siblings may connect to each other, and their data is not inspected; the server must accept headers from the gateway’s address only, which no container can use',
        proofs: [],
      },
      {
        attack: 'a neighbour uses the host as a router, although the host forwards only for its containers',
        sources: ['moby#14041', 'moby#50566'],
        docker: 'stopped: policy DROP for all of FORWARD (not on nftables, which requires enabled forwarding)',
        gangway: 'stopped',
        because:
          'foreign transit is dropped if gangway enabled forwarding and no link forwarded before, for each family; policies of other programs do not change',
        proofs: [modes('drops foreign transit if gangway enabled forwarding, for each family')],
      },
      {
        attack:
          'a client with only a link-local address connects to a published port, and its replies are lost or loop',
        sources: ['moby: DNAT excludes fe80::/10'],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'fe80::/10 is not translated; a process of the host answers',
        proofs: [modes('leaves clients with only a link-local address to a process of the host')],
      },
    ],
  },
  {
    attackers: 'From a container to other networks and the host',
    attacks: [
      {
        attack:
          'a container sends to a container of another network: published and other ports, any protocol, fragments, also with the source address of a sibling of the target',
        sources: ['CVE-2025-54410', 'GHSA-4vq8-7jfc-9cvp'],
        docker: 'stopped',
        gangway: 'stopped',
        because:
          'packets from a bridge of gangway are checked twice: when they leave a network and when they enter another one',
        proofs: [container('stops packets from one network to a container of another network')],
      },
      {
        attack:
          'a container without anti-spoofing rules (gangway.guard=false) connects to itself, or to its own published port, with the source address of another network’s host, and then counts as the reply to that host',
        sources: [],
        docker: 'open (according to its rules)',
        gangway: 'stopped',
        because: 'packets within a bridge must have a source address behind that bridge',
        proofs: [container('stops a container that connects to itself with an address of another network')],
      },
      {
        attack:
          'a container without anti-spoofing rules connects to a published port, to the host or to an external host, with the source address of a container in another network; an accomplice can then reach that container as if it replied',
        sources: [],
        docker: 'open, unless rp_filter is strict (according to its rules)',
        gangway: 'stopped',
        because: 'a packet with a container’s source address must come from that container’s bridge',
        proofs: [
          container('stops connections with a source address of another network’s container'),
          modes('drops new connections with a source address of another network’s container'),
        ],
      },
      {
        attack:
          'a container without anti-spoofing rules connects to the host with a source address of the host, and then appears as the host to a container that replies',
        sources: [],
        docker: 'open in IPv6; in IPv4 stopped, unless accept_local is 1 (according to its rules)',
        gangway: 'stopped',
        because: 'packets from a bridge of gangway must not have a source address of the host',
        proofs: [container('stops a container that uses a source address of the host')],
      },
      {
        attack: 'a container sends to 127.0.0.0/8 with its gateway’s MAC',
        sources: ['CVE-2020-8558', 'kubernetes#90259'],
        docker:
          'stopped with docker-proxy; without it, route_localnet is 1 on each bridge, and no rule stops the packets (according to its rules)',
        gangway: 'stopped',
        because: 'gangway never sets route_localnet: a process of the host proxies connections to loopback',
        proofs: [container('stops packets from a bridge to the host’s loopback')],
      },
      {
        attack:
          'a container of an internal network sends to the Internet, to other networks, or to other addresses of the host',
        sources: ['libnetwork#1151'],
        docker: 'stopped, except for every address of the host: the rules cover forwarded packets only',
        gangway: 'stopped',
        because:
          'no packet is forwarded, and towards the host only the address of the network’s own bridge is open (for an isolated network, none)',
        proofs: [
          internal('stops packets out of an internal network'),
          modes('drops packets with a forged source into and out of an internal network'),
        ],
      },
      {
        attack:
          'a container of an internal network connects to an IPv6 port on its gateway that another network’s IPv4-only container publishes; the proxy would forward the connection past all packet rules',
        sources: [],
        docker: 'open: docker-proxy listens on every address',
        gangway: 'stopped',
        because: 'proxied ports of another family are closed to internal networks',
        proofs: [internal('stops packets out of an internal network')],
      },
      {
        attack:
          'a container of an internal network connects to an IPv6 port on its gateway from its link-local address; no translation applies, and the process with the port answers',
        sources: [],
        docker: 'open: docker-proxy listens on every address (according to its rules)',
        gangway: 'stopped',
        because: 'ports that may be proxied, because rules do not translate them, are closed to internal networks',
        proofs: [internal('stops link-local connections from an internal network to published ports')],
      },
      {
        attack: 'a container of an internal network connects to a port that is published on its gateway’s address',
        sources: [],
        docker: 'open: docker-proxy listens there (according to its rules)',
        gangway: 'stopped',
        because: 'a port published on one address is closed to internal networks on that address',
        proofs: [internal('closes ports published on the gateway of an internal network to that network')],
      },
      {
        attack:
          'a container of an internal network repeats a SYN to a port that is not published yet; connection tracking stores it untranslated, and the process with the port answers a later repetition',
        sources: [],
        docker: 'open: docker-proxy listens on every address (according to its rules)',
        gangway: 'stopped',
        because:
          'a port is closed to internal networks even if rules translate it, from before its opening until after its closing',
        proofs: [internal('stops an internal network’s repeated SYN to a port published later')],
      },
      {
        attack:
          'a container of an internal network sends broadcast or multicast packets to the number of a published port; no translation applies, and the process with the port answers',
        sources: [],
        docker: 'open: docker-proxy has a socket on every address (according to its rules)',
        gangway: 'stopped',
        because:
          'of broadcast and multicast packets, the host accepts only neighbour discovery from an internal network',
        proofs: [internal('stops broadcast from an internal network to published ports')],
      },
      {
        attack:
          'a container of an internal network sends to the host with an external source address: the answer, an echo or an ICMP error, carries its data out',
        sources: [],
        docker: 'open, unless rp_filter is strict, and in IPv6',
        gangway: 'stopped',
        because: 'anti-spoofing rules compare the source; a network with gangway.guard=false is open',
        proofs: [internal('stops answers of the host that would carry data out of an internal network')],
      },
      {
        attack: 'a container of an internal network learns the host’s addresses by ARP',
        sources: [],
        docker: 'open: no rule covers ARP',
        gangway: 'stopped',
        because:
          'arp_ignore=1 on the bridges of internal networks; in IPv6 the kernel answers for the link’s own addresses only',
        proofs: [internal('hides the host’s other addresses from an internal network')],
      },
      {
        attack:
          'a container advertises itself as an IPv6 router: the host then sends through it and gets another address',
        sources: ['CVE-2020-13401', 'CVE-2020-10749', 'CVE-2020-13597'],
        docker: 'stopped since 19.03.11',
        gangway: 'stopped',
        because:
          'a bridge gets accept_ra=0, or disable_ipv6=1 without IPv6, before it is up; rules also drop advertisements',
        proofs: [routers('ignores router advertisements of a container on the host')],
      },
      {
        attack: 'a packet without a connection leaves untranslated, and reveals internal addresses',
        sources: [],
        docker: 'open: no rule drops invalid or untracked packets',
        gangway: 'stopped',
        because: 'invalid and untracked packets do not leave translated networks',
        proofs: [
          container('stops packets that would leave with an internal address'),
          rules('drops packets without a connection that would leave with an internal address'),
        ],
      },
      {
        attack:
          'a container connects from a source port that another container publishes, or that a service of the host uses: after translation it receives its peer’s requests to the service as replies (port shadowing)',
        sources: ['CVE-2021-3773'],
        docker: 'open: a source port is kept unless another translated connection uses it (according to its rules)',
        gangway: 'stopped',
        because:
          'masqueraded connections use source ports 32768 to 60999 that are not published; on nftables, a packet with a published port by chance is dropped',
        proofs: [
          wire('keeps published ports free of source ports of other containers'),
          sources(
            'masquerades with a port of the range, and keeps the source port if it is in the range, free and unpublished',
          ),
          sources('drops packets that would leave from a published port by chance, with nftables'),
          sources(
            'reserves a port published on one address, and moves other connections to another port, with nftables',
          ),
        ],
      },
      {
        attack: 'the host sends a container an ICMP redirect, for a path around the host',
        sources: [],
        docker: 'open',
        gangway: 'stopped',
        because: 'bridges of gangway send no redirects',
        proofs: [modes('sends no redirect to a client of a published port, and serves the client')],
      },
      {
        attack:
          'a host process bound to 127.0.0.1 connects to a published port, and the container sees a loopback address',
        sources: ['CVE-2021-20199'],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'packets from 127.0.0.0/8 or ::1 are not translated; the proxy’s connection has the gateway’s address',
        proofs: [rules('does not translate connections of a process bound to 127.0.0.1')],
      },
      {
        attack:
          'a container, or another network namespace, connects to its own 127.0.0.1 and reaches ports published on the host',
        sources: [],
        docker: 'stopped: Docker has no hook',
        gangway: 'stopped',
        because:
          'the connect hook redirects only processes of the host’s own network namespace, identified by its cookie',
        proofs: [
          hook(
            'redirects no connections to the loopback of a container or another network namespace, or from outside of the lab',
          ),
        ],
      },
      {
        attack:
          'a container connects to services of the host on its gateway’s address, or to services for the host only (169.254.169.254)',
        sources: ['libnetwork#1151'],
        docker: 'open',
        gangway: 'open',
        because:
          'outbound packets may go everywhere, as in Docker; --internal forbids them, and the administrator’s own rules come first',
        proofs: [],
      },
      {
        attack: 'a container writes to its /etc/hosts without end',
        sources: ['CVE-2020-8557'],
        docker: 'open: the file is on the host’s disk',
        gangway: 'open',
        because:
          'the file is in the host’s /run, whose size is limited; the data counts as the container’s memory, which --memory limits',
        proofs: [],
      },
      {
        attack:
          'a container makes its /etc/hosts huge, with holes that take no space: gangway reads all of it for connect and disconnect, and in its record',
        sources: [],
        docker: 'open: the daemon reads the whole file for disconnect (according to its source)',
        gangway: 'stopped',
        because:
          'gangway does not read a file of more than 1 MiB, and leaves its lines unchanged; records store no data of a container’s files',
        proofs: [hostsFile('leaves a huge hosts file unchanged, and stores nothing of it in records')],
      },
      {
        attack:
          'a container holds a lease on its /etc/hosts or /etc/passwd, and a process that changes or reads the file waits 45 seconds, with all other commands; or it executes the file, which makes the file unwritable',
        sources: [],
        docker: 'not tried',
        gangway: 'stopped',
        because: 'gangway does not wait; a hosts file that cannot be written stays unchanged',
        proofs: [hostsFile('leaves a hosts file with a lease unchanged without waiting')],
      },
      {
        attack:
          'a container writes text to its /etc/hosts that ends a shell string or controls a terminal, and root runs or reads the output of `gangway explain network connect`',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because: 'text other than printable lines is written in octal',
        proofs: [hostsFile('escapes a container’s hosts file for root’s shell and terminal')],
      },
      {
        attack: 'a container with `--network host` connects to the host’s abstract sockets',
        sources: ['CVE-2020-15257'],
        docker: 'open, as documented',
        gangway: 'open',
        because: 'this is the meaning of the host’s network; use another network',
        proofs: [],
      },
      {
        attack: 'forged VXLAN packets for an overlay network',
        sources: ['CVE-2023-28840', 'CVE-2023-28841', 'CVE-2023-28842'],
        docker: 'stopped since 23.0.3',
        gangway: 'not here',
        because: 'gangway has no overlay networks yet, and no socket listens on port 4789',
        proofs: [],
      },
    ],
  },
  {
    attackers: 'From a container to its siblings',
    attacks: [
      {
        attack: 'siblings with enable_icc=false send each other packets of every kind, unicast or broadcast',
        sources: [],
        docker: 'stopped if br_netfilter is loaded',
        gangway: 'stopped',
        because: 'the bridge applies the rules independent of the sysctl, or isolates the ports itself',
        proofs: [
          container('stops all packets between siblings with enable_icc=false'),
          modes('isolates siblings with enable_icc=false by the rules or the bridge'),
        ],
      },
      {
        attack:
          'siblings with enable_icc=false send an ICMP error about an external connection to a published port: it is translated like the connection, and reaches the sibling behind the port',
        sources: [],
        docker: 'open: related packets are accepted (according to its rules)',
        gangway: 'stopped',
        because:
          'between siblings, an error must refer to a connection of that network; a sibling that guesses a port can still send errors about a connection from it',
        proofs: [container('stops ICMP errors between siblings about connections of others')],
      },
      {
        attack:
          'siblings with enable_icc=false send a frame with a tag for VLAN 0, which Linux removes, or of a type other than IP',
        sources: ['CVE-2021-27854', 'CVE-2021-27862'],
        docker: 'open: bridge-nf-filter-vlan-tagged is 0',
        gangway: 'stopped',
        because: 'the anti-spoofing rules accept only untagged IP and ARP; not in a network with gangway.guard=false',
        proofs: [container('stops frames between siblings that hide a packet')],
      },
      {
        attack:
          'a container claims by ARP or neighbour discovery to be the gateway or a sibling, and receives their packets',
        sources: ['CVE-2020-10749'],
        docker: 'open',
        gangway: 'stopped',
        because:
          'the anti-spoofing rules compare the sender with the addresses of the container behind the port; also in the following rows',
        proofs: [
          belief('keeps the attacker from being taken for the gateway'),
          belief('keeps the attacker from being taken for a sibling in IPv6, for each message type'),
        ],
      },
      {
        attack: 'a container sends packets with the source address of a sibling, of the gateway or of an external host',
        sources: [],
        docker: 'open',
        gangway: 'stopped',
        because:
          'each packet must have the container’s own source address, in both families, towards siblings and the host',
        proofs: [guard('drops frames with another sender before the bridge')],
      },
      {
        attack: 'a container uses the MAC of a sibling, so that the bridge sends it the sibling’s frames',
        sources: [],
        docker: 'open',
        gangway: 'stopped',
        because:
          'the frame is dropped before the bridge learns from it; frames to the bridge itself take the same path',
        proofs: [belief('keeps the bridge from learning foreign MACs from the attacker’s port')],
      },
      {
        attack: 'a container claims to be the router for all of IPv6, or a DHCP server',
        sources: ['CVE-2020-13401', 'CVE-2020-10749'],
        docker: 'open between siblings; the host accepts no advertisements since 19.03.11',
        gangway: 'stopped',
        because: 'no container can be a router or a DHCP server for others',
        proofs: [
          belief('keeps the attacker from being taken for a router'),
          guard('drops frames with another sender before the bridge'),
        ],
      },
      {
        attack:
          'a container sends to the bridge’s own addresses (01:80:c2:00:00:0e), and its packet reaches the host past all rules that name a bridge',
        sources: [],
        docker: 'no rule against it',
        gangway: 'stopped',
        because:
          'the port passes such frames to the anti-spoofing rules and the firewall, like all others (group_fwd_mask)',
        proofs: [belief('stops packets that would bypass the bridge to the host')],
      },
    ],
  },
  {
    attackers: 'In a network with an egress policy (`--egress`)',
    attacks: [
      {
        attack:
          'a container sends to a closed destination with another protocol, in fragments, as a reply, as an error, as a ping, or with the source address of a permitted container',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because: 'the rules check the input link and the connection of a packet, not its own claims',
        proofs: [
          egress('stops packets from a limited network to closed destinations, for each kind of packet'),
          egress('permits a destination only at its port and protocol'),
        ],
      },
      {
        attack: 'errors about a permitted connection carry data to another destination',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because: 'connection tracking sends an error to an end of its connection; other related packets are dropped',
        proofs: [egress('sends an error about a permitted connection only to its other end')],
      },
      {
        attack:
          'a container sends an error about a connection of another host: connection tracking knows the connection, and compares the destination of the error, not its source',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because: 'an error leaves a network only if its connection has an end there',
        proofs: [egress('stops errors about connections of others, also with internal addresses')],
      },
      {
        attack:
          'a container of a routed network sends an error about a translated connection of another host: the error is translated too, and reaches the client',
        sources: [],
        docker: 'open: related packets are accepted (according to its rules)',
        gangway: 'stopped',
        because: 'the sender of an error about a translated connection must be one of its ends',
        proofs: [egress('stops errors about translated connections of others, in each mode')],
      },
      {
        attack:
          'a container without anti-spoofing rules (gangway.guard=false) connects to itself, through the host or the bridge only, with the source address of a closed destination, and its packets leave as replies; also with link-local addresses',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because:
          'packets within a bridge must have a source address behind that bridge; packets with link-local addresses do not leave such a network',
        proofs: [
          egress('stops packets from a limited network that look like replies to itself'),
          egress('stops packets from a limited network with link-local addresses'),
        ],
      },
      {
        attack:
          'a container reaches another network through its published ports on the host: at any address, through the proxy, from a link-local address, or by broadcast',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because:
          'denied destinations are compared before and after translation; proxied ports and broadcast are closed',
        proofs: [
          egress('stops connections from a limited network through published ports of others'),
          limits('permits listed destinations only, in both families and without a bypass'),
        ],
      },
      {
        attack:
          'a container reaches the host at another of its addresses, at 169.254.169.254, or by IPv6 in spite of a list of IPv4 addresses',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because: 'the list also applies to the host, and other destinations are closed in both families',
        proofs: [limits('permits listed destinations only, in both families and without a bypass')],
      },
      {
        attack:
          'DNS names bypass a list of permitted destinations: a query tells the name’s server about the data in it',
        sources: ['CVE-2026-12039'],
        docker: 'feature missing',
        gangway: 'stopped',
        because: 'names outside of the list are not resolved, for any record type, and no server is directly reachable',
        proofs: [limits('forwards no query for a blocked name, over each path')],
      },
      {
        attack:
          'a permitted name resolves to the address of the host, of a container or of a network behind the host, or points to a denied name',
        sources: ['DNS rebinding'],
        docker: 'feature missing',
        gangway: 'stopped',
        because:
          'answers open only public addresses, outbound from the host; a denied name in the chain denies the answer',
        proofs: [limits('opens the public addresses of a permitted name for the TTL of the answer')],
      },
      {
        attack:
          'a container with permitted names answers the queries itself: --dns leads to it, or port 53 of the host that it publishes',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because: 'no server in a network is queried if its answers open addresses to that network, at any address',
        proofs: [
          limits('forwards no query for a blocked name, over each path'),
          limits('ignores a name server inside the limited network, also behind a port of the host'),
        ],
      },
      {
        attack:
          'an attacker registers a name below a permitted wildcard (`*.github.io`), or a sibling with another route forwards the data',
        sources: [],
        docker: 'feature missing',
        gangway: 'open',
        because: 'both do what the policy permits; `*.com` and similar wildcards are rejected',
        proofs: [],
      },
    ],
  },
  {
    attackers: 'In a network without IPv6',
    attacks: [
      {
        attack:
          'a link has an IPv6 address all the same, by itself or from a sibling’s router advertisement, and IPv4 rules do not apply',
        sources: ['CVE-2024-32473'],
        docker: 'stopped since 26.0.2',
        gangway: 'stopped',
        because: 'each link gets disable_ipv6=1 at its creation',
        proofs: [routers('keeps links of a network without IPv6 free of IPv6, in spite of a router')],
      },
      {
        attack: 'a macvlan link has an IPv6 address from a router of the wire',
        sources: ['CVE-2024-32473'],
        docker: 'stopped since 26.0.2',
        gangway: 'stopped',
        because: 'each link gets disable_ipv6=1 at its creation',
        proofs: [routers('ignores routers of the wire on a macvlan without IPv6')],
      },
      {
        attack: 'the setting fails (/proc/sys is read-only), and the container silently gets IPv6',
        sources: ['moby#47751'],
        docker: 'stopped since 26.0.2: an error',
        gangway: 'stopped',
        because: 'a setting that fails is an error, and everything is undone',
        proofs: [life('fails and leaves nothing if a setting fails')],
      },
    ],
  },
  {
    attackers: 'During creation and removal',
    attacks: [
      {
        attack: 'continuous packets enter a new network or container before its rules exist',
        sources: [],
        docker: 'not tried; a bridge is up after its rules',
        gangway: 'stopped',
        because: 'the rules know a bridge before it exists, and forget it after its removal',
        proofs: [life('stops packets into a network during its creation and removal')],
      },
      {
        attack:
          'a continuous UDP sender reaches the old container after a port leads to another one, because the kernel tracks the flow',
        sources: ['moby#8795', 'moby#44688', 'moby#53384'],
        docker: 'open if host port and container port differ',
        gangway: 'stopped',
        because: 'removing a port deletes its tracked flows, including those without a target',
        proofs: [
          life('stops a continuous sender at a port that leads elsewhere'),
          kernel('publish-running')('sends a continuous UDP client to the port’s new target'),
        ],
      },
      {
        attack: 'a client connects while a port is being published, is accepted, and is not served',
        sources: ['moby#50669'],
        docker: 'stopped since 28.x',
        gangway: 'stopped',
        because: 'a filter on the socket drops every packet until the rules exist',
        proofs: [kernel('proxy-reservation')('accepts no client between reserving and serving')],
      },
      {
        attack: 'another program flushes the rules: closed destinations are open',
        sources: ['CVE-2025-54388', 'CVE-2025-54410', 'netavark#230'],
        docker: 'open until the next change; detected with firewalld only',
        gangway: 'stopped',
        because:
          'the kernel notifies the switchboard, which restores all rules in one transaction; without a switchboard, the next command does. Meanwhile a black-hole route takes unmarked packets to containers; packets to the host, and false senders, are checked only after that',
        proofs: [
          life('restores flushed rules at once'),
          kernel('firewall-repair')('keeps networks closed between a flush and its repair'),
        ],
      },
      {
        attack: 'a container gets the address of an exited container, and receives packets for it',
        sources: [],
        docker: 'not tried',
        gangway: 'stopped',
        because: 'with a container’s endpoint, the kernel deletes its tracked flows and pending address resolutions',
        proofs: [kernel('flows')('sends no packets of an old container to a new container with its address')],
      },
      {
        attack:
          'processes of another program are killed with a container of --isolation=network, because the number of its namespace was reused',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because: 'a mount namespace is identified by NS_GET_MNTNS_ID, which the kernel never reuses',
        proofs: [kernel('leave-nothing')('leaves processes in a reused mount namespace number alone')],
      },
    ],
  },
  {
    attackers: 'DNS',
    attacks: [
      {
        attack:
          'a container with NET_ADMIN destroys the listener of its name server, which takes the host a whole processor',
        sources: [],
        docker: 'not tried',
        gangway: 'stopped',
        because: 'once a second gangway checks the listener, and closes a destroyed one; UDP continues',
        proofs: [names('closes a listener that the container destroyed, and still answers UDP')],
      },
      {
        attack: 'forged answers to the host’s queries for its containers',
        sources: ['CVE-2008-1447'],
        docker: 'stopped',
        gangway: 'stopped',
        because:
          'port and id of each query are random, and address, port, id and question of an answer are compared; at most four queries for a name and type run at once, so that frequent queries do not help an attacker',
        proofs: [
          names('rejects a forged answer unless address, port, id and question match'),
          names('chooses random ports and ids for queries'),
        ],
      },
      {
        attack: 'an internal network sends DNS queries that reveal internal data to the attacker’s server',
        sources: ['CVE-2024-29018', 'GHSA-mq39-4gv4-mvpx'],
        docker: 'stopped since 23.0.11, 25.0.5, 26.0.0',
        gangway: 'stopped',
        because: 'without an outbound path, no server of the host is queried',
        proofs: [kernel('names')('forwards no query of an internal network until it has an outbound path')],
      },
      {
        attack: 'the host’s search domain is appended to a container’s name, which then belongs to another owner',
        sources: ['CVE-2025-8283'],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'names of the container’s networks are answered before any search domain, without an external query',
        proofs: [
          kernel('names')('resolves a short name with the container’s search domains, and rotates shared names'),
        ],
      },
      {
        attack: 'clients stop in the middle of a query, disconnect, or do not read, and keep the server busy',
        sources: ['CVE-2024-8418', 'CVE-2026-35406'],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'connections are limited in number and time, and clients do not wait for each other',
        proofs: [kernel('dns')('serves other clients while some stall, disconnect or do not read')],
      },
      {
        attack: 'a container or an upstream server sends invalid data to the name server',
        sources: [],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'lengths and pointers are checked before use',
        proofs: [names('survives arbitrary bytes from clients and servers')],
      },
    ],
  },
  {
    attackers: 'Local users and arguments',
    attacks: [
      {
        attack: 'a name is a command, a rule, a line of iptables-restore, a path or an option in another context',
        sources: ['CVE-2021-20206'],
        docker: 'stopped',
        gangway: 'stopped',
        because: 'names are validated before the kernel, a file or a shell sees them; programs get lists of arguments',
        proofs: [typed('treats a name only as a name')],
      },
      {
        attack:
          'a command of exec changes files of the host that it received: /dev/null, or the output file, which becomes a setuid program',
        sources: ['podman#24894', 'crun PR 1847'],
        docker: 'stopped: pipes',
        gangway: 'stopped',
        because: 'the command gets pipes, and in the background a /dev/null from a read-only mount',
        proofs: [kernel('exec-streams')('gives a command no files of the host')],
      },
      {
        attack:
          'a 32-bit program opens a socket by socketcall, whose family no filter sees, and writes by AF_ALG to files that are read-only for it',
        sources: ['CVE-2026-31431', 'moby#52494', 'moby#52547'],
        docker: 'stopped with AppArmor or SELinux; the seccomp filter permits socketcall',
        gangway: 'stopped',
        because: 'socketcall is disabled for containers, so that i386 programs of glibc have no network either',
        proofs: [kernel('process-isolation')('filters sockets of 32-bit programs on each path')],
      },
      {
        attack:
          'a user of a container reads files of another host file system that only root may read, or runs setuid programs of a file system mounted with nosuid',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because: 'the overlay keeps owner, mode and mount options',
        proofs: [kernel('process-isolation')('keeps owner, mode and mount options of other host file systems')],
      },
      {
        attack:
          'a user without root moves a directory in the path of another host file system, so that root’s mounts and ownership changes go elsewhere',
        sources: [],
        docker: 'feature missing',
        gangway: 'stopped',
        because: 'file systems below a directory that another user owns are left out',
        proofs: [kernel('process-isolation')('leaves out file systems below directories that other users can move')],
      },
      {
        attack: 'a user without root runs programs from a container’s tree, including setuid programs',
        sources: ['CVE-2021-41091'],
        docker: 'stopped since 20.10.9',
        gangway: 'stopped',
        because: 'only root may access the directory of a container’s tree',
        proofs: [typed('denies a local user access to secrets and commands')],
      },
      {
        attack:
          'a container makes its /etc/hosts a setuid program, which a user without root runs from its place on the host',
        sources: ['CVE-2021-41091'],
        docker: 'stopped since 20.10.9',
        gangway: 'stopped',
        because: 'only root may access the directory of these files; with --userns private also the container’s root',
        proofs: [hostsFile('keeps a container’s setuid hosts file out of reach of local users')],
      },
      {
        attack:
          'a user without root reads the environment of containers from records, publishes ports, or enters a network',
        sources: [],
        docker: 'stopped: the socket belongs to root and a group',
        gangway: 'stopped',
        because: 'only root may access gangway’s files; the directories have that mode whatever the umask',
        proofs: [typed('denies a local user access to secrets and commands')],
      },
    ],
  },
];
