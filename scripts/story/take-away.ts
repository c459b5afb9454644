import { type Chapter, end } from './chapter.ts';

export const takeAway: Chapter = {
  name: 'take-away',
  title: 'take-away: nothing is left',
  question: 'How does a machine get clean again?',
  answer:
    'Each record holds the very steps that made its object; they are undone in the opposite order. The switch and the rules stay for the next container, until somebody asks what nobody owns.',
  drawing: `
made:    rules -> switch -> namespace -> cable -> address -> route -> port -> process
undone:  process -> port -> namespace (with it route, address, cable);  gc: switch -> rules`,
  sections: [
    {
      heading: 'Something to take away',
      steps: [
        { types: 'gangway network create -o com.docker.network.bridge.name=front0 front', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'gangway run -d --name web --network front -p 8080:80 node -e "$server"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        { types: 'gangway run -d --name ann sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'ls /sys/class/net; ip netns list | wc -l; nft list tables',
          proves: 'Two switches, two cables, three named namespaces and two tables.',
          expects: /front0\ngangway0\nlo\nup0\nveth\w+\nveth\w+\n3\ntable inet gangway\ntable bridge gangway\n$/,
        },
      ],
    },
    {
      heading: 'A process ends by itself',
      steps: [
        {
          says: 'Somebody kills the process itself, and asks nobody:',
          types: 'kill -KILL "$(gangway inspect -f "{{.State.Pid}}" ann)"; gangway wait ann',
          proves: 'gangway knows of it: 137 is 128 and SIGKILL’s 9.',
          expects: /^137\n$/,
        },
        {
          types: 'ls /sys/class/net; ip netns list | wc -l',
          patiently: true,
          proves: 'Its cable and its namespace have gone with it.',
          expects: /^front0\ngangway0\nlo\nup0\nveth\w+\n2\n$/,
        },
      ],
    },
    {
      heading: 'Not while it is needed',
      steps: [
        {
          types: 'gangway network rm front',
          proves: 'A network that has a container in it is not removed.',
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
          proves: 'gc says what nobody owned any more.',
          expects: /gangway0[\s\S]*inet gangway/,
        },
        {
          types: 'ls /sys/class/net; ip netns list | wc -l',
          patiently: true,
          proves: 'No switch, no cable, no namespace but that of "world".',
          expects: /^lo\nup0\n1\n$/,
        },
        {
          types: 'nft list tables; sysctl net.ipv4.ip_forward',
          proves: 'No table, and the machine forwards no more.',
          expects: /^net\.ipv4\.ip_forward = 0\n$/,
        },
        {
          types: 'find /var/lib/gangway /run/gangway -type f -name "*.json"',
          proves: 'No record of a container or a network.',
          expects: /^$/,
        },
        {
          types: 'ps -e -o comm= | grep -c conmon',
          proves: 'No process: conmon, which watches over a container, is gone with it.',
          expects: /^0\n$/,
          status: 1,
        },
      ],
    },
    end('gangway gc'),
  ],
  docker:
    'Docker keeps a daemon that knows all this; when dockerd is killed, rules and links stay as they are until it comes back. Here the records and the kernel are all there is.',
  sources: ['src/engine/container/teardown.ts', 'src/engine/gc/collect.ts', 'src/plan/undo.ts'],
};
