// What may be said of a container's plug in a network, in `run --network name=…` and in `network connect`.
//
//      world 203.0.113.2 ---- host 203.0.113.1 ---- br-… (a) 10.1.0.1, fd00:1::1 ---- web
//                                        \                                         /
//                                         +------- br-… (b) 10.2.0.1 -------------+---- db
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { skipUnless } from '../support/skip.ts';
import { type Container, type Row, type Story, withStory } from '../support/story-lab.ts';

const sleep = ['sleep', '1000'];
const endpoint = 'driver-opt=com.docker.network.endpoint';

/** Both networks: a has both families. */
async function open(t: ExecutionContext, body: (story: Story) => Promise<void>): Promise<void> {
  await withStory(t, {}, async (story) => {
    await story.run('network', 'create', '--subnet', '10.1.0.0/24', '--subnet', 'fd00:1::/64', 'a');
    await story.run('network', 'create', '--subnet', '10.2.0.0/24', 'b');
    await body(story);
  });
}

/** As it is, once the kernel has made up its mind about the bridges' own link-local addresses. */
async function settled(story: Story) {
  await waitFor('no address is tentative', async () => {
    const links = await story.ip('host', '-6', 'address', 'show', 'tentative');
    return links.every(({ addr_info = [] }) => addr_info.length === 0);
  });
  return await story.state();
}

/** `eth0 10.1.0.2/24`, for each address of each link but lo. */
async function addresses(story: Story, container: Container): Promise<readonly string[]> {
  const links = await story.ip(container, 'address');
  return links
    .filter(({ ifname }) => ifname !== 'lo')
    .flatMap(({ ifname, addr_info }) =>
      addr_info
        .filter(({ protocol }: Row) => protocol !== 'kernel_ll')
        .map((row: Row) => `${ifname} ${row.local}/${row.prefixlen}`),
    );
}

async function ways(story: Story, container: Container): Promise<readonly string[]> {
  const routes = [
    ...(await story.ip(container, '-4', 'route', 'show', 'default')),
    ...(await story.ip(container, '-6', 'route', 'show', 'default')),
  ];
  return routes.map(({ gateway, dev }) => `${gateway} ${dev}`);
}

test('addresses, MACs and names of links are what was asked for, also after a restart', async (t) => {
  await open(t, async (story) => {
    const web = await story.start(
      ...['--name', 'web', '--network', `NAME=a,IP=10.1.0.77,ip6=fd00:1::77,mac-address=02:00:00:00:00:77,alias=w`],
      ...['--network', `name=b,${endpoint}.ifname=wan0,link-local-ip=169.254.7.7`],
      ...sleep,
    );
    const wanted = ['eth0 10.1.0.77/24', 'eth0 fd00:1::77/64', 'wan0 10.2.0.2/24', 'wan0 169.254.7.7/16'];
    t.deepEqual(await addresses(story, web), wanted);
    const mac = async () => (await story.ip(web, 'link', 'show', 'dev', 'eth0'))[0]?.address;
    t.is(await mac(), '02:00:00:00:00:77');
    const db = await story.start('--name', 'db', '--network', 'b', '--link-local-ip', '169.254.7.8', ...sleep);
    t.is((await story.inside(db, 'ping -c1 -W5 169.254.7.7')).exitCode, 0);
    await story.run('restart', '-t', '0', 'web');
    t.deepEqual(
      (await addresses(story, web)).map((line) => line.replace('10.2.0.4', '10.2.0.2')),
      wanted,
    );
    t.is(await mac(), '02:00:00:00:00:77');
  });
});

test('settings of a link: made before it is up, in run and in connect, and an unknown one is no container', async (t) => {
  await open(t, async (story) => {
    const martians = `"${endpoint}.sysctls=net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.accept_ra=0"`;
    const web = await story.start('--name', 'web', '--network', `name=a,${martians}`, ...sleep);
    t.is(await story.sysctl(web, 'net.ipv4.conf.eth0.log_martians'), '1');
    t.is(await story.sysctl(web, 'net.ipv6.conf.eth0.accept_ra'), '0');
    const option = 'com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.arp_ignore=2';
    await story.run('network', 'connect', '--driver-opt', option, 'b', 'web');
    t.is(await story.sysctl(web, 'net.ipv4.conf.eth1.arp_ignore'), '2');
    t.is(await story.sysctl(web, 'net.ipv4.conf.eth0.arp_ignore'), '0', 'control: of that link alone');
    const before = await settled(story);
    const unknown = `name=a,${endpoint}.sysctls=net.ipv4.conf.IFNAME.nope=1`;
    const { exitCode, stderr } = await story.exec(['run', '--rm', '--network', unknown, 'true']);
    t.is(exitCode, 125);
    t.regex(stderr, /net\/ipv4\/conf\/eth0\/nope to 1: ENOENT: there is no such setting/);
    await story.settlesAt(t, before);
  });
});

test('the way out is that of the highest priority, each family by itself, whatever is connected when', async (t) => {
  await open(t, async (story) => {
    const web = await story.start(
      ...['--name', 'web', '--network', 'name=a,gw-priority=1', '--network', 'name=b,gw-priority=2', ...sleep],
    );
    t.deepEqual(await ways(story, web), ['10.2.0.1 eth1', 'fd00:1::1 eth0']);
    await story.run('network', 'create', '--subnet', '10.3.0.0/24', 'c');
    await story.run('network', 'connect', '--gw-priority', '-1', 'c', 'web');
    t.deepEqual(await ways(story, web), ['10.2.0.1 eth1', 'fd00:1::1 eth0']);
    await story.run('network', 'disconnect', 'c', 'web');
    await story.run('network', 'connect', '--gw-priority=3', 'c', 'web');
    t.deepEqual(await ways(story, web), ['10.3.0.1 eth2', 'fd00:1::1 eth0']);
  });
});

test('a link’s number steps aside for a name that somebody chose', async (t) => {
  await open(t, async (story) => {
    const web = await story.start('--network', 'a', '--network', `name=b,${endpoint}.ifname=eth0`, ...sleep);
    t.deepEqual(await addresses(story, web), ['eth1 10.1.0.2/24', 'eth1 fd00:1::2/64', 'eth0 10.2.0.2/24']);
  });
});

test('what a plug can’t have is refused, and nothing is left of it', async (t) => {
  await open(t, async (story) => {
    await story.start(
      '--name',
      'web',
      '--network',
      'a',
      '--ip',
      '10.1.0.9',
      '--link-local-ip',
      '169.254.7.7',
      ...sleep,
    );
    const run = (options: string) => ['run', '--rm', ...options.split(' '), 'true'];
    const connect = (options: string) => ['network', 'connect', ...options.split(' '), 'b', 'web'];
    const before = await settled(story);
    for (const [words, exitCode, says] of [
      [run('--network name=a,ip=10.1.0.9'), 125, /10\.1\.0\.9 is in use/],
      [run('--network name=a,link-local-ip=169.254.7.7'), 125, /169\.254\.7\.7 is in use/],
      [run('--network name=a,ip=10.1.0.1'), 125, /10\.1\.0\.1 is the gateway of 10\.1\.0\.0\/24/],
      [
        run('--network name=a,ip=10.9.0.1'),
        125,
        /10\.9\.0\.1 is in no subnet of network a; choose one in 10\.1\.0\.0\/24 and/,
      ],
      [run('--network name=b,ip6=fd00:1::9'), 125, /fd00:1::9 is in no subnet of network b/],
      [run('--network name=b,link-local-ip=fe80::9'), 125, /fe80::9 is IPv6, which network b doesn't have/],
      [run('--network name=b,link-local-ip=224.0.0.1'), 125, /224\.0\.0\.1/],
      [run(`--network name=a,${endpoint}.ifname=x0 --network name=b,${endpoint}.ifname=x0`), 125, /link x0/],
      [run(`--network name=a,${endpoint}.ifname=lo`), 125, /"lo"/],
      [run(`--network name=a,${endpoint}.ifname=a/b`), 125, /"a\/b"/],
      [run('--network a --network a'), 125, /network a is given more than once/],
      [run('--network a --network host'), 125, /host excludes every other/],
      [run('--network name=a,ip=10.1.0.8 --ip 10.1.0.8'), 125, /--ip and --network a say the same thing/],
      [run('--network name=a,gw-priority=high'), 125, /"high"/],
      [run('--network name=a,mac-address=01:00:5e:00:00:01'), 125, /multicast/],
      [run('--network name=a,foo=1'), 125, /no key "foo"/],
      [connect('--ip 10.9.0.1'), 1, /10\.9\.0\.1 is in no subnet of network b/],
      [connect('--ip 10.2.0.256'), 1, /"10\.2\.0\.256"/],
      [connect('--ip6 fd00:1::9'), 1, /fd00:1::9/],
      [connect('--driver-opt com.docker.network.endpoint.ifname=eth0'), 1, /link eth0/],
      [connect('--driver-opt foo=1'), 125, /no driver option "foo"/],
      [connect('--mac-address zz'), 1, /"zz" is no MAC address/],
      [connect('--gw-priority high'), 125, /"high"/],
      [connect('--link-local-ip fe80::9'), 1, /fe80::9 is IPv6/],
    ] as const) {
      const { exitCode: status, stderr } = await story.exec(words);
      t.is(status, exitCode, `${words.join(' ')}: ${stderr}`);
      t.regex(stderr, says);
    }
    await story.settlesAt(t, before);
  });
});

test('who has its parent’s MAC can’t have one of its own', async (t) => {
  await withStory(t, {}, async (story) => {
    const options = ['-d', 'macvlan', '-o', 'parent=up0', '-o', 'macvlan_mode=passthru', '--subnet', '10.9.0.0/24'];
    const made = await story.exec(['network', 'create', ...options, 'wire']);
    if (skipUnless(t, made.exitCode === 0 ? undefined : made.stderr)) return;
    const words = ['run', '--rm', '--network', 'name=wire,mac-address=02:00:00:00:00:01', 'true'];
    const { exitCode, stderr } = await story.exec(words);
    t.is(exitCode, 125);
    t.regex(stderr, /network wire can't have MAC 02:00:00:00:00:01: it has that of up0/);
  });
});
