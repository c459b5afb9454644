// Moving the firewall from one back end to the other and back, while everything runs.
//
//      web 172.17.0.2, publishes 8080
//            |
//      +-----+--- host --------------+          +-----------------------+
//      |  gangway0   up0 203.0.113.1 |---cable--| world 203.0.113.2     |
//      +-----------------------------+          +-----------------------+
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { missingStrace } from '../support/crash.ts';
import { program } from '../support/gangway.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';
import { type Story, withStory } from '../support/story-lab.ts';

/** Rules of others, in both. */
const foreign = `
nft add table inet other
nft 'add chain inet other input { type filter hook input priority 0; policy accept; }'
nft 'add rule inet other input ip saddr 192.0.2.1 drop comment "not ours"'
iptables -A FORWARD -s 192.0.2.2 -j DROP
iptables -t nat -A POSTROUTING -s 192.0.2.3 -j MASQUERADE
ip6tables -A INPUT -s 2001:db8::3 -j DROP
`;

async function others(story: Story): Promise<string> {
  const text = await story.sh('nft list table inet other; iptables-save; ip6tables-save');
  // What iptables itself had to make is no rule, nor is what it counts.
  return text
    .split('\n')
    .filter((line) => /^-A|^\t\t/.test(line) && !line.includes('GANGWAY'))
    .join('\n');
}

/** A conversation from outside that goes on: a line is said, and comes back. */
const talker = `
const socket = require('net').connect(8080, '203.0.113.1');
let said = 0;
socket.on('data', () => require('fs').writeFileSync('/run/heard', String(++said)));
socket.on('close', () => require('fs').writeFileSync('/run/closed', ''));
setInterval(() => socket.write('x'), 20);
`;
const echo = 'require("net").createServer((s) => s.pipe(s)).listen(80); require("net").createServer().listen(81)';

test('every move: others lose nothing, a connection goes on, and nothing of the old back end stays', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.sh(foreign);
    const before = await others(story);
    const web = await story.start(
      '--name',
      'web',
      '-p',
      '8080:80',
      '-p',
      '8081-8083:8081-8083',
      process.execPath,
      '-e',
      echo,
    );
    await untilAnswering(story, web, 81);
    const heard = async () => Number(await story.sh('cat /run/heard 2>/dev/null || echo 0'));
    story.lab.world.spawn([process.execPath, '-e', talker], { environment: { NODE_OPTIONS: undefined } });
    await waitFor('they talk', async () => (await heard()) > 0);
    for (const [backend, gone] of [
      ['iptables', 'nft list tables | grep -c "inet gangway" || :'],
      ['nftables', '{ iptables-save; ip6tables-save; iptables-legacy-save; } | grep -c GANGWAY || :'],
      ['iptables', 'nft list tables | grep -c "inet gangway" || :'],
    ] as const) {
      await story.run(`--firewall-backend=${backend}`, 'publish', 'web', '9000:90');
      t.is((await story.sh(gone)).trim(), '0', `${backend}: nothing is left of the other one`);
      t.is(await others(story), before, `${backend}: the others’ rules`);
      const then = await heard();
      await waitFor(`${backend}: they go on talking`, async () => (await heard()) > then + 5);
      t.regex(
        await story.sh(`${backend === 'iptables' ? 'iptables-save -t nat' : 'nft list map inet gangway ranges4'}`),
        /8081[:-]8083/,
      );
      await story.run('unpublish', 'web', '90');
    }
    t.is((await story.sh('ls /run/closed 2>/dev/null || :')).trim(), '');
    await story.run('rm', '-f', 'web');
    await story.run('gc');
    t.is(await others(story), before);
    t.notRegex(await story.sh('nft list ruleset; iptables-legacy-save'), /gangway/i);
  });
});

test('killed between the two halves of a move: the next command takes away what the old back end had', async (t) => {
  if (skipUnless(t, await missingStrace())) return;
  await withStory(t, {}, async (story) => {
    const web = await story.start('--name', 'web', '-p', '8080:80', ...answers(80));
    await untilAnswering(story, web, 80);
    await story.sh('kill -KILL $(pgrep -f "[_]switchboard")');
    // The journal is looked for, written for the first half, and would be written for the second one.
    const inject = 'inject=open,openat:signal=KILL:when=3';
    const killing = ['strace', '-qq', '-o', '/dev/null', '-P', '/run/gangway/journal.json', '-e', inject, ...program];
    for (const [backend, old] of [
      ['iptables', 'nft list tables | grep -c "inet gangway" || :'],
      ['nftables', 'iptables-save | grep -c "^:GANGWAY-FORWARD" || :'],
    ] as const) {
      await story.lab.host.exec([...killing, `--firewall-backend=${backend}`, 'create', '--name', backend, 'true']);
      t.is((await story.sh(old)).trim(), '1', `control: ${backend} has come, and the other one has not gone`);
      t.regex(await story.sh('nft list tables; iptables-save'), /inet gangway.*:GANGWAY-FORWARD/s);
      await story.run('create', '--name', backend, 'true');
      t.is((await story.sh(old)).trim(), '0', `${backend}: it has`);
      t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:8080']), ['203.0.113.2']);
      await story.sh('kill -KILL $(pgrep -f "[_]switchboard")');
    }
  });
});

test('what the owner has in a file goes with the rules, to the other back end and for ever', async (t) => {
  await withStory(t, {}, async (story) => {
    const rule = '-A GANGWAY-USER -s 192.0.2.0/24 -j DROP';
    const gangways = async () => (await story.sh('{ iptables-save; ip6tables-save; } | grep GANGWAY || :')).split('\n');
    await story.sh(`mkdir -p /etc/gangway; echo "-4 ${rule}" >/etc/gangway/user.rules`);
    await story.run('--firewall-backend=iptables', 'network', 'create', 'front');
    await story.start('--name', 'web', '--network', 'front', 'sleep', 'infinity');
    t.true((await gangways()).includes(rule), 'control: it is loaded');
    await story.run('--firewall-backend=nftables', 'restart', '-t', '0', 'web');
    t.deepEqual(await gangways(), ['']);
    await story.run('--firewall-backend=iptables', 'restart', '-t', '0', 'web');
    t.true((await gangways()).includes(rule), 'control: and again');
    await story.run('rm', '-f', 'web');
    await story.run('network', 'rm', 'front');
    await story.run('gc');
    t.deepEqual(await gangways(), ['']);
  });
});

test('a move that fails, for a wrong line in a file: containers and ports come and go where the rules stand', async (t) => {
  await withStory(t, {}, async (story) => {
    const web = await story.start('--name', 'web', '-p', '8080:80', '-p', '8081:81', ...answers(80, 81, 82));
    await untilAnswering(story, web, 82);
    await story.sh('mkdir -p /etc/gangway; echo "-A INPUT -j DROP" >/etc/gangway/user.rules');
    await story.sh('iptables -A FORWARD -s 192.0.2.2 -j DROP');
    const reached = () =>
      ask(
        story,
        'world',
        [8080, 8081, 8082].map((port) => `tcp 203.0.113.1:${port}`),
      );
    const { stderr } = await story.exec(['unpublish', 'web', '80']);
    t.regex(
      stderr,
      /warning: the rules stay as they were before: .*user\.rules: "-A INPUT -j DROP"/,
      'control: it fails',
    );
    await story.run('publish', 'web', '8082:82');
    t.deepEqual(await reached(), ['refused', '203.0.113.2', '203.0.113.2']);
    await story.run('network', 'create', 'front');
    await story.run('run', '--rm', '--network', 'front', '-p', '8083:83', 'true');
    await story.sh('kill -KILL $(pgrep -f "[_]switchboard"); nft delete table inet gangway');
    await story.run('network', 'rm', 'front');
    t.deepEqual(await reached(), ['refused', '203.0.113.2', '203.0.113.2'], 'put back where they stood');
    await story.sh('kill -KILL $(pgrep -f "[_]switchboard"); nft delete table inet gangway');
    await story.run('stop', '-t', '0', 'web');
    await story.sh('rm /etc/gangway/user.rules');
    await story.run('start', 'web');
    t.regex(
      await story.sh('nft list tables; iptables -S FORWARD'),
      /^(?!.*inet gangway).*GANGWAY-FORWARD/s,
      'now it moves',
    );
    await untilAnswering(story, web, 82);
    t.deepEqual(await reached(), ['refused', '203.0.113.2', '203.0.113.2']);
  });
});

test('without nft, iptables carries the rules; without both, one sentence says so and nothing is made', async (t) => {
  await withStory(t, {}, async (story) => {
    const hide = (...programs: readonly string[]) =>
      story.sh(
        programs.map((program) => `mount --bind /dev/null "$(readlink -f "$(command -v ${program})")"`).join('\n'),
      );
    await hide('nft');
    const guarded = await story.exec(['network', 'create', 'front']);
    t.not(guarded.exitCode, 0);
    t.regex(guarded.stderr, /^gangway: .*nft.*gangway\.guard=false/);
    await story.run('network', 'create', '-o', 'gangway.guard=false', 'front');
    const web = await story.start('--name', 'web', '--network', 'front', '-p', '8080:80', ...answers(80));
    await untilAnswering(story, web, 80);
    t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:8080']), ['203.0.113.2']);
    await story.run('rm', '-f', 'web');
    await story.run('network', 'rm', 'front');
    await story.run('gc');
    await hide('iptables-nft', 'iptables-legacy');
    const { exitCode, stderr } = await story.exec(['network', 'create', '-o', 'gangway.guard=false', 'front']);
    t.is(exitCode, 1);
    t.is(stderr, 'gangway: neither nft nor iptables is installed; apt-get install nftables\n');
    t.regex(await story.run('network', 'ls', '-q'), /^(\w+\n?){3}$/);
  });
});
