/** Dangerous arguments, and access by local users. Topology: siege.ts */
import { quiet } from '../support/gangway.ts';
import { backends } from './backends.ts';
import { besiege, type Siege } from './siege.ts';

const layout = {
  outside: ['world'],
  networks: { front: { number: 1 } },
  containers: { 'front.a': ['-e', 'SECRET=sesame'] },
};

const trace = '/run/pwned';

/** Names with a special meaning for a shell, nft, iptables-restore, a file system, or an option parser. */
const names = {
  shell: `$(touch ${trace})`,
  rule: 'x" }; flush ruleset; add table inet pwned; #',
  line: 'x -j ACCEPT\n-F',
  path: '../../../run/pwned',
  up: '..',
  option: '--help=x',
  space: 'x y',
  long: 'x'.repeat(300),
};

/** Commands with a name as argument. */
const places: Readonly<Record<string, (name: string) => readonly string[]>> = {
  'a network': (name) => ['network', 'create', '--', name],
  'a bridge': (name) => ['network', 'create', '-o', `com.docker.network.bridge.name=${name}`, 'fine'],
  'a prefix of links': (name) => [
    'network',
    'create',
    '-o',
    `com.docker.network.container_iface_prefix=${name}`,
    'fine',
  ],
  'a parent': (name) => ['network', 'create', '-d', 'macvlan', '-o', `parent=${name}`, 'fine'],
  'a trusted link': (name) => [
    'network',
    'create',
    '-o',
    `com.docker.network.bridge.trusted_host_interfaces=${name}`,
    'fine',
  ],
  'a container': (name) => ['run', '-d', `--name=${name}`, 'sleep', 'infinity'],
  'a hostname': (name) => ['run', '-d', `--hostname=${name}`, 'sleep', 'infinity'],
  'an alias': (name) => ['run', '-d', '--network=front', `--network-alias=${name}`, 'sleep', 'infinity'],
  'a link’s name': (name) => [
    'run',
    '-d',
    `--network=name=front,driver-opt=com.docker.network.endpoint.ifname=${name}`,
    'sleep',
    'infinity',
  ],
  'a setting': (name) => ['run', '-d', `--sysctl=net.ipv4.conf.${name}=1`, 'sleep', 'infinity'],
  'a container to remove': (name) => ['rm', '--', name],
  'a network to remove': (name) => ['network', 'rm', '--', name],
};

async function accepted(siege: Siege, words: readonly string[]): Promise<boolean> {
  return (await siege.exec([`--firewall-backend=${siege.backend}`, ...words])).exitCode === 0;
}

for (const backend of backends) {
  const attack = besiege(backend, layout);

  attack('treats a name only as a name', async (t, siege) => {
    // Control: in a script or path, the same name is a command, a rule, a file.
    await siege.sh(`ip link show "${names.shell}" 2>/dev/null || :; rm ${trace}`);
    const script = `add table inet naive; add set inet naive links { type ifname; }; add element inet naive links { "${names.rule}" }\n`;
    await siege.disarmed(async () => {
      await siege.at('host').run(['nft', '-f', '-'], script);
      t.regex(await siege.sh('nft list tables'), /inet pwned/, 'control');
    });
    await siege.sh(`mkdir -p /run/naive/networks; touch "/run/naive/networks/${names.path}"; rm ${trace}`);

    const before = await quiet(() => siege.state());
    for (const [kind, name] of Object.entries(names)) {
      const taken = await Promise.all(
        Object.entries(places).map(async ([place, words]) => ((await accepted(siege, words(name))) ? [place] : [])),
      );
      t.deepEqual(taken.flat(), [], kind);
    }
    t.is(await siege.sh(`ls ${trace} 2>/dev/null || :`), '');
    await siege.settlesAt(t, before);
  });

  attack('denies a local user access to secrets and commands', async (t, siege) => {
    const as = (user: string, ...argv: readonly string[]) =>
      siege.lab.host.exec(['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--', ...argv]);
    const { id } = siege.container('front.a');
    await siege.gangway(
      'run',
      '-d',
      '--name',
      'lean',
      '--isolation=network',
      '-e',
      'SECRET=sesame',
      'sleep',
      'infinity',
    );
    // A user may know paths in an unreadable directory, and may read the arguments of all processes.
    const files = await siege.sh('find /run/gangway /var/lib/gangway -type f; ls -d /proc/[0-9]*/cmdline');
    const read = 'for file do ! grep -qs "ses[a]me" "$file" || echo "$file"; done';
    const secrets = ['sh', '-c', read, 'sh', ...files.split('\n')] as const;
    const orders: readonly (readonly string[])[] = [
      [
        process.execPath,
        '-e',
        `require('net').connect('/run/gangway/switchboard.sock').on('connect', () => process.exit(0)).on('error', () => process.exit(1))`,
      ],
      ['nsenter', `--net=/run/netns/gangway-${id.slice(0, 12)}`, 'true'],
      ['flock', '-n', '/run/gangway/lock', 'true'],
      ['sh', '-c', 'ls /var/lib/gangway/containers'],
      ['sh', '-c', `ls /var/lib/gangway/containers/${id}/log`],
      ['sh', '-c', `echo >>/run/gangway/events`],
    ];
    await siege.gangway('publish', 'front.a', '7300:80');
    t.regex(
      (await as('0', ...secrets)).stdout,
      /config\.json\n[\s\S]*environment\n/,
      'control: it is there to be read',
    );
    t.is((await as('65534', ...secrets)).stdout, '');
    await siege.gangway('rm', '-f', 'lean');
    for (const order of orders) {
      t.is((await as('0', ...order)).exitCode, 0, `control: ${order.join(' ')}`);
      t.not((await as('65534', ...order)).exitCode, 0, order.join(' '));
    }
    await siege.gangway('unpublish', 'front.a', '80');
  });
}
