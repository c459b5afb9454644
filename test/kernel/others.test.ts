// What others do to the machine while containers live, and what it does to them.
//
//     world 203.0.113.2 ══ 203.0.113.1 host ── gangway0, one0, two0 ── web
//
// Links are deleted, forwarding is turned off, packets are held to the way they came; the disk is full, and what watches
// a container is killed.
import test from 'ava';
import { withGangway } from '../support/gangway.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { withStory } from '../support/story-lab.ts';

const bridge = (name: string) => ['-o', `com.docker.network.bridge.name=${name}`];

test('a bridge that somebody has deleted is made again for the next container, and who was on it can be stopped', (t) =>
  withStory(t, {}, async (story) => {
    await story.run('network', 'create', ...bridge('one0'), 'one');
    await story.run('run', '-d', '--name', 'orphan', '--network', 'one', 'sleep', '1000');
    await story.sh('ip link delete one0');
    const web = await story.start('--name', 'web', '--network', 'one', '-p', '8080:80', ...answers(80));
    await untilAnswering(story, web, 80);
    t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:8080']), ['203.0.113.2']);
    await story.run('stop', '--time', '0', 'orphan');
    await story.run('start', 'orphan');
    t.is((await story.exec(['exec', 'orphan', 'ping', '-qc1', '-W5', 'web'])).exitCode, 0);
  }));

test('forwarding that somebody has turned off is turned on for the next container', (t) =>
  withStory(t, {}, async (story) => {
    await story.start('--name', 'one', 'sleep', '1000');
    await story.sh('sysctl -qw net.ipv4.ip_forward=0');
    const two = await story.start('--name', 'two', 'sleep', '1000');
    t.is(await story.sysctl('host', 'net.ipv4.ip_forward'), '1');
    t.is((await story.inside(two, 'ping -qc1 -W5 203.0.113.2')).exitCode, 0);
    await story.run('rm', '-f', 'one', 'two');
    t.is(await story.sysctl('host', 'net.ipv4.ip_forward'), '0');
  }));

test('a strict rp_filter ends no connection when another network becomes the way out', (t) =>
  withStory(t, {}, async (story) => {
    await story.sh('sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1');
    await story.run('network', 'create', ...bridge('one0'), 'one');
    await story.run('network', 'create', ...bridge('two0'), 'two');
    const echo = ['socat', 'TCP-LISTEN:7,fork,reuseaddr', 'PIPE'];
    const web = await story.start('--name', 'web', '--network', 'one', '-p', '7007:7', ...echo);
    await untilAnswering(story, web, 7);
    const client = story.lab.world.spawn(['socat', '-t', '10', '-', 'TCP:203.0.113.1:7007']);
    client.stdin.write('before\n');
    await client.waitForOutput(/before/);
    await story.run('network', 'connect', '--gw-priority', '10', 'two', 'web');
    const [way] = await story.ip(web, 'route', 'show', 'default');
    t.is(way?.dev, 'eth1');
    client.stdin.write('after\n');
    await client.waitForOutput(/after/);
    await client.kill();
    t.is(await story.sysctl('host', 'net.ipv4.conf.all.rp_filter'), '1', 'elsewhere it is as strict as it was');
  }));

test('on a full disk containers are disconnected, killed, stopped and removed', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.sh('mkdir -p /var/lib/gangway; mount -t tmpfs -o size=256k tmpfs /var/lib/gangway');
    await gangway.run('network', 'create', 'one');
    for (const name of ['web', 'other'])
      await gangway.run('run', '-d', '--name', name, '--network', 'one', 'sleep', '1000');
    await gangway.sh('cat /dev/zero >/var/lib/gangway/full 2>/dev/null || :');
    const refused = await gangway.exec(['run', '-d', '--name', 'third', 'true']);
    t.is(refused.exitCode, 125);
    t.regex(refused.stderr, /^gangway: no space left below /, 'the control');
    await gangway.run('network', 'disconnect', 'one', 'web');
    t.is(await gangway.run('inspect', '-f', '{{len .NetworkSettings.Networks}}', 'web'), '0');
    t.is(await gangway.run('stop', '--time', '0', 'web'), 'web');
    t.is(await gangway.run('kill', 'other'), 'other');
    t.is(await gangway.run('ps', '-q'), '');
    t.is(await gangway.run('rm', 'web', 'other'), 'web\nother');
    t.is(await gangway.run('network', 'rm', 'one'), 'one');
    t.is(await gangway.run('ps', '-aq'), '');
  }));

test('a network goes with what the dead have left in it, and not while somebody lives there unwatched', (t) =>
  withGangway(t, async (gangway) => {
    const leads = 'nft list map inet gangway ports4 | grep -o "10[.]80[.]0[.]2" || :';
    await gangway.run('network', 'create', '--subnet', '10.80.0.0/24', 'front');
    const web = ['--name', 'web', '--network', 'front', '-p', '8080:80', 'sleep', '1000'];
    const id = await gangway.run('run', '-d', ...web);
    await gangway.sh('kill -9 $(pgrep conmon)');
    t.regex((await gangway.exec(['network', 'rm', 'front'])).stderr, /network front is in use by web/);
    await gangway.sh('kill -9 "$(cat "/run/gangway/containers/$1/pid")"', id);
    t.is(await gangway.sh(leads), '10.80.0.2', 'the control');
    t.is(await gangway.run('network', 'rm', 'front'), 'front');
    t.is(await gangway.sh(leads), '');
    t.regex(await gangway.run('ps', '-a'), /Exited \(unknown\).* web/);
  }));
