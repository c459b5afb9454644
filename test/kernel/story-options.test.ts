// What a bridge network's options do, asked of ip and of who is on the other side; each beside a network without them.
//
//      world 203.0.113.2 ---- up0 203.0.113.1, .9  host ---- a bridge a network ---- containers 10.N.0.2, fd00:N::2
//            2001:db8:f::2        2001:db8:f::1                                      that answer on 80 and 8080
//
// The world has a way to all of them by the host: only the rules may close it.
import test, { type ExecutionContext } from 'ava';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { type Container, type Story, withStory } from '../support/story-lab.ts';

const bridge = 'com.docker.network.bridge';

async function open(t: ExecutionContext, body: (story: Story) => Promise<void>): Promise<void> {
  await withStory(t, {}, async (story) => {
    await story.sh('ip address add 203.0.113.9/32 dev up0');
    await story.lab.world.run(['ip', 'route', 'add', '10.0.0.0/8', 'via', '203.0.113.1']);
    await story.lab.world.run(['ip', '-6', 'route', 'add', 'fd00::/16', 'via', '2001:db8:f::1']);
    await body(story);
  });
}

/** A network of this number, of both families. */
async function create(story: Story, number: number, options: readonly string[], flags: readonly string[] = []) {
  const subnets = ['--subnet', `10.${number}.0.0/24`, '--subnet', `fd00:${number}::/64`];
  const words = options.flatMap((option) => ['-o', option]);
  const id = await story.run('network', 'create', ...subnets, ...words, ...flags, `n${number}`);
  return `br-${id.slice(0, 12)}`;
}

async function serve(story: Story, number: number, ...options: readonly string[]): Promise<Container> {
  const container = await story.start('--network', `n${number}`, ...options, ...answers(80, 8080));
  await untilAnswering(story, container, 80);
  return container;
}

test('names, MTU and addresses of links', async (t) => {
  await open(t, async (story) => {
    const named = [`${bridge}.name=mybr0`, 'com.docker.network.driver.mtu=1400'];
    await create(story, 1, [...named, 'com.docker.network.container_iface_prefix=net', `${bridge}.inhibit_ipv4=true`]);
    const plain = await create(story, 2, []);
    const container = await story.start('--network', 'n1', '--network', 'n2', 'sleep', '1000');
    const links = (await story.ip(container, 'link')).map(({ ifname, mtu }) => `${ifname} ${mtu}`);
    t.deepEqual(links.slice(1), ['net0 1400', 'eth0 1500']);
    t.is((await story.ip('host', 'link', 'show', 'mybr0'))[0]?.mtu, 1400);
    t.is((await story.ip('host', 'link', 'show', 'master', 'mybr0'))[0]?.mtu, 1400);
    t.deepEqual(await story.ip('host', '-4', 'address', 'show', 'mybr0'), [], 'inhibit_ipv4');
    t.is((await story.ip('host', '-4', 'address', 'show', plain))[0]?.addr_info[0].local, '10.2.0.1', 'control');
    await story.run('network', 'create', '-o', 'com.docker.network.enable_ipv6=true', 'both');
    const both = await story.start('--network', 'both', 'sleep', '1000');
    t.is((await story.ip(both, '-6', 'address', 'show', 'dev', 'eth0', 'scope', 'global')).length, 1);
    await create(story, 3, [], ['--aux-address', 'DefaultGatewayIPv4=10.3.0.99']);
    const led = await story.start('--network', 'n3', 'sleep', '1000');
    t.is((await story.ip(led, '-4', 'route', 'show', 'default'))[0]?.gateway, '10.3.0.99');
  });
});

test('under which address the world sees them', async (t) => {
  await open(t, async (story) => {
    await story.lab.world.serve();
    await create(story, 1, ['com.docker.network.host_ipv4=203.0.113.9']);
    await create(story, 2, [`${bridge}.enable_ip_masquerade=false`]);
    await create(story, 3, []);
    await create(story, 4, [], ['--internal']);
    const seen = [];
    for (const number of [1, 2, 3]) {
      const container = await story.start('--network', `n${number}`, 'sleep', '1000');
      seen.push((await story.inside(container, 'curl -s -m 5 http://203.0.113.2/')).stdout.trim());
    }
    t.deepEqual(seen, ['203.0.113.9', '10.2.0.2', '203.0.113.1']);
    const internal = await story.start('--network', 'n4', 'sleep', '1000');
    t.regex((await story.inside(internal, 'ping -c1 203.0.113.2 2>&1 || :')).stdout, /unreachable/);
  });
});

test('siblings that may not talk, but by published ports', async (t) => {
  await open(t, async (story) => {
    await create(story, 1, [`${bridge}.enable_icc=false`]);
    await create(story, 2, []);
    for (const [number, direct] of [
      [1, /^(silence|EHOSTUNREACH)$/],
      [2, /^10\.2\.0\.3$/],
    ] as const) {
      await serve(story, number, '-p', `808${number}:80`);
      const sibling = await story.start('--network', `n${number}`, 'sleep', '1000');
      const targets = [`tcp 10.${number}.0.2:80`, `tcp 203.0.113.1:808${number}`];
      const [own, published] = await ask(story, sibling, targets);
      t.regex(own ?? '', direct, `network ${number}`);
      t.is(published, `10.${number}.0.1`);
    }
  });
});

const closed = 'silence silence - silence silence -';
const world = { 4: '203.0.113.2', 6: '2001:db8:f::2' };

/** By a direct route from the world, in IPv4 and in IPv6: the published port, another one, a ping. */
const direct: readonly (readonly [options: readonly string[], flags: readonly string[], answers: string])[] = [
  [[], [], closed],
  [['routed'], [], `${world[4]} silence yes ${world[6]} silence yes`],
  [['nat-unprotected'], [], `${world[4]} ${world[4]} yes ${world[6]} ${world[6]} yes`],
  [[], ['--internal'], closed],
  [['isolated'], ['--internal'], closed],
  [[`${bridge}.trusted_host_interfaces=up0`], [], `${world[4]} silence - ${world[6]} silence -`],
  [[`${bridge}.trusted_host_interfaces=lo`], [], closed],
];

const policies = {
  'no other table': 'true',
  'a table that accepts first':
    'nft "add table inet other; add chain inet other f { type filter hook forward priority -10; policy accept; }; add rule inet other f accept"',
};

test('who is reached by a direct route, in each gateway mode, whatever another table accepts', async (t) => {
  await open(t, async (story) => {
    for (const [index, [words, flags]] of direct.entries()) {
      const options = words.flatMap((word) =>
        word.includes('=') ? [word] : [4, 6].map((family) => `${bridge}.gateway_mode_ipv${family}=${word}`),
      );
      const link = await create(story, index + 1, options, flags);
      await serve(story, index + 1, '-p', `${9001 + index}:80`);
      // Where the machine has no place, it has a way all the same.
      if (words.includes('isolated')) await story.sh(`ip route add 10.${index + 1}.0.0/24 dev ${link}`);
    }
    for (const [policy, script] of Object.entries(policies)) {
      await story.sh(script);
      t.deepEqual(
        await Promise.all(direct.map((_, index) => reach(story, index + 1))),
        direct.map(([, , answer]) => answer),
        policy,
      );
    }
  });
});

async function reach(story: Story, number: number): Promise<string> {
  const hosts = [`10.${number}.0.2`, `[fd00:${number}::2]`];
  const targets = hosts.flatMap((host) => [80, 8080].map((port) => `tcp ${host}:${port}`));
  const ping = async (host: string) => {
    const words = ['ping', '-c1', '-W1', host.replace(/[[\]]/g, '')];
    return (await story.lab.world.exec(words)).exitCode === 0 ? 'yes' : '-';
  };
  const [said, four, six] = [await ask(story, 'world', targets), ...(await Promise.all(hosts.map(ping)))];
  const answers = quiet(said);
  return [...answers.slice(0, 2), four, ...answers.slice(2), six].join(' ');
}

/** From a container of one network to the host's port and to the container's own ports, published and not, of others. */
const between: readonly (readonly [from: number, to: number, answers: string])[] = [
  [5, 1, '10.1.0.1 silence silence'],
  [5, 2, 'refused 10.2.0.1 silence'],
  [5, 3, '10.3.0.1 10.3.0.1 10.3.0.1'],
  [5, 4, 'refused silence silence'],
  [6, 1, '10.6.0.2 silence silence'],
  [6, 2, 'refused 10.6.0.2 silence'],
  [6, 3, '10.6.0.2 10.6.0.2 10.6.0.2'],
  [6, 4, 'refused silence silence'],
  [7, 1, 'silence silence silence'],
  [7, 3, 'silence silence silence'],
];

test('from one network to another: published ports by the host, and who is open by itself', async (t) => {
  await open(t, async (story) => {
    const mode = (word: string) => [`${bridge}.gateway_mode_ipv4=${word}`];
    const targets = [mode('nat'), mode('routed'), mode('nat-unprotected'), []];
    for (const [index, options] of targets.entries()) {
      await create(story, index + 1, options, index === 3 ? ['--internal'] : []);
      await serve(story, index + 1, '-p', `${9001 + index}:80`);
    }
    const askers = new Map<number, Container>();
    for (const [number, options, flags] of [
      [5, [], []],
      [6, mode('routed'), []],
      [7, [], ['--internal']],
    ] as const) {
      await create(story, number, options, flags);
      askers.set(number, await story.start('--network', `n${number}`, 'sleep', '1000'));
    }
    const rows = between.map(async ([from, to]) => {
      const asked = [`203.0.113.1:${9000 + to}`, `10.${to}.0.2:80`, `10.${to}.0.2:8080`];
      const origin = askers.get(from) ?? 'host';
      return quiet(
        await ask(
          story,
          origin,
          asked.map((target) => `tcp ${target}`),
        ),
      ).join(' ');
    });
    t.deepEqual(
      await Promise.all(rows),
      between.map(([, , answers]) => answers),
    );
  });
});

/** Behind a closed port not even the MAC may be learned; without a route there is nobody to ask. */
function quiet(said: readonly string[]): readonly string[] {
  return said.map((answer) => (/^E(HOST|NET)UNREACH$/.test(answer) ? 'silence' : answer));
}
