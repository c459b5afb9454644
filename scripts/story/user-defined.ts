import { type Chapter, end } from './chapter.ts';

export const userDefined: Chapter = {
  name: 'user-defined',
  title: 'user-defined: separate networks',
  question: 'How can groups of containers be separated, and connected?',
  answer:
    'With more bridges. Each user-defined network is a bridge with its own subnet. The host is connected to all bridges and could forward packets between them; a firewall rule prevents that. A container may be connected to several networks, and can connect and disconnect while it runs.',
  drawing: `
      ann            cid                        bob                     dan
  172.18.0.2     172.18.0.3                 172.19.0.2              172.21.0.2
       |              |                         |                       |
  ====[ front0  172.18.0.1 ]====      ====[ back0 172.19.0.1 ]==   ==[ vault0 ]==
                |               host                 |                 internal:
                '--------- | not across | -----------'                 no route out
                                 |
                              world`,
  sections: [
    {
      heading: 'The plan',
      says: 'Only gangway knows the name of a network; the kernel sees a bridge. By default the bridge is called br- and the beginning of the network’s id. An option chooses a readable name.',
      steps: [
        {
          types:
            'gangway explain network create -o com.docker.network.bridge.name=front0 front | grep -E "^(ip|nft .add element)"',
          expects: /add element inet gangway entering \{ ipv4 \. "front0"[\s\S]*^ip link add front0 /m,
        },
      ],
    },
    {
      heading: 'Run it',
      steps: [
        {
          types: 'gangway network create -o com.docker.network.bridge.name=front0 front',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'gangway network create -o com.docker.network.bridge.name=back0 back',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'ip -brief -4 address show type bridge',
          proves: 'Two bridges, each with its own subnet.',
          expects: /front0 +\w+ +172\.18\.0\.1\/16[\s\S]*back0 +\w+ +172\.19\.0\.1\/16/,
        },
        { types: 'gangway run -d --name ann --network front sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        { types: 'gangway run -d --name cid --network front sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        { types: 'gangway run -d --name bob --network back sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'gangway exec ann ping -c 1 172.18.0.3',
          shows: /bytes from|received/,
          proves: 'ann reaches cid, on the same bridge.',
          expects: /ttl=64 .*1 received/s,
        },
      ],
    },
    {
      heading: 'What must fail',
      steps: [
        {
          says: 'bob is in the other network. Does the host have a route to bob? The mark is that of packets that the firewall has seen; without the mark, no packet reaches a container.',
          types: 'ip route get 172.19.0.2 from 172.18.0.2 iif front0 mark 0x10000000',
          proves: 'Yes: a packet from ann to bob would leave through back0.',
          expects: /^172\.19\.0\.2 from 172\.18\.0\.2 dev back0/,
        },
        {
          types: 'gangway exec ann ping -c 1 -W .3 172.19.0.2',
          shows: /received/,
          proves: 'But the packet does not arrive.',
          expects: /0 received/,
          status: 1,
        },
        {
          says: 'One element is the reason: packets that enter back0 go through chain "enter_nat". The chain accepts replies, published ports and trusted sources of the network, of which there are none here.',
          types: 'nft list map inet gangway entering; nft list chain inet gangway enter_nat',
          shows: /front0|back0|accept|drop/,
          proves: 'The element has counted ann’s ping, and the last rule of enter_nat drops it.',
          expects: /ipv4 \. "back0" counter packets 1 bytes 84 : goto enter_nat[\s\S]*drop comment/,
        },
        {
          says: 'As a control, a network in mode "nat-unprotected" has rules that accept everything. All other settings are the same:',
          types:
            'gangway network create -o com.docker.network.bridge.gateway_mode_ipv4=nat-unprotected -o com.docker.network.bridge.name=open0 open',
          expects: /^[0-9a-f]{64}\n$/,
        },
        { types: 'gangway run -d --name eve --network open sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'gangway exec ann ping -c 1 172.20.0.2',
          shows: /bytes from|received/,
          proves: 'ann reaches eve across the two networks; ttl=63 shows one router on the path: the host.',
          expects: /ttl=63 .*1 received/s,
        },
      ],
    },
    {
      heading: 'A second network, while the container runs',
      drawing: `
ann   eth0 172.18.0.2 === front0
      eth1 172.19.0.3 === back0 === 172.19.0.2 bob`,
      steps: [
        { types: 'gangway network connect back ann' },
        {
          types: 'gangway exec ann ip -brief -4 address',
          proves: 'ann has an eth1, without a restart.',
          expects: /eth0@\S+ +UP +172\.18\.0\.2\/16[\s\S]*eth1@\S+ +UP +172\.19\.0\.3\/16/,
        },
        {
          types: 'gangway exec ann ping -c 1 172.19.0.2',
          shows: /bytes from|received/,
          proves: 'ann reaches bob through eth1; ttl=64 shows no router on the path.',
          expects: /ttl=64 .*1 received/s,
        },
        {
          types: 'gangway network disconnect back ann && gangway exec ann ping -c 1 -W .3 172.19.0.2',
          shows: /received/,
          proves: 'After the disconnect, ann does not reach bob.',
          expects: /0 received/,
          status: 1,
        },
      ],
    },
    {
      heading: 'An internal network',
      steps: [
        {
          types: 'gangway network create --internal -o com.docker.network.bridge.name=vault0 vault',
          expects: /^[0-9a-f]{64}\n$/,
        },
        { types: 'gangway run -d --name dan --network vault sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'gangway exec dan ping -c 1 203.0.113.2',
          proves: 'dan has no route to the world.',
          expects: /Network is unreachable/,
          status: 2,
        },
        {
          says: 'Add such a route. Processes in the container may not do this, but root of the host can:',
          types:
            'nsenter --net="$(gangway inspect -f "{{.NetworkSettings.SandboxKey}}" dan)" ip route add default via 172.21.0.1',
        },
        {
          types: 'gangway exec dan ping -c 1 -W .3 203.0.113.2',
          shows: /received/,
          proves: 'The firewall also drops the packets: an internal network has no element in "leaving".',
          expects: /0 received/,
          status: 1,
        },
        {
          types: 'gangway exec ann ping -c 1 203.0.113.2',
          shows: /received/,
          proves: 'From network front, the same ping succeeds.',
          expects: /1 received/,
        },
      ],
    },
    {
      heading: 'Across hosts',
      steps: [
        {
          says: 'Docker has the driver overlay for networks across hosts, which encapsulates frames in UDP. gangway does not support overlay yet, and rejects it without a change.',
          types: 'gangway network create -d overlay everywhere',
          proves: 'gangway rejects the command with the reason.',
          expects: /overlay networks are not there yet/,
          status: 1,
        },
      ],
    },
    end('gangway rm -f ann bob cid dan eve && gangway network rm front back open vault && gangway gc'),
  ],
  docker:
    '`docker network create` takes the same options and creates the same bridges (br-…). Older versions separate networks with two chains, DOCKER-ISOLATION-STAGE-1 and -2, newer versions with a drop rule for each bridge. gangway has one constant ruleset, and an element for each network.',
  sources: ['src/networks/bridge.ts', 'src/networks/default-route.ts', 'src/firewall/nftables/ruleset.nft'],
};
