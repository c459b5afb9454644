// The owner of a network's bridge has it filter by VLAN.
//
//      db 10.7.0.3    web 10.7.0.2, publishes 8080 to 80
//           |              |
//     +--vethB----------vethA----------------+          +--------------------+
//     |      front 10.7.0.1      up0 …113.1  |---cable--| world 203.0.113.2  |
//     +--------------------------------------+          +--------------------+
//
// Each port is in VLAN 1 without a tag, and so is the bridge itself: for those who are, nothing changes.
import test from 'ava';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';
import { type Container, gangway, type Story, withStory } from '../support/story-lab.ts';

/** @returns what a kernel without CONFIG_BRIDGE_VLAN_FILTERING says to it */
async function turnOn(story: Story): Promise<string | undefined> {
  const { exitCode, stderr } = await story.lab.host.exec('ip link set front type bridge vlan_filtering 1'.split(' '));
  return exitCode === 0 ? undefined : `this kernel’s bridges don’t filter by VLAN: ${stderr.trim()}`;
}

/** The machine's end of a container's cable. */
async function port(story: Story, container: Container): Promise<string> {
  const [inside] = await story.ip(container, 'link', 'show', 'dev', 'eth0');
  const links = await story.ip('host', 'link', 'show', 'master', 'front');
  return links.find(({ ifindex }) => ifindex === inside?.link_index)?.ifname;
}

const reaches = async (story: Story, container: Container, address: string) =>
  (await story.inside(container, `ping -c1 -W1 ${address}`)).exitCode === 0;

test('a bridge that filters by VLAN: who is in its own VLAN has all ways, who is in another one has none', async (t) => {
  await withStory(t, {}, async (story) => {
    const before = await story.state();
    await gangway(story, 'network create --subnet 10.7.0.0/24 -o com.docker.network.bridge.name=front front');
    const web = await story.start('--name', 'web', '--network', 'front', '-p', '8080:80', ...answers(80));
    await untilAnswering(story, web, 80);
    if (skipUnless(t, await turnOn(story))) return;
    const db = await story.start('--name', 'db', '--network', 'front', 'sleep', '1000');
    const published = () => ask(story, 'world', ['tcp 203.0.113.1:8080']);
    t.true(await reaches(story, web, '10.7.0.3'), 'who has come since, too');
    t.true(await reaches(story, web, '203.0.113.2'), 'the way out');
    t.deepEqual(await published(), ['203.0.113.2']);

    const plug = await port(story, web);
    await story.sh(`bridge vlan delete vid 1 dev ${plug}; bridge vlan add vid 7 pvid untagged dev ${plug}`);
    t.false(await reaches(story, web, '10.7.0.3'));
    t.false(await reaches(story, web, '10.7.0.1'), 'the gateway is in VLAN 1');
    t.true(await reaches(story, db, '203.0.113.2'), 'the others stay');
    t.deepEqual(await published(), ['silence']);

    await story.sh(`bridge vlan add vid 1 pvid untagged dev ${plug}`);
    t.true(await reaches(story, web, '10.7.0.3'));
    t.deepEqual(await published(), ['203.0.113.2']);
    await gangway(story, 'rm -f web db');
    await gangway(story, 'network rm front');
    await gangway(story, 'gc');
    await story.settlesAt(t, before);
  });
});
