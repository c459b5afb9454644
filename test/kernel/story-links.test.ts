// What a container is called by another one on the default bridge, and what it keeps when it begins again.
//
//      host ---- gangway0 172.17.0.1 ---- db, web
import test from 'ava';
import { gangway, refused, type Story, withStory } from '../support/story-lab.ts';

async function address(story: Story, name: string): Promise<string> {
  const [link] = JSON.parse(await gangway(story, `exec ${name} ip -j -4 address show eth0`));
  return link.addr_info[0].local;
}

test('a link on the default bridge is a line of /etc/hosts, and leads to a container that runs', async (t) => {
  await withStory(t, {}, async (story) => {
    await gangway(story, 'run -d --name db --hostname store sleep 1000');
    await gangway(story, 'run -d --name web --link db:data --link db sleep 1000');
    const hosts = await gangway(story, 'exec web cat /etc/hosts');
    t.true(hosts.includes('\n172.17.0.2\tdata store db\n'), hosts);
    t.true(hosts.includes('\n172.17.0.2\tdb store\n'), hosts);
    await gangway(story, 'exec web ping -c 1 -W 1 data');
    t.regex(await refused(story, 'run --rm --link nope true'), /^125 .*no such container: nope/);
    t.regex(await refused(story, 'run --rm --network none --link nope true'), /^125 /);
    await gangway(story, 'stop -t 0 db');
    t.regex(await refused(story, 'run --rm --link db true'), /^125 .*cannot link to container db/);
  });
});

test('a container that begins again has its address again, unless somebody else has it by now', async (t) => {
  await withStory(t, {}, async (story) => {
    await gangway(story, 'run -d --name one sleep 1000');
    await gangway(story, 'run -d --name two sleep 1000');
    const had = await address(story, 'one');
    await gangway(story, 'restart -t 0 one');
    t.is(await address(story, 'one'), had);

    await gangway(story, 'network create --subnet 10.7.0.0/24 back');
    await gangway(story, 'run -d --name three --network back sleep 1000');
    await gangway(story, 'stop -t 0 three');
    await gangway(story, 'run -d --name thief --network back --ip 10.7.0.2 sleep 1000');
    await gangway(story, 'start three');
    t.is(await address(story, 'three'), '10.7.0.3');
  });
});

test('who leaves none may be connected', async (t) => {
  await withStory(t, {}, async (story) => {
    await gangway(story, 'network create --subnet 10.7.0.0/24 back');
    await gangway(story, 'run -d --name web --network none sleep 1000');
    t.regex(await refused(story, 'network connect back web'), /^1 /);
    await gangway(story, 'network disconnect none web');
    await gangway(story, 'network connect back web');
    t.is(await address(story, 'web'), '10.7.0.2');
    await gangway(story, 'exec web ping -c 1 -W 1 10.7.0.1');
  });
});

test('who wants no IPv6 has none, by name either', async (t) => {
  await withStory(t, {}, async (story) => {
    await gangway(story, 'network create --ipv6 --subnet fd00:7::/64 --subnet 10.7.0.0/24 both');
    await gangway(story, 'run -d --name web --network both --sysctl net.ipv6.conf.all.disable_ipv6=1 sleep 1000');
    t.is(await gangway(story, 'exec web ip -6 address'), '');
    t.false((await gangway(story, 'exec web cat /etc/hosts')).includes('::'));
    t.regex(await gangway(story, 'dns query web --from web --type A'), /10\.7\.0\.2/);
    t.notRegex((await story.exec('dns query web --from web --type AAAA'.split(' '))).stdout, /fd00/);
    t.is(await gangway(story, 'inspect -f {{.NetworkSettings.Networks.both.GlobalIPv6Address}} web'), '');
  });
});
