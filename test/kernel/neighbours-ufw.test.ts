// Beside ufw, on a copy of its configuration: enabled after us, told to reload, and disabled.
//
//      web 172.17.0.2, publishes 8080 to 80
//            |
//      +-----+------------ host -----------------+          +--------------------+
//      |  gangway0      up0 203.0.113.1          |---cable--| world 203.0.113.2  |
//      +-----------------------------------------+          +--------------------+
//
// Its defaults: deny what comes in, and what is routed.
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { lacksProgram, skipUnless } from '../support/skip.ts';
import { type Container, type Story, withStory } from '../support/story-lab.ts';

const ownConfiguration = `
  for directory in /etc/ufw /etc/default; do
    copy=/run/ufw-test$directory
    mkdir -p $copy
    cp -r $directory/. $copy
    mount --bind $copy $directory
  done`;

/** By the published port, and out. */
async function ways(story: Story, web: Container): Promise<readonly string[]> {
  const asked = [ask(story, 'world', ['tcp 203.0.113.1:8080']), ask(story, web, ['tcp 203.0.113.2:80'])];
  return (await Promise.all(asked)).flat();
}

const open = ['203.0.113.2', '203.0.113.1'];

test('beside ufw ports are open and containers go out; who wants ufw to have a say asks for nftables', async (t) => {
  if (skipUnless(t, lacksProgram({ ufw: 'ufw' }))) return;
  await withStory(t, {}, async (story) => {
    await story.sh(ownConfiguration);
    story.lab.world.spawn(answers(80));
    const web = await story.start('--name', 'web', '-p', '8080:80', ...answers(80));
    await untilAnswering(story, web, 80);
    t.deepEqual(await ways(story, web), open, 'control');

    await story.sh('ufw --force enable');
    const isFirst = async () =>
      /^-A FORWARD -j GANGWAY-FORWARD\n-A FORWARD -j ufw/m.test(await story.sh('iptables -S FORWARD'));
    await waitFor('our rules come before those of ufw', isFirst);
    t.regex(await story.sh('iptables -S FORWARD'), /-P FORWARD DROP/, 'control: ufw closes the machine for all others');
    t.deepEqual(await ways(story, web), open);
    t.deepEqual(
      await ask(story, 'world', ['tcp [2001:db8:f::1]:8080']),
      ['silence'],
      'what a process carries, comes in',
    );
    await story.sh('ufw allow 8080/tcp');
    t.regex(String(await ask(story, 'world', ['tcp [2001:db8:f::1]:8080'])), /172\.17\.0\.1$/);

    await story.sh(
      "mkdir -p /etc/gangway; echo '-A GANGWAY-USER -s 203.0.113.2/32 -p tcp -m tcp --dport 80 -j DROP' >/etc/gangway/user.rules",
    );
    await story.run('network', 'create', 'another');
    t.deepEqual(await ways(story, web), ['silence', '203.0.113.1'], 'GANGWAY-USER comes before all');
    await story.sh('ufw reload');
    await waitFor('our rules come before those of ufw', isFirst);
    t.deepEqual(await ways(story, web), ['silence', '203.0.113.1']);
    await story.sh('rm /etc/gangway/user.rules');

    const moved = await story.exec(['--firewall-backend=nftables', 'network', 'rm', 'another']);
    t.is(moved.exitCode, 0, moved.stderr);
    t.deepEqual(await ways(story, web), ['silence', 'silence'], 'on nftables, a packet has to please ufw, too');
    t.regex((await story.exec(['run', '--rm', 'true'])).stderr, /table ip filter drops packets of/);
    await story.sh('ufw route allow in on gangway0; ufw route allow proto tcp from 203.0.113.2 to any port 80');
    t.deepEqual(await ways(story, web), open);

    await story.sh('ufw disable');
    t.deepEqual(await ways(story, web), open);
  });
});
