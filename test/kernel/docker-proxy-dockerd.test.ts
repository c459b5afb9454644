// A dockerd whose proxy we are, in the lab.
//
//      dw 10.99.0.x: 80, 81/udp, 10000…
//            |
//      +-----+------------- host --------------------------+
//      |  docker0 10.99.0.1                                |
//      |  dockerd ── a stand-in for each port              |
//      |                 └── the switchboard: 0.0.0.0:8080, [::]:8080, 127.0.0.1:20000…
//      +---------------------------------------------------+
//
// Who asks binds its source: neither Docker's rules nor the connect hook lead it, but the switchboard carries it.
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { Docker, lacksDocker } from '../support/dockerd.ts';
import { isLong } from '../support/long.ts';
import { type Ask, asking } from '../support/loopback-client.ts';
import { answers } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';
import { standInProgram } from '../support/stand-in.ts';
import { type Story, withStory } from '../support/story-lab.ts';

const count = isLong ? 1000 : 20;
const last = 20_000 + count - 1;

/** Two with each of both families, and those of the range. */
const standIns = 4 + count;

const publishing = [
  ...['-p', '8080:80', '-p', '8053:81/udp'],
  ...['-p', `127.0.0.1:20000-${last}:10000-${10_000 + count - 1}`],
];

const asks: readonly Ask[] = [
  { protocol: 'tcp', to: ['127.0.0.1'], port: 8080, from: '127.0.0.1' },
  { protocol: 'tcp', to: ['::1'], port: 8080, from: '::1' },
  { protocol: 'udp', to: ['127.0.0.1', '127.0.0.5'], port: 8053, from: '127.0.0.1' },
  { protocol: 'udp', to: ['::1'], port: 8053, from: '::1' },
  { protocol: 'tcp', to: ['127.0.0.1'], port: 20_000, from: '127.0.0.1' },
  { protocol: 'tcp', to: ['127.0.0.1'], port: last, from: '127.0.0.1' },
];

const network = '10.99.0.1';

async function run(docker: Docker): Promise<void> {
  await docker.run('run', '-d', '--stop-signal', 'KILL', '--name', 'dw', ...publishing, 'image', 'sleep', '1000');
  await serve(docker);
}

/** What lives in the container does so until it stops. */
async function serve(docker: Docker): Promise<void> {
  const { namespace } = await docker.open('dw');
  const { host } = docker.story.lab;
  host.spawn(['ip', 'netns', 'exec', namespace, ...answers(10_000, 10_000 + count - 1)]);
  await host.waitFor(['ip', 'netns', 'exec', namespace, 'sh', '-c', "ss -Hlnt 'sport = :10000' | grep -q ."]);
}

async function processes(story: Story, pattern: string): Promise<number> {
  return Number(await story.sh('pgrep -cf -- "$1" || :', pattern));
}

const present = (story: Story) => processes(story, '^/bin/sh [^ ]*[g]angway-docker-proxy -proto');

async function carries(t: ExecutionContext, story: Story, when: string): Promise<void> {
  const told = JSON.parse(await story.lab.host.run([...asking(asks)], { environment: { NODE_OPTIONS: undefined } }));
  const said = (told as readonly { said?: string; peer?: string }[]).map(({ said, peer }) => `${said} by ${peer}`);
  const expected = asks.flatMap(({ to, port }) => to.map((host) => `${network} by ${host} ${port}`));
  t.deepEqual(said, expected, when);
}

async function isOver(story: Story, what: string): Promise<void> {
  await waitFor(`${what}: no stand-in and no switchboard is left`, async () => {
    return (await present(story)) + (await processes(story, '[_]switchboard$')) === 0;
  });
}

test('dockerd publishes through it: both protocols and families, refusals, restarts, and every end', async (t) => {
  if (skipUnless(t, lacksDocker())) return;
  t.timeout(isLong ? 1_200_000 : 120_000);
  await withStory(t, {}, async (story) => {
    const docker = new Docker(story, [`--userland-proxy-path=${standInProgram}`]);
    await docker.start();
    await docker.makeImage();

    const begun = performance.now();
    await run(docker);
    t.log(`${standIns} ports published in ${Math.round(performance.now() - begun)} ms`);
    t.is(await present(story), standIns);
    t.is(await processes(story, '[_]switchboard$'), 1);
    t.is(await processes(story, '^[^ ]*/docker-proxy '), 0, 'control: Docker’s own is not there');
    await carries(t, story, 'at first');
    t.is(await story.sh('nft list tables | grep -c gangway || :'), '0', 'the firewall is Docker’s alone');

    story.lab.host.spawn(answers(9090));
    await story.lab.host.waitFor(['sh', '-c', "ss -Hlnt 'sport = :9090' | grep -q ."]);
    const refused = docker.run('run', '--rm', '-p', '127.0.0.1:9090:80', 'image', 'true');
    await t.throwsAsync(refused, {
      message: /userland proxy: port 127\.0\.0\.1:9090\/tcp is in use by node .*address already in use/,
    });

    await docker.run('restart', '-t', '0', 'dw');
    await serve(docker);
    t.is(await present(story), standIns);
    await carries(t, story, 'after a restart of the container');

    const pid = await story.sh("pgrep -f '[_]switchboard$'");
    await story.sh('kill -KILL "$1"', pid);
    await story.lab.host.waitFor(['sh', '-c', `! [ -e /proc/${pid} ]`]);
    const ports = `sport = :8080 or ( sport >= :20000 and sport <= :${last} )`;
    const listening = async () => Number(await story.sh('ss -Hlnt "$1" | wc -l', ports));
    const died = performance.now();
    await waitFor('the ports are back', async () => (await listening()) === count + 2, { timeoutMilliseconds: 60_000 });
    t.log(`served again after ${Math.round(performance.now() - died)} ms`);
    await carries(t, story, 'after the death of the switchboard');

    await docker.run('rm', '-f', 'dw');
    await isOver(story, 'the container is gone');
    await run(docker);
    await docker.stop();
    await isOver(story, 'dockerd has stopped');
    if (!isLong) return;
    await docker.start();
    await docker.run('rm', '-f', 'dw');
    await run(docker);
    await carries(t, story, 'with the next dockerd');
    await story.sh('kill -KILL "$(cat /run/docker.pid)"');
    await isOver(story, 'dockerd was killed');
  });
});
