import { type Chapter, end } from './chapter.ts';

export const joined: Chapter = {
  name: 'joined',
  title: 'joined: two containers, one network',
  question: 'Can two containers share a network and nothing else?',
  answer:
    'A namespace belongs to nobody in particular; any number of processes may live in it. So a second container can move into the first one’s: same addresses, same ports, same 127.0.0.1, but files and processes of its own. That is how a helper watches, serves or guards another container; Kubernetes builds its pods so.',
  drawing: `
   web (files, processes)    helper (files, processes)        ann
  +------------------------------------------------+     +------------+
  |  one network: lo 127.0.0.1, eth0 172.17.0.2    |     | 172.17.0.3 |
  +------------------------|-----------------------+     +-----|------+
                 =========[ gangway0  172.17.0.1 ]=============='`,
  sections: [
    {
      heading: 'The plan',
      steps: [
        {
          says: 'web serves at its own 127.0.0.1 alone, as programs do that trust whoever can speak to them.',
          types: 'gangway run -d --name web node -e "$diary"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          says: 'What would be done for one that joins? No namespace is made, no cable, no address:',
          types: 'gangway explain run -d --name helper --network container:web sleep infinity | grep -c "^ip "',
          proves: 'No line begins with "ip".',
          expects: /^0\n$/,
          status: 1,
        },
      ],
    },
    {
      heading: 'Let it happen',
      steps: [
        {
          types: 'gangway run -d --name helper --network container:web sleep infinity',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'gangway exec web readlink /proc/self/ns/net; gangway exec helper readlink /proc/self/ns/net',
          proves: 'The two are in the same network namespace.',
          expects: /^(net:\[\d+\])\n\1\n$/,
        },
        {
          types: 'gangway exec web readlink /proc/self/ns/mnt; gangway exec helper readlink /proc/self/ns/mnt',
          proves: 'They are not in the same mount namespace: their files are their own.',
          expects: /^(mnt:\[\d+\])\n(?!\1)mnt:\[\d+\]\n$/,
        },
        {
          types: 'gangway exec helper ip -brief -4 address show eth0',
          proves: 'helper has web’s address.',
          expects: /172\.17\.0\.2\/16/,
        },
      ],
    },
    {
      heading: 'A packet’s way',
      drawing: `
helper: curl 127.0.0.1:9000  -->  lo of the one namespace  -->  web's socket`,
      steps: [
        {
          types: 'gangway exec helper curl -s http://127.0.0.1:9000/',
          patiently: true,
          proves: 'helper reaches what web serves at 127.0.0.1.',
          expects: /dear diary/,
        },
      ],
    },
    {
      heading: 'Where it must fail',
      steps: [
        { types: 'gangway run -d --name ann sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          says: 'ann has not joined. She is plugged into the same switch as web, by a cable of her own:',
          types: 'gangway exec ann ping -c 1 172.17.0.2',
          shows: /received/,
          proves: 'She reaches web’s address.',
          expects: /1 received/,
        },
        {
          types: 'gangway exec ann curl -s http://172.17.0.2:9000/',
          proves: 'What web serves to itself, she does not reach.',
          expects: /^$/,
          status: 7,
        },
        {
          says: 'Whoever shares a network shares its ports:',
          types: 'gangway exec helper node -e "$diary"',
          shows: /Error: listen/,
          proves: 'helper can’t have port 9000; web has it.',
          expects: /EADDRINUSE/,
          status: 1,
        },
        {
          says: 'And ports are published where the network was made:',
          types: 'gangway run -d -p 8080:80 --network container:web sleep infinity',
          shows: /^gangway/,
          proves: 'A port of helper’s own is refused.',
          expects: /conflicts with --network container:web/,
          status: 125,
        },
      ],
    },
    end('gangway rm -f helper ann web && gangway gc'),
  ],
  docker:
    '`--network container:NAME` is Docker’s own option, with the same conflicts. As there, the helper keeps the namespace alive when web ends, but web started again gets a new one.',
  sources: ['src/networks/sandbox.ts', 'src/engine/sandbox/sandbox.ts'],
};
