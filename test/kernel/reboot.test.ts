// After a reboot the kernel has forgotten everything, and the records on the disk have not.
//
//     before     web  10.80.0.9 ── own0 ── host:8080         reboot: processes, links, namespaces and rules are gone,
//     after      next 10.80.0.9 ── own0 ── host:8080         /run is empty, the boot has another id
//
//     world 203.0.113.2 asks 203.0.113.1:8080
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { type Gangway, quiet, withGangway } from '../support/gangway.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { withStory } from '../support/story-lab.ts';

const server = 'require("node:http").createServer((_, answer) => answer.end()).listen(80)';
const subnet = ['--subnet', '10.80.0.0/24', '-o', 'com.docker.network.bridge.name=own0'];

const reboot = `
kill -9 $(pgrep -f '[_]switchboard' || :) $(pgrep conmon || :) $(cat /run/gangway/containers/*/pid 2>/dev/null || :) || :
for pin in $(ls /run/netns | grep '^gangway-' || :); do ip netns delete "$pin"; done
for link in $(ip -br link show type bridge | cut -d' ' -f1); do ip link delete "$link"; done
nft flush ruleset
sysctl -qw net.ipv4.ip_forward=0
until find /sys/fs/cgroup -depth -path '*/gangway/*' -type d -exec rmdir {} + 2>/run/busy; do sleep 0.05; done
rm /run/busy
rm -rf /run/gangway
echo 4f1c2f3e-0000-4000-8000-000000000001 >/run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id`;

async function links(gangway: Gangway): Promise<readonly string[]> {
  const rows = JSON.parse(await gangway.sh('ip -j link')) as readonly { readonly ifname: string }[];
  return rows.map(({ ifname }) => ifname);
}

test('what ran before a reboot holds nothing, and its removal takes nothing from whom it belongs to now', async (t) => {
  await withStory(t, {}, async (story) => {
    const place = ['--network', 'mine', '--ip', '10.80.0.9', '-p', '8080:80', process.execPath, '-e', server];
    const ask = ['curl', '-sS', '--max-time', '2', `http://${story.lab.host.addresses.v4}:8080/`];
    await story.run('network', 'create', ...subnet, 'mine');
    await story.start('--name', 'web', ...place);
    await story.lab.world.waitFor(ask);
    t.regex((await story.exec(['run', '--rm', ...place])).stderr, /10\.80\.0\.9 is in use/, 'the control');
    await story.sh(reboot);
    t.not((await story.lab.world.exec(ask)).exitCode, 0);
    const before = await quiet(() => story.state());
    t.is(await story.run('network', 'ls', '--filter', 'dangling=true', '--format', '{{.Name}}'), 'mine');
    t.is(await story.run('port', 'web'), '');

    await story.start('--name', 'next', ...place);
    await story.lab.world.waitFor(ask);
    const rules = await story.sh('nft -s list ruleset');
    t.regex(rules, /8080/);
    await story.run('rm', 'web');
    t.is(await story.sh('nft -s list ruleset'), rules);
    await story.lab.world.run(ask);

    await story.run('rm', '-f', 'next');
    t.is(await story.sysctl('host', 'net.ipv4.ip_forward'), '0');
    await story.run('network', 'rm', 'mine');
    await story.run('gc');
    t.deepEqual(
      (await story.state()).filter((thing) => !before.includes(thing)),
      [],
    );
  });
});

test('a container from before a reboot starts again, with its address and its port', async (t) => {
  await withStory(t, {}, async (story) => {
    const ask = ['curl', '-sS', '--max-time', '2', `http://${story.lab.host.addresses.v4}:8080/`];
    await story.start('--name', 'web', '-p', '8080:80', process.execPath, '-e', server);
    await story.sh(reboot);
    await story.run('start', 'web');
    await story.lab.world.waitFor(ask);
    t.is(await story.run('inspect', '--format', '{{.NetworkSettings.Networks.bridge.IPAddress}}', 'web'), '172.17.0.2');
    await story.run('rm', '-f', 'web');
    await story.run('gc');
    t.false((await links(story)).includes('gangway0'));
  });
});

test('what can’t start after a reboot says why, and starts when it can', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.sh('mkdir /run/lost');
    const lost = ['--name', 'lost', '--restart', 'always', '--network', 'none', '-v', '/run/lost:/lost'];
    await gangway.run('run', '-d', ...lost, 'sleep', '1000');
    await gangway.sh(reboot);
    await gangway.sh('rmdir /run/lost');
    const failed = await gangway.exec(['_booted']);
    t.is(failed.exitCode, 1);
    t.regex(failed.stderr, /container lost did not start: .*\/run\/lost/);
    t.regex(await gangway.run('inspect', '-f', '{{.State.Status}} {{.State.Error}}', 'lost'), /^exited .*\/run\/lost/);
    await gangway.sh('mkdir /run/lost');
    await gangway.run('_booted');
    t.is(await gangway.run('inspect', '-f', '{{.State.Status}} {{.State.Error}}', 'lost'), 'running');
    await gangway.run('rm', '-f', 'lost');
    await gangway.sh('rmdir /run/lost');
  });
});

test('what its policy could not start again starts after the next boot', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.sh('mkdir /run/lost');
    const lost = ['--name', 'lost', '--restart', 'unless-stopped', '--network', 'none', '-v', '/run/lost:/lost'];
    await gangway.run('run', '-d', ...lost, 'sleep', '1000');
    await gangway.sh('rmdir /run/lost; kill -KILL $(cat /run/gangway/containers/*/pid)');
    const state = () => gangway.run('inspect', '-f', '{{.State.Status}} {{.State.Error}}', 'lost');
    await waitFor('it can’t start', async () => /^exited .*\/run\/lost/.test(await state()));
    await gangway.sh('mkdir /run/lost');
    await gangway.sh(reboot);
    await gangway.run('_booted');
    t.is(await state(), 'running');
    await gangway.run('rm', '-f', 'lost');
    await gangway.sh('rmdir /run/lost');
  });
});

test('a bridge that the machine has made since is left alone when the network of that name is removed', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('network', 'create', ...subnet, 'mine');
    await gangway.run('network', 'create', 'other');
    await gangway.sh(reboot);
    t.false((await links(gangway)).includes('own0'));
    await gangway.sh('ip link add own0 type bridge');
    const before = await links(gangway);
    t.regex(
      (await gangway.exec(['run', '--rm', '--network', 'mine', 'true'])).stderr,
      /mine can't have bridge own0: .*; delete it/,
    );
    await gangway.run('network', 'rm', 'mine', 'other');
    t.deepEqual(await links(gangway), before);
  });
});

test('a parent that the machine has made since is used as it is found, and stays', async (t) => {
  await withGangway(t, async (gangway) => {
    // A veth stands for the VLAN, which not every kernel has; the record is that of a network that made one.
    await gangway.sh('ip link add up0.10 type veth peer name far; ip link set up0.10 up');
    await gangway.run('network', 'create', '-d', 'macvlan', '-o', 'parent=up0.10', '--subnet', '10.81.0.0/24', 'lane');
    const parent = '{"kind":"vlan","link":"up0.10","trunk":"up0","id":10}';
    const step = '{"kind":"vlan","in":"host","name":"up0.10","parent":"up0","id":10,"why":""}';
    const record = '/var/lib/gangway/networks/*.json';
    await gangway.sh(
      `sed -i 's/"parent":{[^}]*}/"parent":${parent}/; s/"steps":\\[\\]/"steps":[${step}]/' ${record}; grep -q '"trunk":.*"steps":.{"kind":"vlan"' ${record}`,
    );
    await gangway.sh(reboot);
    const before = await links(gangway);
    t.regex(
      await gangway.run('run', '--rm', '--network', 'lane', 'ip', '-br', 'address', 'show', 'eth0'),
      /10\.81\.0\.\d+\/24/,
    );
    await gangway.run('network', 'rm', 'lane');
    t.deepEqual(await links(gangway), before);
  });
});

/** How others save all rules, and load them when the machine starts. */
const restorations = {
  nftables: { save: 'nft list ruleset >/run/rules', restore: 'nft -f /run/rules' },
  iptables: {
    save: 'iptables-save >/run/rules; ip6tables-save >/run/rules6; nft list table bridge gangway >/run/guard',
    restore: 'iptables-restore /run/rules; ip6tables-restore /run/rules6; nft -f /run/guard',
  },
} as const;

for (const [backend, { save, restore }] of Object.entries(restorations))
  for (const [next, options] of [
    ['by itself', []],
    ['with the other back end', [`--firewall-backend=${backend === 'nftables' ? 'iptables' : 'nftables'}`]],
  ] as const)
    test(`of rules of ${backend} that somebody saved and loaded again nothing stays where gangway begins ${next}`, async (t) => {
      await withStory(t, {}, async (story) => {
        const published = ['tcp 203.0.113.1:8080'];
        await story.run(`--firewall-backend=${backend}`, 'network', 'create', 'mine');
        const web = await story.start('--name', 'web', '-p', '8080:80', ...answers(80));
        await untilAnswering(story, web, 80);
        t.deepEqual(await ask(story, 'world', published), ['203.0.113.2'], 'the control');
        await story.sh(save);
        await story.sh(reboot);
        await story.sh(restore);
        const stale = 'nft list ruleset | grep -e 8080 -e veth || :';
        t.not(await story.sh(stale), '', 'the control');
        t.regex(await story.run('explain', ...options, 'run', '-d', 'true'), /delete table bridge gangway/);

        await story.run(...options, 'network', 'create', 'other');
        t.is(await story.sh(stale), '');
        const { namespace, id } = await story.start('--name', 'next', ...answers(80));
        await untilAnswering(story, { namespace }, 80);
        t.is(await story.run('inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', id), '172.17.0.2');
        t.deepEqual(await ask(story, 'world', published), ['refused']);
        await story.sh('nft flush ruleset');
        t.regex((await story.exec(['run', '--rm', 'true'])).stderr, /somebody had taken rules .*: they are back/);
        t.not(await story.sh('nft list ruleset | grep GANGWAY-USER || :'), '');
      });
    });

for (const [backend, { save, restore }] of Object.entries(restorations))
  test(`rules of ${backend} of another boot go also where a link that they trust is a bridge, whatever a file of the owner’s says`, async (t) => {
    await withStory(t, {}, async (story) => {
      const trust = 'com.docker.network.bridge.trusted_host_interfaces=lan0';
      await story.sh('ip link add lan0 type bridge');
      await story.run(`--firewall-backend=${backend}`, 'network', 'create', '-o', trust, 'mine');
      await story.start('--name', 'web', '--network', 'mine', '-p', '8080:80', 'sleep', '1000');
      await story.sh(save);
      await story.sh(reboot);
      await story.sh(restore);
      await story.sh('ip link add lan0 type bridge; iptables -N OTHERS');
      await story.sh('echo frop | tee /etc/gangway/user.nft >/etc/gangway/user.rules; chmod 666 /etc/gangway/user.*');
      const stale = 'nft list ruleset | grep -e 8080 -e lan0 || :';
      t.regex(await story.sh(stale), /lan0/, 'the control');
      const { stderr } = await story.exec(['network', 'create', 'other']);
      t.regex(stderr, /insecure permissions on .*user\..*: only root may write to it/, 'ours can’t come');
      t.is(await story.sh(stale), '');
      await story.sh('rm /etc/gangway/user.*');
    });
  });
