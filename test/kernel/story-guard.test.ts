// What the guard knows of containers, and what becomes of who pretends to be another one.
//
//      world 203.0.113.2 ---- host 203.0.113.1 ---- br-… (a) 10.1.0.1, fd00:1::1 ---- web, db
//                                        \                                           /
//                                         +------- br-… (b) 10.2.0.1 ---------------+
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { type Container, type Row, refused, type Story, withStory } from '../support/story-lab.ts';

const sleep = ['sleep', '1000'];

async function open(t: ExecutionContext, body: (story: Story) => Promise<void>): Promise<void> {
  await withStory(t, {}, async (story) => {
    await story.run('network', 'create', '--subnet', '10.1.0.0/24', '--subnet', 'fd00:1::/64', 'a');
    await story.run('network', 'create', '--subnet', '10.2.0.0/24', 'b');
    await body(story);
  });
}

/** What nft lists of the guard: `eth0 MAC ADDRESS`, by the name that the plug has in its container. */
async function known(story: Story, ...containers: readonly Container[]): Promise<readonly string[]> {
  const names = new Map<string, string>();
  const plugs = await story.ip('host', 'link');
  for (const container of containers)
    for (const { ifname, link_index } of await story.ip(container, 'link', 'show', 'type', 'veth'))
      names.set(plugs.find(({ ifindex }) => ifindex === link_index)?.ifname, ifname);
  const listed = JSON.parse(await story.sh('nft -j list table bridge gangway')) as {
    readonly nftables: readonly {
      readonly set?: { readonly elem?: readonly (string | { readonly concat: readonly string[] })[] };
    }[];
  };
  const elements = listed.nftables.flatMap(({ set }) => set?.elem ?? []);
  const words = elements.map((element) => (typeof element === 'string' ? [element] : element.concat));
  return words.map(([plug = '', ...rest]) => [names.get(plug) ?? plug, ...rest].join(' ')).sort();
}

/** Does a ping come back? */
async function reaches(story: Story, from: Container, words: string): Promise<boolean> {
  return (await story.inside(from, `ping -q -c1 -W1 ${words}`)).exitCode === 0;
}

async function neighbour(story: Story, container: Container, address: string): Promise<string> {
  const [entry] = await story.ip(container, 'neigh', 'show', 'to', address);
  return entry?.lladdr;
}

test('the guard knows what a container was given, and forgets it with the container', async (t) => {
  await open(t, async (story) => {
    const web = await story.start(
      ...['--name', 'web', '--network', 'name=a,ip=10.1.0.77,ip6=fd00:1::77,mac-address=02:00:00:00:00:77'],
      ...['--network', 'name=b,link-local-ip=169.254.7.7'],
      ...sleep,
    );
    const [first, second] = ['02:00:00:00:00:77', '02:42:0a:02:00:02'];
    const both = [
      'eth0',
      `eth0 ${first}`,
      `eth0 ${first} 10.1.0.77`,
      `eth0 ${first} 10.2.0.2`,
      `eth0 ${first} fd00:1::77`,
      `eth0 ${first} fe80::ff:fe00:77`,
      'eth1',
      `eth1 ${second}`,
      `eth1 ${second} 10.1.0.77`,
      `eth1 ${second} 10.2.0.2`,
      `eth1 ${second} 169.254.7.7`,
    ];
    t.deepEqual(await known(story, web), both);
    await story.run('network', 'disconnect', 'b', 'web');
    const one = both.filter((line) => line.startsWith('eth0') && !line.endsWith(' 10.2.0.2'));
    t.deepEqual(await known(story, web), one, 'its address in the other network, too, is no longer its own');
    await story.run('network', 'connect', '--ip', '10.2.0.2', '--link-local-ip', '169.254.7.7', 'b', 'web');
    t.deepEqual(await known(story, web), both);
    await story.run('stop', '-t', '0', 'web');
    t.deepEqual(await known(story), []);
    await story.run('start', 'web');
    await story.run('rm', '-f', 'web');
    t.deepEqual(await known(story), []);
  });
});

test('who takes the gateway’s or a sibling’s address reaches nobody by it, and nobody believes it', async (t) => {
  await open(t, async (story) => {
    await story.run('network', 'create', '--subnet', '10.3.0.0/24', '-o', 'gangway.guard=false', 'open');
    for (const [network, guarded] of [
      ['a', true],
      ['open', false],
    ] as const) {
      const subnet = network === 'a' ? '10.1.0' : '10.3.0';
      const join = ['--network', network, '--cap-add', 'NET_ADMIN'];
      const [attacker, victim, sibling] = [
        await story.start(...join, ...sleep),
        await story.start(...join, ...sleep),
        await story.start(...join, ...sleep),
      ];
      const mine = `02:42:0a:0${subnet[3]}:00:02`;
      await story.inside(victim, 'sysctl -qw net.ipv4.neigh.eth0.locktime=0');
      t.true(await reaches(story, victim, `${subnet}.1`));
      const gateway = await neighbour(story, victim, `${subnet}.1`);
      t.not(gateway, mine);
      // Gratuitous: `I am the gateway`.
      await story.inside(attacker, `arping -q -c1 -w1 -i eth0 -U -S ${subnet}.1 ${subnet}.1 || :`);
      t.true(await reaches(story, attacker, `${subnet}.3`), 'it may speak in its own name all the while');
      t.is(await neighbour(story, victim, `${subnet}.1`), guarded ? gateway : mine, network);
      await story.inside(sibling, 'ip link set eth0 down');
      await story.inside(attacker, `ip address add ${subnet}.4/32 dev eth0`);
      t.is(await reaches(story, attacker, `-I ${subnet}.4 ${subnet}.3`), !guarded, network);
      t.is(await reaches(story, attacker, `-I ${subnet}.4 203.0.113.2`), !guarded, network);
    }
  });
});

/** A switchboard would put back what is taken. */
const leaveAlone = "kill -KILL $(pgrep -f '[_]switchboard')";

test('a container in two networks answers on one what has come by the other', async (t) => {
  await open(t, async (story) => {
    await story.start(...['--name', 'web', '--network', 'name=a,gw-priority=1', '--network', 'b'], ...sleep);
    // From an address that is on neither of its wires.
    t.is(await story.sh('ping -q -c1 -W1 -I 203.0.113.1 10.2.0.2 >/dev/null && echo yes'), 'yes');
    await story.sh(`${leaveAlone}; nft flush set bridge gangway addresses4`);
    t.is(await story.sh('ping -q -c1 -W1 -I 203.0.113.1 10.2.0.2 >/dev/null || echo no'), 'no', 'control');
  });
});

test('link-local addresses are found and asked', async (t) => {
  await open(t, async (story) => {
    const [one, two] = [await story.start('--network', 'a', ...sleep), await story.start('--network', 'a', ...sleep)];
    const local = async (container: Container) => {
      const [plug] = await story.ip(container, '-6', 'address', 'show', 'dev', 'eth0', 'scope', 'link');
      const rows: readonly Row[] = plug?.addr_info ?? [];
      return rows.find(({ local, tentative }) => local !== undefined && !tentative)?.local as string | undefined;
    };
    await waitFor(
      'both are sure of theirs',
      async () => (await local(one)) !== undefined && (await local(two)) !== undefined,
    );
    t.true(await reaches(story, one, `${await local(two)}%eth0`));
    t.true(await reaches(story, one, 'ff02::1%eth0'));
  });
});

test('after a flush the next container brings back what the guard knows of all', async (t) => {
  await open(t, async (story) => {
    const one = await story.start('--network', 'a', ...sleep);
    const before = await known(story, one);
    t.is(before.length, 5);
    await story.sh(`${leaveAlone}; nft flush ruleset`);
    t.is(await story.sh('nft list ruleset | wc -l'), '0');
    const two = await story.start('--network', 'b', ...sleep);
    t.deepEqual(
      (await known(story, one)).filter((line) => line.startsWith('eth0')),
      before,
    );
    t.is((await known(story, one, two)).length, before.length + 3);
  });
});

test('what the guard knows of a container whose record is lost, gc takes away', async (t) => {
  await open(t, async (story) => {
    const web = await story.start('--network', 'a', ...sleep);
    await story.start('--network', 'b', ...sleep);
    t.is((await known(story)).length, 8);
    await story.sh(`kill -9 ${web.pid}; rm /var/lib/gangway/containers/${web.id}.json`);
    const said = await story.run('gc');
    t.regex(said, /guard element addresses4 \{ "veth[0-9a-f]{7}" \. 02:42:0a:01:00:02 \. 10\.1\.0\.2 \}/);
    t.is((await known(story)).length, 3);
  });
});

test('a network without a guard says so, and has no element', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.run('network', 'create', '-o', 'gangway.guard=false', 'open');
    t.is(await story.run('network', 'inspect', 'open', '-f', '{{json .Options}}'), '{"gangway.guard":"false"}');
    await story.start('--network', 'open', ...sleep);
    t.is(await story.sh('nft list tables'), 'table inet gangway');
    t.regex(await refused(story, 'network create -o gangway.guard=perhaps c'), /gangway\.guard "perhaps"/);
    const web = await story.start(...sleep);
    t.deepEqual(await known(story, web), ['eth0', 'eth0 02:42:ac:11:00:02', 'eth0 02:42:ac:11:00:02 172.17.0.2']);
  });
});

test('where the kernel can’t guard a bridge, a network is refused, and what to do about it is said', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.sh(`
      nft=$(readlink -f "$(command -v nft)")
      cp "$nft" /run/nft
      cat >/run/deaf <<'END'
#!/bin/sh
input=$(cat)
case $input in
  *'table bridge'*) echo 'Error: Could not process rule: Operation not supported' >&2; exit 1 ;;
esac
printf '%s\\n' "$input" | /run/nft "$@"
END
      chmod +x /run/deaf
      mount --bind /run/deaf "$nft"`);
    const before = await story.state();
    const complaint = await refused(story, 'network create a');
    t.regex(complaint, /could not load table bridge gangway: .*not supported/);
    t.regex(complaint, /create the network with `-o gangway\.guard=false`/);
    t.deepEqual(await story.state(), before, 'all is taken back');
    await story.run('network', 'create', '-o', 'gangway.guard=false', 'a');
    await story.start('--network', 'a', ...sleep);
    t.is(await story.sh('/run/nft list tables'), 'table inet gangway');
  });
});

test('the guard of another version of gangway gives way to this one’s, with all that it knew', async (t) => {
  await open(t, async (story) => {
    const web = await story.start('--network', 'a', ...sleep);
    const [before, rules] = [await known(story, web), await story.sh('nft -s list table bridge gangway')];
    await story.sh(`
      sed -i 's/a container is no DHCP server/an older sentence/' /run/gangway/machine.json
      nft add chain bridge gangway of_another_version`);
    await story.run('network', 'create', 'c');
    t.deepEqual(await known(story, web), before);
    t.is(await story.sh('nft -s list table bridge gangway'), rules);
    t.is(await story.sh('grep -c "is no DHCP server" /run/gangway/machine.json'), '1');
  });
});
