import { type Chapter, end } from './chapter.ts';

export const joined: Chapter = {
  name: 'joined',
  title: 'joined: two containers in one network namespace',
  question: 'Can two containers share a network and nothing else?',
  answer:
    'Yes: any number of processes can use one namespace. A second container can join the namespace of the first: same addresses, same ports, same 127.0.0.1, but separate files and processes. A helper container can so monitor, serve or protect another container. Kubernetes builds pods this way.',
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
          says: 'Container web serves only its own 127.0.0.1, like programs that trust all local clients.',
          types: 'gangway run -d --name web node -e "$diary"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          says: 'Which changes would a joining container need? It needs no namespace, no veth pair and no address:',
          types: 'gangway explain run -d --name helper --network container:web sleep infinity | grep -c "^ip "',
          proves: 'No line begins with "ip".',
          expects: /^0\n$/,
          status: 1,
        },
      ],
    },
    {
      heading: 'Run it',
      steps: [
        {
          types: 'gangway run -d --name helper --network container:web sleep infinity',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'gangway exec web readlink /proc/self/ns/net; gangway exec helper readlink /proc/self/ns/net',
          proves: 'Both are in the same network namespace.',
          expects: /^(net:\[\d+\])\n\1\n$/,
        },
        {
          types: 'gangway exec web readlink /proc/self/ns/mnt; gangway exec helper readlink /proc/self/ns/mnt',
          proves: 'They are in different mount namespaces: their files are separate.',
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
      heading: 'The path of a packet',
      drawing: `
helper: curl 127.0.0.1:9000  -->  lo of the one namespace  -->  web's socket`,
      steps: [
        {
          types: 'gangway exec helper curl -s http://127.0.0.1:9000/',
          patiently: true,
          proves: 'helper reaches web’s server at 127.0.0.1.',
          expects: /dear diary/,
        },
      ],
    },
    {
      heading: 'What must fail',
      steps: [
        { types: 'gangway run -d --name ann sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          says: 'ann has not joined. She is on the same bridge as web, with her own veth pair:',
          types: 'gangway exec ann ping -c 1 172.17.0.2',
          shows: /received/,
          proves: 'ann reaches web’s address.',
          expects: /1 received/,
        },
        {
          types: 'gangway exec ann curl -s http://172.17.0.2:9000/',
          proves: 'ann does not reach web’s server at 127.0.0.1.',
          expects: /^$/,
          status: 7,
        },
        {
          says: 'Containers that share a namespace share its ports:',
          types: 'gangway exec helper node -e "$diary"',
          shows: /Error: listen/,
          proves: 'helper cannot use port 9000, because web uses it.',
          expects: /EADDRINUSE/,
          status: 1,
        },
        {
          says: 'Only the container that created the namespace can publish ports:',
          types: 'gangway run -d -p 8080:80 --network container:web sleep infinity',
          shows: /^gangway/,
          proves: 'gangway rejects a published port of a joined container.',
          expects: /conflicts with --network container:web/,
          status: 125,
        },
      ],
    },
    end('gangway rm -f helper ann web && gangway gc'),
  ],
  docker:
    '`--network container:NAME` is Docker’s option, with the same conflicts. As in Docker, the helper keeps the namespace alive when web exits, but web gets a new namespace at its next start.',
  sources: ['src/networks/sandbox.ts', 'src/engine/sandbox/sandbox.ts'],
};
