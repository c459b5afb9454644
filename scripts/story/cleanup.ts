import { type Chapter, end } from './chapter.ts';

export const cleanup: Chapter = {
  name: 'cleanup',
  title: 'cleanup: removing everything',
  question: 'How does gangway remove all its objects?',
  answer:
    'Each record stores the steps that created its object, and gangway undoes them in reverse order. Bridge and rules stay for the next container, until `gangway gc` removes unused objects.',
  drawing: `
created: rules -> bridge -> namespace -> veth -> address -> route -> port -> process
undone:  process -> port -> namespace (with route, address, veth);  gc: bridge -> rules`,
  sections: [
    {
      heading: 'Create objects',
      steps: [
        { types: 'gangway network create -o com.docker.network.bridge.name=front0 front', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'gangway run -d --name web --network front -p 8080:80 node -e "$server"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        { types: 'gangway run -d --name ann sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'ls /sys/class/net; ip netns list | wc -l; nft list tables',
          proves: 'Two bridges, two veth pairs, three named namespaces and two tables.',
          expects: /front0\ngangway0\nlo\nup0\nveth\w+\nveth\w+\n3\ntable inet gangway\ntable bridge gangway\n$/,
        },
      ],
    },
    {
      heading: 'A process exits by itself',
      steps: [
        {
          says: 'Kill the process itself, without gangway:',
          types: 'kill -KILL "$(gangway inspect -f "{{.State.Pid}}" ann)"; gangway wait ann',
          proves: 'gangway notices the exit: 137 is 128 and SIGKILL’s 9.',
          expects: /^137\n$/,
        },
        {
          types: 'ls /sys/class/net; ip netns list | wc -l',
          patiently: true,
          proves: 'Its veth pair and its namespace are gone.',
          expects: /^front0\ngangway0\nlo\nup0\nveth\w+\n2\n$/,
        },
      ],
    },
    {
      heading: 'A network in use',
      steps: [
        {
          types: 'gangway network rm front',
          proves: 'gangway does not remove a network with a container.',
          expects: /front.*web/,
          status: 1,
        },
      ],
    },
    {
      heading: 'Undo',
      steps: [
        { types: 'gangway rm -f ann web', expects: /^ann\nweb\n$/ },
        { types: 'gangway network rm front', expects: /^front\n$/ },
        {
          types: 'gangway gc',
          proves: 'gc lists the unused objects that it removed.',
          expects: /gangway0[\s\S]*inet gangway/,
        },
        {
          types: 'ls /sys/class/net; ip netns list | wc -l',
          patiently: true,
          proves: 'No bridge, no veth pair, and no namespace except that of "world" are left.',
          expects: /^lo\nup0\n1\n$/,
        },
        {
          types: 'nft list tables; sysctl net.ipv4.ip_forward',
          proves: 'No table is left, and the host does not forward any more.',
          expects: /^net\.ipv4\.ip_forward = 0\n$/,
        },
        {
          types: 'find /var/lib/gangway /run/gangway -type f -name "*.json"',
          proves: 'There are no records of containers or networks.',
          expects: /^$/,
        },
        {
          types: 'ps -e -o comm= | grep -c conmon',
          proves: 'No process is left: conmon, which monitors a container, is gone as well.',
          expects: /^0\n$/,
          status: 1,
        },
      ],
    },
    end('gangway gc'),
  ],
  docker:
    'Docker has a daemon for this state; when dockerd is killed, rules and links stay until it restarts. gangway has only the records and the kernel.',
  sources: ['src/engine/container/teardown.ts', 'src/engine/gc/collect.ts', 'src/plan/undo.ts'],
};
