// Beside firewalld: a daemon of its own in the lab, started after us, told to reload, and stopped.
//
//      web 172.17.0.2, publishes 8080 to 80
//            |
//      +-----+------------ host -----------------+          +--------------------+
//      |  gangway0      up0 203.0.113.1, public  |---cable--| world 203.0.113.2  |
//      +-----------------------------------------+          +--------------------+
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { Firewalld, lacksFirewalld } from '../support/firewalld.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';
import { type Container, type Story, withStory } from '../support/story-lab.ts';

/** From the world to the published port, and from the container to the world. */
async function ways(story: Story, web: Container): Promise<readonly string[]> {
  const asked = [
    ask(story, 'world', ['tcp 203.0.113.1:8080']),
    ask(story, web, ['tcp 203.0.113.2:80', 'tcp 172.17.0.1:9']),
  ];
  return (await Promise.all(asked)).flat();
}

const open = ['203.0.113.2', '203.0.113.1', 'refused'];

async function begin(story: Story): Promise<Container> {
  story.lab.world.spawn(answers(80));
  const web = await story.start('--name', 'web', '-p', '8080:80', ...answers(80));
  await untilAnswering(story, web, 80);
  return web;
}

const gangwayTable = (story: Story) => story.sh('nft -s list table inet gangway');

test('on nftables, its zones say what leaves a container: the bridge is put into `trusted`, as we say', async (t) => {
  if (skipUnless(t, lacksFirewalld())) return;
  await withStory(t, {}, async (story) => {
    const firewalld = await Firewalld.prepare(story, 'nftables');
    const web = await begin(story);
    t.deepEqual(await ways(story, web), open, 'control');
    const rules = await gangwayTable(story);
    await firewalld.start();
    const [inbound, outbound] = await ways(story, web);
    t.is(inbound, '203.0.113.2', 'what came through a published port, firewalld lets pass');
    t.is(outbound, 'EHOSTUNREACH', 'control: what comes from a link of no zone, it rejects');
    const { stderr } = await story.exec(['run', '--rm', 'true']);
    const remedy = 'firewall-cmd --permanent --zone=trusted --add-interface=gangway0 && firewall-cmd --reload';
    t.true(
      stderr.includes(`table inet firewalld drops packets of gangway0, which none of its rules accepts: ${remedy}`),
      stderr,
    );
    await story.sh(remedy);
    t.deepEqual(await ways(story, web), open);
    t.is((await story.exec(['run', '--rm', 'true'])).stderr, '', 'nothing more to say');
    await firewalld.run('--complete-reload');
    t.deepEqual(await ways(story, web), open, 'it lasts');
    t.is(await gangwayTable(story), rules, 'no reload touches our table');
    await firewalld.stop();
    t.deepEqual(await ways(story, web), open);
  });
});

test('on iptables, our rules come before its own, and come back after each reload', async (t) => {
  if (skipUnless(t, lacksFirewalld())) return;
  await withStory(t, {}, async (story) => {
    const firewalld = await Firewalld.prepare(story, 'iptables');
    const web = await begin(story);
    await firewalld.start();
    const moved = async () => !/inet gangway/.test(await story.sh('nft list tables'));
    await waitFor('the firewall has moved to iptables', moved);
    await untilOpen(t, story, web, 'after its start');
    for (const reload of ['--reload', '--complete-reload']) {
      await firewalld.run(reload);
      await untilOpen(t, story, web, reload);
    }
    await firewalld.stop();
    await untilOpen(t, story, web, 'after its end');
  });
});

async function untilOpen(t: ExecutionContext, story: Story, web: Container, when: string): Promise<void> {
  const isThere = async () => /-j GANGWAY-FORWARD[\s\S]*/.test(await story.sh('iptables -S FORWARD'));
  await waitFor(`${when}: our rules are there`, isThere);
  t.deepEqual(await ways(story, web), open, when);
}
