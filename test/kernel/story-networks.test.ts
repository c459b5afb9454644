// Networks of one's own.
//
//      world 203.0.113.2 ---- host 203.0.113.1 ---- br-… (front) 172.18.0.1 ---- web
//                                        \                                    /
//                                         +------- br-… (back)  172.19.0.1 ---+---- db
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { gangway, refused, type Story, withStory } from '../support/story-lab.ts';

/** What `ip` tells inside a container, as JSON. */
async function inside(story: Story, name: string, words: string): Promise<unknown> {
  return JSON.parse(await gangway(story, `exec ${name} ip -j ${words}`));
}

async function addresses(story: Story, name: string): Promise<readonly string[]> {
  const links = (await inside(story, name, 'address')) as { ifname: string; addr_info: { local: string }[] }[];
  return links.filter(({ ifname }) => ifname !== 'lo').map((link) => `${link.ifname} ${link.addr_info[0]?.local}`);
}

async function wayOut(story: Story, name: string): Promise<string> {
  const [route] = (await inside(story, name, 'route show default')) as { gateway: string; dev: string }[];
  return route === undefined ? 'none' : `${route.gateway} ${route.dev}`;
}

async function ownLines(story: Story, name: string): Promise<readonly string[]> {
  const lines = (await gangway(story, `exec ${name} cat /etc/hosts`)).split('\n');
  return lines.filter((line) => line.startsWith('172.')).map((line) => line.split('\t')[0] ?? '');
}

test('a network is made, used, listed and removed, and leaves nothing', async (t) => {
  await withStory(t, {}, async (story) => {
    const before = await story.lab.leftovers();
    const id = await gangway(story, 'network create --label tier=back --subnet 10.7.0.0/24 back');
    t.regex(id, /^[0-9a-f]{64}$/);
    const bridge = JSON.parse(await story.sh(`ip -j -d address show br-${id.slice(0, 12)}`))[0];
    t.is(bridge.linkinfo.info_kind, 'bridge');
    t.is(bridge.addr_info[0].local, '10.7.0.1');
    t.regex(await gangway(story, 'network ls --filter driver=bridge'), new RegExp(`${id.slice(0, 12)} +back +bridge`));
    await gangway(story, 'run -d --name db --network back --ip 10.7.0.77 sleep 1000');
    t.deepEqual(await addresses(story, 'db'), ['eth0 10.7.0.77']);
    const [shown] = JSON.parse(await gangway(story, 'network inspect back'));
    t.is(shown.Labels.tier, 'back');
    t.deepEqual(
      Object.values(shown.Containers as object).map(({ Name, IPv4Address }) => [Name, IPv4Address]),
      [['db', '10.7.0.77/24']],
    );
    t.regex(await refused(story, 'network rm back'), /^1 .*in use by db/);
    await gangway(story, 'rm -f db');
    t.is(await gangway(story, 'network rm back'), 'back');
    await gangway(story, 'gc');
    await waitFor('nothing is left', async () => {
      const kept = /gangway(\/|$)|\/run\/netns|cgroup|process cat|\/run\/mount/;
      const left = (await story.lab.leftovers()).filter((thing) => !before.includes(thing) && !kept.test(thing));
      return left.length === 0;
    });
    t.pass();
  });
});

test('connect and disconnect: links, the way out, published ports and hosts follow, and flows to others go on', async (t) => {
  await withStory(t, {}, async (story) => {
    await gangway(story, 'network create mm');
    await gangway(story, 'network create zz');
    await gangway(story, 'network create aa');
    await gangway(story, 'run -d --name web --network mm -p 8080:80 sleep 1000');
    t.deepEqual(await addresses(story, 'web'), ['eth0 172.18.0.2']);
    const target = () => story.sh('nft -j list map inet gangway ports4');
    t.regex(await target(), /172\.18\.0\.2/);
    await gangway(story, 'network connect zz web');
    t.deepEqual(await addresses(story, 'web'), ['eth0 172.18.0.2', 'eth1 172.19.0.2']);
    t.is(await wayOut(story, 'web'), '172.18.0.1 eth0', 'mm comes before zz');
    await gangway(story, 'network connect aa web');
    t.is(await wayOut(story, 'web'), '172.20.0.1 eth2', 'aa comes before mm');
    t.regex(await target(), /172\.20\.0\.2/, 'published ports go where the way out goes');
    t.deepEqual(await ownLines(story, 'web'), ['172.18.0.2', '172.19.0.2', '172.20.0.2']);
    await gangway(story, 'network disconnect aa web');
    t.is(await wayOut(story, 'web'), '172.18.0.1 eth0');
    t.regex(await target(), /172\.18\.0\.2/);
    t.deepEqual(await ownLines(story, 'web'), ['172.18.0.2', '172.19.0.2']);
    t.regex(await refused(story, 'network connect zz web'), /^1 .*connected to network zz already/);
    t.regex(await refused(story, 'network disconnect aa web'), /^1 .*not connected to network aa/);
    await gangway(story, 'network disconnect mm web');
    await gangway(story, 'network disconnect zz web');
    t.deepEqual(await addresses(story, 'web'), []);
    t.is(await wayOut(story, 'web'), 'none');
    t.is((await story.sh('cat /proc/sys/net/ipv4/ip_forward')).trim(), '0', 'nobody needs a router any more');
    await gangway(story, 'network connect --ip 172.18.0.9 mm web');
    t.is(await wayOut(story, 'web'), '172.18.0.1 eth0');
    await gangway(story, 'restart -t 0 web');
    t.deepEqual(await addresses(story, 'web'), ['eth0 172.18.0.9'], 'it starts as it was connected');
    t.regex(await target(), /172\.18\.0\.9/);
  });
});

test('a network by its id is the network by its name', async (t) => {
  await withStory(t, {}, async (story) => {
    const id = await gangway(story, 'network create front');
    await gangway(story, 'network create back');
    const short = id.slice(0, 12);
    await gangway(story, `run -d --name web --network ${short} sleep 1000`);
    t.regex(await refused(story, 'network connect front web'), /^1 .*connected to network front already/);
    t.deepEqual(await addresses(story, 'web'), ['eth0 172.18.0.2']);
    t.is(await gangway(story, 'inspect -f {{.HostConfig.NetworkMode}} web'), short, 'as it was typed');
    await gangway(story, 'network disconnect front web');
    t.deepEqual(await addresses(story, 'web'), []);
    t.regex(await refused(story, `run --network front --network ${id} true`), /^125 .*front is given more than once/);

    const bridge = await gangway(story, 'network ls -q --no-trunc --filter name=bridge');
    await gangway(story, `run -d --name plain --network ${bridge.slice(0, 12)} sleep 1000`);
    t.is(await gangway(story, 'network inspect -f {{.Id}} bridge'), bridge, 'before it was needed, and since');
    t.regex(
      await refused(story, `run --network ${bridge} --network back true`),
      /^125 .*bridge excludes every other network/,
    );
    t.regex(
      await refused(story, `run --network ${bridge} --network-alias db true`),
      /^125 .*not to be had on the default bridge/,
    );
    t.regex(
      await refused(story, `network connect --alias db ${bridge} web`),
      /^1 .*not to be had on the default bridge/,
    );
    t.deepEqual(await addresses(story, 'web'), []);
  });
});

test('a network says where its ports are bound', async (t) => {
  await withStory(t, {}, async (story) => {
    await gangway(story, 'network create -o com.docker.network.bridge.host_binding_ipv4=127.0.0.1 near');
    await gangway(story, 'run -d --name web --network near -p 8087:80 -p 0.0.0.0:8088:80 sleep 1000');
    t.is(await gangway(story, 'port web'), '80/tcp -> 0.0.0.0:8088\n80/tcp -> 127.0.0.1:8087');
    t.regex(await story.sh('ss -lnt'), /127\.0\.0\.1:8087/);
  });
});

test('joined: the same stack and the same files; who stays behind has lo', async (t) => {
  await withStory(t, {}, async (story) => {
    await gangway(story, 'network create front');
    await gangway(story, 'run -d --name web --network front --hostname box sleep 1000');
    await gangway(story, 'run -d --name side --network container:web sleep 1000');
    const stack = 'exec NAME readlink /proc/self/ns/net';
    t.is(await gangway(story, stack.replace('NAME', 'side')), await gangway(story, stack.replace('NAME', 'web')));
    t.is(await gangway(story, 'exec side hostname'), 'box');
    t.deepEqual(await ownLines(story, 'side'), ['172.18.0.2']);
    t.regex(await refused(story, 'network connect front side'), /^1 .*lives in the stack of another/);
    await gangway(story, 'stop -t 0 web');
    await waitFor('it has lo alone', async () => (await addresses(story, 'side')).length === 0);
    t.regex(await refused(story, 'run --network container:web true'), /^125 .*not running/);
    const abandoned = /^125 .*cannot join .* of container side: it lives in that of web, which has ended since/;
    t.regex(await refused(story, 'run --network container:side true'), abandoned);
    await gangway(story, 'start web');
    t.regex(await refused(story, 'run --network container:side true'), abandoned, 'the new stack is not side’s');
    await gangway(story, 'restart -t 0 side');
    t.deepEqual(await addresses(story, 'side'), await addresses(story, 'web'), 'it joins the new stack');
  });
});

test('whose stack it is does not depend on the clock', async (t) => {
  await withStory(t, {}, async (story) => {
    const { id } = await story.start('--name', 'web', '--network', 'none', 'sleep', '1000');
    // As if somebody had set the clock between the starts.
    const began = (year: string) =>
      story.sh(`sed -i 's/"startedAt":"..../"startedAt":"'"$1"/g "$2"`, year, `/var/lib/gangway/containers/${id}.json`);
    await began('2999');
    t.regex(await story.run('inspect', '-f', '{{.State.StartedAt}}', 'web'), /^2999/, 'the control');
    await gangway(story, 'run -d --name side --network container:web sleep 1000');
    await gangway(story, 'run --rm --network container:side true');
    await gangway(story, 'restart -t 0 web');
    await began('1999');
    t.regex(await refused(story, 'run --rm --network container:side true'), /^125 .*web, which has ended since/);
  });
});

test('both families, and IPv6 alone', async (t) => {
  await withStory(t, {}, async (story) => {
    await gangway(story, 'network create --ipv6 both');
    await gangway(story, 'network create --ipv4=false --ipv6 --subnet fd00:7::/64 six');
    await gangway(story, 'run -d --name one --network both sleep 1000');
    await gangway(story, 'run -d --name two --network both sleep 1000');
    await gangway(story, 'run -d --name three --network six sleep 1000');
    const [six] = (await inside(story, 'two', '-6 address show dev eth0 scope global')) as {
      addr_info: { local: string }[];
    }[];
    const address = six?.addr_info[0]?.local ?? '';
    t.regex(address, /^fd/);
    t.regex(await gangway(story, `exec one ping -6 -c 1 -W 5 ${address}`), /1 received/);
    t.regex(await gangway(story, 'exec three ping -6 -c 1 -W 5 fd00:7::1'), /1 received/);
    t.deepEqual(await inside(story, 'three', '-4 address show dev eth0'), []);
    t.regex(
      await story.sh('ip neigh flush dev up0; ping -6 -c 1 -W 5 2001:db8:f::2'),
      /1 received/,
      'the machine’s own IPv6 goes on',
    );
    await gangway(story, 'network connect six one');
    t.regex(await gangway(story, 'exec one ping -6 -c 1 -W 5 fd00:7::1'), /1 received/);
  });
});

test('an internal network alone makes the machine no router, and shows nothing of it in the family that it lacks', async (t) => {
  await withStory(t, {}, async (story) => {
    const forwards = async () => (await story.sh('cat /proc/sys/net/ipv4/ip_forward')).trim();
    await gangway(story, 'network create --internal vault');
    await gangway(story, 'run -d --name inner --network vault sleep 1000');
    t.is(await forwards(), '0');
    await gangway(story, 'network create --ipv4=false --ipv6 --internal six');
    await gangway(story, 'run -d --name old --network six sleep 1000');
    const shut = 'nft list set inet gangway isolated | grep -o "ipv[46] . \\"br-[^ ]*" | cut -d " " -f 1 | sort';
    t.is((await story.sh(shut)).trim(), 'ipv4\nipv6');
    await gangway(story, 'run -d --name outer sleep 1000');
    t.is(await forwards(), '1', 'control');
    await gangway(story, 'rm -f inner old outer');
    await gangway(story, 'network rm vault six');
  });
});
