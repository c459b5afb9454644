import { type Chapter, end } from './chapter.ts';

export const userDefined: Chapter = {
  name: 'user-defined',
  title: 'user-defined: a network of your own',
  question: 'How are containers kept apart, and let together, group by group?',
  answer:
    'By more switches. Each network that you make is a bridge of its own with addresses of its own. The machine has a place on all of them and could pass packets from one to the other; a firewall rule says that it does not. A container may have a cable into several networks, and can be plugged in and out while it runs.',
  drawing: `
      ann            cid                        bob                     dan
  172.18.0.2     172.18.0.3                 172.19.0.2              172.21.0.2
       |              |                         |                       |
  ====[ front0  172.18.0.1 ]====      ====[ back0 172.19.0.1 ]==   ==[ vault0 ]==
                |            the machine             |                 internal:
                '--------- | not across | -----------'                 no way out
                                 |
                              world`,
  sections: [
    {
      heading: 'The plan',
      says: 'A network’s name is gangway’s affair; what the kernel sees is a bridge. It would be called br- and the beginning of the network’s id; the option lets us choose a readable name.',
      steps: [
        {
          types:
            'gangway explain network create -o com.docker.network.bridge.name=front0 front | grep -E "^(ip|nft .add element)"',
          expects: /add element inet gangway entering \{ ipv4 \. "front0"[\s\S]*^ip link add front0 /m,
        },
      ],
    },
    {
      heading: 'Let it happen',
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
          proves: 'Two switches, each with a range of addresses of its own.',
          expects: /front0 +\w+ +172\.18\.0\.1\/16[\s\S]*back0 +\w+ +172\.19\.0\.1\/16/,
        },
        { types: 'gangway run -d --name ann --network front sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        { types: 'gangway run -d --name cid --network front sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        { types: 'gangway run -d --name bob --network back sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'gangway exec ann ping -c 1 172.18.0.3',
          shows: /bytes from|received/,
          proves: 'ann reaches cid, on the same switch.',
          expects: /ttl=64 .*1 received/s,
        },
      ],
    },
    {
      heading: 'Where it must fail',
      steps: [
        {
          says: 'bob is in the other network. Does the machine know a way to him? The mark is that of packets that the firewall has seen; without it none comes near a container.',
          types: 'ip route get 172.19.0.2 from 172.18.0.2 iif front0 mark 0x10000000',
          proves: 'It does: a packet of ann’s to bob would leave by back0.',
          expects: /^172\.19\.0\.2 from 172\.18\.0\.2 dev back0/,
        },
        {
          types: 'gangway exec ann ping -c 1 -W .3 172.19.0.2',
          shows: /received/,
          proves: 'Still it does not arrive.',
          expects: /0 received/,
          status: 1,
        },
        {
          says: 'Because of one element: what is about to enter back0 is judged by the rules "enter_nat", which let in answers and published ports, and beyond that what the network was told to trust, here nothing.',
          types: 'nft list map inet gangway entering; nft list chain inet gangway enter_nat',
          shows: /front0|back0|accept|drop/,
          proves: 'It has counted ann’s ping, and the last line of enter_nat drops it.',
          expects: /ipv4 \. "back0" counter packets 1 bytes 84 : goto enter_nat[\s\S]*drop comment/,
        },
        {
          says: 'Does it? In the mode "nat-unprotected" a network is judged by rules that let everything in. All else is equal:',
          types:
            'gangway network create -o com.docker.network.bridge.gateway_mode_ipv4=nat-unprotected -o com.docker.network.bridge.name=open0 open',
          expects: /^[0-9a-f]{64}\n$/,
        },
        { types: 'gangway run -d --name eve --network open sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'gangway exec ann ping -c 1 172.20.0.2',
          shows: /bytes from|received/,
          proves: 'ann reaches eve across the two networks; ttl=63 says that one router, the machine, was on the way.',
          expects: /ttl=63 .*1 received/s,
        },
      ],
    },
    {
      heading: 'A second cable, while it runs',
      drawing: `
ann   eth0 172.18.0.2 === front0
      eth1 172.19.0.3 === back0 === 172.19.0.2 bob`,
      steps: [
        { types: 'gangway network connect back ann' },
        {
          types: 'gangway exec ann ip -brief -4 address',
          proves: 'ann has an eth1 now, without having been started again.',
          expects: /eth0@\S+ +UP +172\.18\.0\.2\/16[\s\S]*eth1@\S+ +UP +172\.19\.0\.3\/16/,
        },
        {
          types: 'gangway exec ann ping -c 1 172.19.0.2',
          shows: /bytes from|received/,
          proves: 'She reaches bob over a cable of her own; ttl=64, no router.',
          expects: /ttl=64 .*1 received/s,
        },
        {
          types: 'gangway network disconnect back ann && gangway exec ann ping -c 1 -W .3 172.19.0.2',
          shows: /received/,
          proves: 'Unplugged again, she does not.',
          expects: /0 received/,
          status: 1,
        },
      ],
    },
    {
      heading: 'A network without a way out',
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
          says: 'Suppose that he had one. Nobody inside may add it, but the machine’s root may, from outside:',
          types:
            'nsenter --net="$(gangway inspect -f "{{.NetworkSettings.SandboxKey}}" dan)" ip route add default via 172.21.0.1',
        },
        {
          types: 'gangway exec dan ping -c 1 -W .3 203.0.113.2',
          shows: /received/,
          proves: 'The firewall holds as well: an internal network has no element in "leaving", so nothing leaves.',
          expects: /0 received/,
          status: 1,
        },
        {
          types: 'gangway exec ann ping -c 1 203.0.113.2',
          shows: /received/,
          proves: 'From the network front, the same ping gets there.',
          expects: /1 received/,
        },
      ],
    },
    {
      heading: 'Over several machines',
      steps: [
        {
          says: 'Docker has a driver for a network that spans machines: overlay, which wraps frames into UDP. gangway knows it by name and has none yet; it says so and makes nothing.',
          types: 'gangway network create -d overlay everywhere',
          proves: 'Refused, with the reason.',
          expects: /overlay networks are not there yet/,
          status: 1,
        },
      ],
    },
    end('gangway rm -f ann bob cid dan eve && gangway network rm front back open vault && gangway gc'),
  ],
  docker:
    '`docker network create` takes the same options and makes the same bridges (br-…). Older versions kept them apart with two chains, DOCKER-ISOLATION-STAGE-1 and -2, newer ones with a drop at the entry of each; gangway has one fixed set of rules, and an element for each network.',
  sources: ['src/networks/bridge.ts', 'src/networks/default-route.ts', 'src/firewall/nftables/ruleset.nft'],
};
