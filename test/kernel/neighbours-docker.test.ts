// Beside Docker: a daemon of its own in the lab, before us and after us.
//
//      web, publishes 8080 to 80, not 81          dw 10.99.0.2, publishes 9090 to 80, not 81
//            |                                         |
//      +-----+----------------- host ------------------+----+          +--------------------+
//      |  gangway0      up0 203.0.113.1           docker0   |---cable--| world 203.0.113.2  |
//      +----------------------------------------------------+          +--------------------+
//
// Docker's rules are compared line by line, in their order, with what they were without us.
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { Docker, lacksDocker } from '../support/dockerd.ts';
import { lacksLegacyIptables } from '../support/legacy-iptables.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';
import { type Container, type Story, withStory } from '../support/story-lab.ts';

/** Rules, chains and policies in their order, but for what is ours, what counts, and tables in which nothing stands. */
async function othersRules(story: Story): Promise<readonly string[]> {
  const text = await story.sh('iptables-save; ip6tables-save');
  return text
    .split('\n')
    .filter((line) => /^[-:]/.test(line) && !/GANGWAY|^:\w+ ACCEPT/.test(line))
    .map((line) => line.replace(/ \[\d+:\d+\]$/, ''));
}

const serving = (story: Story): Promise<Container> => story.start('--name', 'web', '-p', '8080:80', ...answers(80, 81));

const addressOf = async (story: Story, container: Container) => {
  const [link] = await story.ip(container, '-4', 'address', 'show', 'eth0');
  return String(link?.addr_info[0].local);
};

/** What works for both, whoever came first: published ports, and the way out. */
async function bothWork(t: Parameters<typeof skipUnless>[0], story: Story, web: Container, when: string) {
  const inbound = await ask(story, 'world', ['tcp 203.0.113.1:8080', 'tcp 203.0.113.1:9090']);
  t.deepEqual(inbound, ['203.0.113.2', '203.0.113.2'], `${when}: published ports`);
  for (const [name, place] of [
    ['web', web],
    ['dw', { namespace: 'dw' }],
  ] as const)
    t.deepEqual(await ask(story, place, ['tcp 203.0.113.2:80']), ['203.0.113.1'], `${when}: out of ${name}`);
}

test('Docker first: both work, its rules stay as they are, and no network that it makes opens our ports', async (t) => {
  if (skipUnless(t, lacksDocker())) return;
  await withStory(t, {}, async (story) => {
    const docker = new Docker(story);
    story.lab.world.spawn(answers(80));
    await docker.start();
    await docker.makeImage();
    await docker.run('run', '-d', '--name', 'dw', '-p', '9090:80', 'image', 'sleep', '1000');
    const dw = await docker.open('dw');
    const rules = await othersRules(story);
    t.true(rules.includes(':FORWARD DROP'), 'control: Docker closes the machine for all others');

    const web = await serving(story);
    await untilAnswering(story, web, 80);
    const address = await addressOf(story, web);
    t.is(await story.sh('nft list tables | grep -c "inet gangway" || :'), '0', 'our rules stand in iptables');
    await bothWork(t, story, web, 'at first');
    t.deepEqual(await othersRules(story), rules);
    t.deepEqual(await ask(story, dw, [`tcp ${address}:81`]), ['silence'], 'from docker0, a port that is not published');
    const taken = await story.exec(['publish', 'web', '9090:80']);
    t.regex(taken.stderr, /port 0\.0\.0\.0:9090\/tcp is in use by docker-proxy/);
    await t.throwsAsync(docker.run('run', '--rm', '-p', '8080:80', 'image', 'sleep', '0'), { message: /8080/ });

    const order = () => story.sh('iptables -S FORWARD');
    await story.sh("kill -STOP $(pgrep -f '[_]switchboard')");
    await docker.run('network', 'create', '-o', 'com.docker.network.bridge.name=foo0', 'foo');
    await docker.run('run', '-d', '--name', 'dx', '--network', 'foo', '-p', '9191:80', 'image', 'sleep', '1000');
    const dx = await docker.open('dx');
    t.regex(await order(), /-i foo0[\s\S]*GANGWAY-FORWARD/, 'control: Docker’s rules come first');
    t.deepEqual(
      await ask(story, dx, ['tcp 203.0.113.2:80']),
      ['203.0.113.1'],
      'what they accept is none of ours to drop',
    );
    t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:9191']), ['203.0.113.2']);
    await story.sh("kill -CONT $(pgrep -f '[_]switchboard')");
    await waitFor('our rules come first again', async () => /GANGWAY-FORWARD[\s\S]*-i foo0/.test(await order()));
    t.deepEqual(await ask(story, dx, [`tcp ${address}:81`]), ['silence'], 'from foo0');
    await bothWork(t, story, web, 'with another network of Docker');
    await docker.run('rm', '-f', 'dx');
    await docker.run('network', 'rm', 'foo');
    t.deepEqual(await othersRules(story), rules);

    await docker.stop();
    await docker.start();
    await docker.run('start', 'dw');
    await docker.open('dw');
    await waitFor('our rules come first again', async () => /GANGWAY-FORWARD[\s\S]*-i docker0/.test(await order()));
    await bothWork(t, story, web, 'after a restart of dockerd');
    t.deepEqual(await othersRules(story), rules);

    await story.run('rm', '-f', 'web');
    await story.run('gc');
    t.is(await story.sh('iptables-save | grep -c GANGWAY || :'), '0');
    t.deepEqual(await othersRules(story), rules);
    t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:9090']), ['203.0.113.2']);
  });
});

test('Docker later: the firewall moves to where Docker’s is, and the machine goes on forwarding without us', async (t) => {
  if (skipUnless(t, lacksDocker())) return;
  await withStory(t, {}, async (story) => {
    const docker = new Docker(story);
    story.lab.world.spawn(answers(80));
    const web = await serving(story);
    await untilAnswering(story, web, 80);
    t.regex(await story.sh('nft list tables'), /inet gangway/, 'by itself it is nftables');
    await docker.start();
    await docker.makeImage();
    await docker.run('run', '-d', '--name', 'dw', '-p', '9090:80', 'image', 'sleep', '1000');
    const dw = await docker.open('dw');
    await waitFor('the firewall has moved', async () => !/inet gangway/.test(await story.sh('nft list tables')));
    await bothWork(t, story, web, 'after the move');
    t.deepEqual(await ask(story, dw, [`tcp ${await addressOf(story, web)}:81`]), ['silence']);
    await story.run('rm', '-f', 'web');
    t.is(await story.sysctl('host', 'net.ipv4.ip_forward'), '1', 'Docker counts on it');
    t.regex(await story.sh('iptables -S GANGWAY-TRANSIT'), /-j DROP/, 'for strangers it stays closed');
    t.deepEqual(await ask(story, dw, ['tcp 203.0.113.2:80']), ['203.0.113.1']);
    const { stderr } = await story.exec(['gc']);
    t.regex(stderr, /the machine goes on forwarding: chain FORWARD of table ip filter has come since/);
    t.is(await story.sh('iptables-save | grep -c GANGWAY || :'), '0');
    t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:9090']), ['203.0.113.2']);
    t.deepEqual(await ask(story, dw, ['tcp 203.0.113.2:80']), ['203.0.113.1']);
  });
});

for (const [backend, closed] of [
  ['nftables', 'nft list set inet gangway closed_transit | grep -c ipv4'],
  ['iptables', 'iptables -S GANGWAY-TRANSIT | grep -c -- "-j DROP"'],
] as const) {
  test(`${backend}: for whoever came later the machine forwards, for strangers it stays closed, and containers come and go`, async (t) => {
    await withStory(t, {}, async (story) => {
      await story.sh(`
        ip netns add beyond
        ip link add by0 type veth peer name eth0 netns beyond
        ip address add 10.9.0.1/24 dev by0; ip link set by0 up
        ip -n beyond address add 10.9.0.2/24 dev eth0; ip -n beyond link set eth0 up
        ip -n beyond route add default via 10.9.0.1`);
      await story.lab.world.run(['ip', 'route', 'add', '10.9.0.0/24', 'via', '203.0.113.1']);
      const passes = async () => (await story.lab.world.exec(['ping', '-qc1', '-W1', '10.9.0.2'])).exitCode === 0;
      await story.run(`--firewall-backend=${backend}`, 'network', 'create', 'front');
      await story.run('run', '-d', '--name', 'one', '--network', 'front', 'sleep', '1000');
      await story.sh(
        'nft "add table inet mine; add chain inet mine f { type filter hook forward priority 5; }; add rule inet mine f counter"',
      );
      await story.run('rm', '-f', 'one');
      t.is(await story.sysctl('host', 'net.ipv4.ip_forward'), '1', 'somebody counts on it');
      await story.run('run', '-d', '--name', 'two', '--network', 'front', 'sleep', '1000');
      await story.run('restart', '-t', '0', 'two');
      t.is(await story.sh(closed), '1', 'once, however often containers begin');
      await story.run('rm', '-f', 'two');
      t.regex((await story.exec(['gc'])).stderr, /goes on forwarding: chain f of table inet mine has come since/);
      t.false(await passes(), 'front is there: the machine is no router for strangers');
      await story.run('run', '--rm', '--network', 'front', 'true');
      await story.run('network', 'rm', 'front');
      await story.run('gc');
      t.is(await story.sysctl('host', 'net.ipv4.ip_forward'), '1');
      t.true(await passes(), 'control: nothing of ours is in the way any more');
    });
  });
}

test('who asks for nftables beside Docker is told what drops there, and gets it', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.sh('iptables -P FORWARD DROP');
    const asked = await story.exec([
      '--firewall-backend=nftables',
      'network',
      'create',
      '-o',
      'com.docker.network.bridge.name=one0',
      'one',
    ]);
    t.is(asked.exitCode, 0);
    t.regex(
      asked.stderr,
      /chain FORWARD of table ip filter drops packets of one0, which none of its rules accepts: .*--firewall-backend=iptables/,
    );
    const later = await story.exec(['run', '--rm', '--network', 'one', 'true']);
    t.regex(later.stderr, /drops packets of one0, which none of its rules accepts/, 'what somebody asked for stays');
    await story.start('--name', 'one', '--network', 'one', 'sleep', '1000');
    t.regex(
      (await story.exec(['reach', 'one', '203.0.113.2:80'])).stderr,
      /drops packets of one0, which none of its rules accepts/,
      'as reach knows ours alone',
    );
    await story.sh('iptables -A FORWARD -i one+ -j ACCEPT; iptables -A FORWARD -o one0 -j ACCEPT');
    t.is((await story.exec(['run', '--rm', '--network', 'one', 'ping', '-qc1', '-W5', '203.0.113.2'])).stderr, '');
    await story.sh('nft add table inet mine; nft add chain inet mine f "{ type filter hook forward priority 5; }"');
    await story.sh('nft add rule inet mine f tcp dport 22 accept; nft add rule inet mine f counter drop');
    const mine = await story.exec(['run', '--rm', '--network', 'one', 'true']);
    t.regex(mine.stderr, /chain f of table inet mine drops .*: accept packets from and to one0 there/);
  });
});

test('where the kernel’s old tables are closed, our rules stand in those', async (t) => {
  if (skipUnless(t, lacksLegacyIptables())) return;
  await withStory(t, {}, async (story) => {
    story.lab.world.spawn(answers(80));
    await story.sh('iptables-legacy -P FORWARD DROP');
    const web = await serving(story);
    await untilAnswering(story, web, 80);
    t.regex(await story.sh('iptables-legacy -S FORWARD'), /-j GANGWAY-FORWARD/);
    t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:8080']), ['203.0.113.2']);
    t.deepEqual(await ask(story, web, ['tcp 203.0.113.2:80']), ['203.0.113.1']);
  });
});
