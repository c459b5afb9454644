import { type Chapter, end } from './chapter.ts';

export const outbound: Chapter = {
  name: 'outbound',
  title: 'outbound: masquerade',
  question: 'How does a container reach the Internet?',
  answer:
    'Its packets go through the bridge to the host, which does two things that are off by default. It forwards packets for other destinations (ip_forward), and replaces their source with its own address (masquerade), because external hosts have no route to 172.17.0.2. A host that forwards does so for every client on its networks, so gangway also adds a rule against that.',
  drawing: `
ann             host                                                      world
172.17.0.2 --> gangway0 --> forward? --> masquerade --> up0 203.0.113.1 --> sees 203.0.113.1
172.17.0.2 <-- gangway0 <-- translated back by connection tracking <------------------'`,
  sections: [
    {
      heading: 'The plan',
      steps: [
        {
          says: 'These lines of the plan for the first container prepare outbound traffic:',
          types:
            'gangway explain run -d --name ann sleep infinity | grep -E "^nft .*(transit|leaving|masq|subnets)|ip_forward"',
          expects: /closed_transit \{ ipv4 \}[\s\S]*ip_forward=1[\s\S]*masqueraded/,
        },
        {
          types: 'sysctl net.ipv4.ip_forward',
          proves: 'The plan has changed nothing: the host does not forward yet.',
          expects: /= 0$/m,
        },
      ],
    },
    {
      heading: 'Run it',
      steps: [
        { types: 'gangway run -d --name ann sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        { types: 'sysctl net.ipv4.ip_forward', proves: 'The host forwards now.', expects: /= 1$/m },
        {
          says: 'A server in the world returns the client’s address.',
          types: 'gangway exec ann curl -s http://203.0.113.2/',
          proves: 'The world saw 203.0.113.1, the host, and not 172.17.0.2.',
          expects: /^203\.0\.113\.1\n$/,
        },
        {
          types: 'gangway exec ann ping -c 1 203.0.113.2',
          shows: /bytes from|received/,
          proves: 'ttl=63: the answer passed one router, the host.',
          expects: /ttl=63 .*1 received/s,
        },
      ],
    },
    {
      heading: 'The path of a packet',
      says: 'The ruleset is constant; a network is an element in its sets. Packets from a bridge in set masqueraded leave with the host’s address, unless they stay behind their own bridge:',
      drawing: `
172.17.0.2 > 203.0.113.2   from gangway0
   forward:      iifname @bridges --> leave --> leave_nat     accepted
   postrouting:  ipv4 . gangway0 in @masqueraded              source is now 203.0.113.1`,
      steps: [
        {
          types: 'nft list set inet gangway masqueraded; nft list chain inet gangway masks',
          shows: /elements|@subnets4|@masqueraded/,
          proves: 'The output shows the element, and the rule that uses it.',
          expects: /ipv4 \. "gangway0"[\s\S]*@masqueraded masquerade/,
        },
        {
          says: 'The next network has masquerade switched off. All other settings are the same:',
          types: 'gangway network create -o com.docker.network.bridge.enable_ip_masquerade=false plain',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'gangway run --rm --network plain ping -c 1 -W .3 203.0.113.2',
          shows: /received/,
          proves: 'No answer arrives.',
          expects: /0 received/,
          status: 1,
        },
        {
          says: 'The request left the host, but the world has no route to 172.18.0.2. Add the route in the world:',
          at: 'world',
          types: 'ip route add 172.18.0.0/16 via 203.0.113.1',
        },
        {
          types: 'gangway run --rm --network plain curl -s http://203.0.113.2/',
          proves: 'The world saw the container’s own address.',
          expects: /^172\.18\.0\.3\n$/,
        },
        { at: 'world', types: 'ip route del 172.18.0.0/16' },
      ],
    },
    {
      heading: 'The same in IPv6',
      steps: [
        { types: 'gangway network create --ipv6 six', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'gangway run --rm --network six curl -s "http://[2001:db8:f::2]/"',
          proves: 'The world saw 2001:db8:f::1, the machine’s address in IPv6.',
          expects: /^2001:db8:f::1\n$/,
        },
      ],
    },
    {
      heading: 'What must fail',
      steps: [
        {
          says: 'An external host adds a route to 172.17.0.0/16 through the host:',
          at: 'world',
          types: 'ip route add 172.17.0.0/16 via 203.0.113.1; ping -c 1 -W .3 172.17.0.2',
          shows: /received/,
          proves: 'No answer: from outside, only replies to ann’s connections enter.',
          expects: /0 received/,
          status: 1,
        },
        {
          at: 'world',
          types: 'ping -c 1 172.17.0.1; ip route del 172.17.0.0/16',
          shows: /received/,
          proves: 'The route was correct: the bridge’s own address answers through the same route.',
          expects: /1 received/,
        },
        {
          says: 'Suppose that the host has another network, for virtual machines or an office:',
          types:
            'ip netns add office && ip link add office0 type veth peer name eth0 netns office && ip address add 10.9.9.1/24 dev office0 && ip link set office0 up',
        },
        {
          types:
            'ip -n office address add 10.9.9.2/24 dev eth0 && ip -n office link set eth0 up && ip -n office route add default via 10.9.9.1',
        },
        {
          says: 'The host forwards now, so an external host could use it as a router into that network:',
          at: 'world',
          types: 'ip route add 10.9.9.0/24 via 203.0.113.1; ping -c 1 -W .3 10.9.9.2',
          shows: /received/,
          proves: 'The rule drops packets that neither come from a container nor go to one.',
          expects: /0 received/,
          status: 1,
        },
        {
          says: 'Without that rule, the same ping:',
          types: 'nft delete element inet gangway closed_transit "{ ipv4 }"',
        },
        {
          at: 'world',
          types: 'ping -c 1 10.9.9.2; ip route del 10.9.9.0/24',
          shows: /bytes from|received/,
          proves: 'The ping passes: ip_forward alone makes the host a router for every client.',
          expects: /ttl=63 .*1 received/s,
        },
        { types: 'nft add element inet gangway closed_transit "{ ipv4 }"; ip netns del office' },
      ],
    },
    end('gangway rm -f ann && gangway network rm plain six && gangway gc'),
  ],
  docker:
    'Docker also enables ip_forward. If Docker enabled it, Docker sets the policy of the whole FORWARD chain to DROP, also for networks of other programs. gangway, if no link forwarded before, drops only packets that neither come from a container nor go to one. Docker’s masquerade is one rule for each network: `-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE`.',
  sources: ['src/networks/masquerade.ts', 'src/firewall/nftables/ruleset.nft'],
};
