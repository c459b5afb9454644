import { type Chapter, end } from './chapter.ts';

export const outbound: Chapter = {
  name: 'outbound',
  title: 'outbound: under the machine’s address',
  question: 'How does a container reach the world?',
  answer:
    'Its packets climb out of the bridge into the machine, which must do two things that it does not do by default: pass on packets that are not its own (ip_forward), and lend them its address (masquerade), since nobody out there knows a way back to 172.17.0.2. A machine that forwards does so for everybody who can reach it, so there is a guard as well.',
  drawing: `
ann             the machine "host"                                        world
172.17.0.2 --> gangway0 --> forward? --> masquerade --> up0 203.0.113.1 --> sees 203.0.113.1
172.17.0.2 <-- gangway0 <-- translated back, by what connection tracking remembers <--'`,
  sections: [
    {
      heading: 'The plan',
      steps: [
        {
          says: 'Of all that is done for the first container, these lines are about the way out:',
          types:
            'gangway explain run -d --name ann sleep infinity | grep -E "^nft .*(transit|leaving|masq|subnets)|ip_forward"',
          expects: /closed_transit \{ ipv4 \}[\s\S]*ip_forward=1[\s\S]*masqueraded/,
        },
        {
          types: 'sysctl net.ipv4.ip_forward',
          proves: 'That was the plan: the machine does not forward yet.',
          expects: /= 0$/m,
        },
      ],
    },
    {
      heading: 'Let it happen',
      steps: [
        { types: 'gangway run -d --name ann sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        { types: 'sysctl net.ipv4.ip_forward', proves: 'Now it does.', expects: /= 1$/m },
        {
          says: 'In the world there is a server that tells every caller the address that it sees.',
          types: 'gangway exec ann curl -s http://203.0.113.2/',
          proves: 'The world saw 203.0.113.1, the machine, and not 172.17.0.2.',
          expects: /^203\.0\.113\.1\n$/,
        },
        {
          types: 'gangway exec ann ping -c 1 203.0.113.2',
          shows: /bytes from|received/,
          proves: 'ttl=63: the answer went through one router, the machine.',
          expects: /ttl=63 .*1 received/s,
        },
      ],
    },
    {
      heading: 'A packet’s way',
      says: 'There is one constant set of rules; a network is an element in its sets. What comes from a bridge in the set masqueraded, and does not stay behind its own bridge, leaves under the machine’s address:',
      drawing: `
172.17.0.2 > 203.0.113.2   from gangway0
   forward:      iifname @bridges --> leave --> leave_nat     may go
   postrouting:  ipv4 . gangway0 in @masqueraded              source is now 203.0.113.1`,
      steps: [
        {
          types: 'nft list set inet gangway masqueraded; nft list chain inet gangway masks',
          shows: /elements|@subnets4|@masqueraded/,
          proves: 'The element and the rule that asks for it.',
          expects: /ipv4 \. "gangway0"[\s\S]*@masqueraded masquerade/,
        },
        {
          says: 'What if nobody lends an address? A network with masquerade switched off; all else is equal:',
          types: 'gangway network create -o com.docker.network.bridge.enable_ip_masquerade=false plain',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'gangway run --rm --network plain ping -c 1 -W .3 203.0.113.2',
          shows: /received/,
          proves: 'No answer.',
          expects: /0 received/,
          status: 1,
        },
        {
          says: 'The question did get out, but nobody there knows a way back to 172.18.0.2. Tell the world, and it answers:',
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
      heading: 'Where it must fail',
      steps: [
        {
          says: 'Somebody out there learns that 172.17.0.0/16 is behind the machine:',
          at: 'world',
          types: 'ip route add 172.17.0.0/16 via 203.0.113.1; ping -c 1 -W .3 172.17.0.2',
          shows: /received/,
          proves: 'No answer: from outside, only what belongs to a connection of ann’s gets in.',
          expects: /0 received/,
          status: 1,
        },
        {
          at: 'world',
          types: 'ping -c 1 172.17.0.1; ip route del 172.17.0.0/16',
          shows: /received/,
          proves: 'The route was right: by the same way, the bridge’s own address answers.',
          expects: /1 received/,
        },
        {
          says: 'Suppose that the machine has another network besides, for virtual machines or an office:',
          types:
            'ip netns add office && ip link add office0 type veth peer name eth0 netns office && ip address add 10.9.9.1/24 dev office0 && ip link set office0 up',
        },
        {
          types:
            'ip -n office address add 10.9.9.2/24 dev eth0 && ip -n office link set eth0 up && ip -n office route add default via 10.9.9.1',
        },
        {
          says: 'Now that the machine forwards, a stranger could use it as a router into that network:',
          at: 'world',
          types: 'ip route add 10.9.9.0/24 via 203.0.113.1; ping -c 1 -W .3 10.9.9.2',
          shows: /received/,
          proves: 'The guard drops what neither comes from a container nor goes to one.',
          expects: /0 received/,
          status: 1,
        },
        {
          says: 'Without the guard, the same ping:',
          types: 'nft delete element inet gangway closed_transit "{ ipv4 }"',
        },
        {
          at: 'world',
          types: 'ping -c 1 10.9.9.2; ip route del 10.9.9.0/24',
          shows: /bytes from|received/,
          proves: 'It gets through: ip_forward alone makes a machine everybody’s router.',
          expects: /ttl=63 .*1 received/s,
        },
        { types: 'nft add element inet gangway closed_transit "{ ipv4 }"; ip netns del office' },
      ],
    },
    end('gangway rm -f ann && gangway network rm plain six && gangway gc'),
  ],
  docker:
    'Docker switches ip_forward on as well, and where it did, it sets the policy of the whole FORWARD chain to DROP, for other programs’ networks, too. gangway, where no link forwarded before, drops only what neither comes from a container nor goes to one. The masquerade is one rule a network: `-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE`.',
  sources: ['src/networks/masquerade.ts', 'src/firewall/nftables/ruleset.nft'],
};
