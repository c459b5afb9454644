// Rules of the machine's owner come before ours, from a file or typed in, on both back ends.
//
//      web 172.17.0.2, publishes 8080 and 8081
//            |
//      +-----+------- host -----------+          +-----------------------+
//      |  gangway0    up0 203.0.113.1 |---cable--| world 203.0.113.2     |
//      +------------------------------+          +-----------------------+
import test from 'ava';
import { type BackendName, backendNames } from '../../src/firewall/backend.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { type Story, withStory } from '../support/story-lab.ts';

const files = {
  nftables: {
    path: '/etc/gangway/user.nft',
    drop: 'tcp dport 80 drop comment "see #42"  # as it is after translation',
    wrong: 'frop',
  },
  iptables: {
    path: '/etc/gangway/user.rules',
    // The first one counts.
    drop: '-A GANGWAY-USER -p tcp\n-A GANGWAY-USER -p tcp -m tcp --dport 80 -m comment --comment ticket#42 -j DROP  # as it is after translation',
    wrong: '-A GANGWAY-USER -j NOWHERE',
  },
} as const;

const typed = {
  nftables: 'nft add rule inet gangway GANGWAY-USER tcp dport 81 drop',
  iptables: 'iptables -w -A GANGWAY-USER -p tcp --dport 81 -j DROP',
} as const;

async function write(story: Story, backend: BackendName, line: string): Promise<void> {
  await story.sh(`printf '%s\\n' '${line}' >${files[backend].path}`);
}

const fromWorld = (story: Story) => ask(story, 'world', ['tcp 203.0.113.1:8080', 'tcp 203.0.113.1:8081']);
const client = '203.0.113.2';

for (const backend of backendNames) {
  test(`${backend}: a file of rules is obeyed, and what is typed in; a wrong one leaves what stands`, async (t) => {
    await withStory(t, {}, async (story) => {
      await story.run(`--firewall-backend=${backend}`, 'network', 'create', 'front');
      const web = await story.start('--name', 'web', '-p', '8080:80', '-p', '8081:81', ...answers(80, 81));
      await untilAnswering(story, web, 81);
      t.deepEqual(await fromWorld(story), [client, client], 'control: without rules of the owner');

      await write(story, backend, files[backend].drop);
      await story.run('publish', 'web', '9000:90');
      t.deepEqual(await fromWorld(story), ['silence', client]);

      await write(story, backend, files[backend].wrong);
      const { exitCode, stderr } = await story.exec(['unpublish', 'web', '90']);
      t.is(exitCode, 0);
      t.regex(stderr, /warning: the rules stay as they were before/);
      t.deepEqual(await fromWorld(story), ['silence', client], 'what stood stands');
      await story.sh('kill -KILL $(pgrep -f "[_]switchboard"); nft flush ruleset');
      await story.run('network', 'create', 'another');
      t.deepEqual(await fromWorld(story), ['silence', client], 'and is put back');
      await story.run('network', 'rm', 'another');

      await write(story, backend, '');
      await story.sh(`chmod 666 ${files[backend].path}`);
      t.regex((await story.exec(['restart', '-t', '0', 'web'])).stderr, /only root may write to it/);
      await story.sh(`rm ${files[backend].path}`);
      await story.run('restart', '-t', '0', 'web');
      await story.sh(typed[backend]);
      await untilAnswering(story, web, 80);
      t.deepEqual(await fromWorld(story), [client, 'silence']);

      await story.run('rm', '-f', 'web');
      await story.run('network', 'rm', 'front');
      if (backend === 'iptables') await story.sh('iptables -w -F GANGWAY-USER');
      await story.run('gc');
      t.notRegex(await story.sh('nft list ruleset'), /gangway/i);
    });
  });
}
