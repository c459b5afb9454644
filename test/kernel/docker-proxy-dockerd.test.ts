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

/** A range of so many ports beside two that are published on every address. */
interface Ports {
  readonly count: number;
  readonly last: number;
  /** Two for each of the two, which have both families, and those of the range. */
  readonly standIns: number;
}

function range(count: number): Ports {
  return { count, last: 20_000 + count - 1, standIns: 4 + count };
}

const asks = ({ last }: Ports): readonly Ask[] => [
  { protocol: 'tcp', to: ['127.0.0.1'], port: 8080, from: '127.0.0.1' },
  { protocol: 'tcp', to: ['::1'], port: 8080, from: '::1' },
  { protocol: 'udp', to: ['127.0.0.1', '127.0.0.5'], port: 8053, from: '127.0.0.1' },
  { protocol: 'udp', to: ['::1'], port: 8053, from: '::1' },
  { protocol: 'tcp', to: ['127.0.0.1'], port: 20_000, from: '127.0.0.1' },
  { protocol: 'tcp', to: ['127.0.0.1'], port: last, from: '127.0.0.1' },
];

const network = '10.99.0.1';

async function run(docker: Docker, ports: Ports): Promise<void> {
  const { count, last } = ports;
  const own = ['-p', '8080:80', '-p', '8053:81/udp'];
  const many = ['-p', `127.0.0.1:20000-${last}:10000-${10_000 + count - 1}`];
  await docker.run('run', '-d', '--stop-signal', 'KILL', '--name', 'dw', ...own, ...many, 'image', 'sleep', '1000');
  await serve(docker, ports);
}

/** What lives in the container does so until it stops. */
async function serve(docker: Docker, { count }: Ports): Promise<void> {
  const { namespace } = await docker.open('dw');
  const { host } = docker.story.lab;
  host.spawn(['ip', 'netns', 'exec', namespace, ...answers(10_000, 10_000 + count - 1)]);
  await host.waitFor(['ip', 'netns', 'exec', namespace, 'sh', '-c', "ss -Hlnt 'sport = :10000' | grep -q ."]);
}

async function processes(story: Story, pattern: string): Promise<number> {
  return Number(await story.sh('pgrep -cf -- "$1" || :', pattern));
}

const present = (story: Story) => processes(story, '^/bin/sh [^ ]*[g]angway-docker-proxy -proto');

async function carries(t: ExecutionContext, story: Story, ports: Ports, when: string): Promise<void> {
  const all = asks(ports);
  const told = JSON.parse(await story.lab.host.run([...asking(all)], { environment: { NODE_OPTIONS: undefined } }));
  const said = (told as readonly { said?: string; peer?: string }[]).map(({ said, peer }) => `${said} by ${peer}`);
  const expected = all.flatMap(({ to, port }) => to.map((host) => `${network} by ${host} ${port}`));
  t.deepEqual(said, expected, when);
}

/** Kills the switchboard. @returns how long it took until the next one serves all of them, in milliseconds */
async function survivesSwitchboard(story: Story, { count, last }: Ports): Promise<number> {
  const pid = await story.sh("pgrep -f '[_]switchboard$'");
  await story.sh('kill -KILL "$1"', pid);
  await story.lab.host.waitFor(['sh', '-c', `! [ -e /proc/${pid} ]`]);
  const died = performance.now();
  const ports = `sport = :8080 or ( sport >= :20000 and sport <= :${last} )`;
  const back = async () => Number(await story.sh('ss -Hlnt "$1" | wc -l', ports)) === count + 2;
  await waitFor('the ports are back', back, { timeoutMilliseconds: 60_000 });
  return Math.round(performance.now() - died);
}

async function isOver(story: Story, what: string): Promise<void> {
  await waitFor(`${what}: no stand-in and no switchboard is left`, async () => {
    return (await present(story)) + (await processes(story, '[_]switchboard$')) === 0;
  });
}

/** A dockerd whose ports a stand-in serves, with one container that publishes these. */
async function withDockerd(
  t: ExecutionContext,
  ports: Ports,
  body: (story: Story, docker: Docker) => Promise<void>,
): Promise<void> {
  await withStory(t, {}, async (story) => {
    const docker = new Docker(story, [`--userland-proxy-path=${standInProgram}`]);
    await docker.start();
    await docker.makeImage();
    await run(docker, ports);
    t.is(await present(story), ports.standIns);
    t.is(await processes(story, '[_]switchboard$'), 1);
    await carries(t, story, ports, 'at first');
    await body(story, docker);
  });
}

test('dockerd publishes through it: both protocols and families, refusals, restarts, and every end', async (t) => {
  if (skipUnless(t, lacksDocker())) return;
  t.timeout(120_000);
  const ports = range(20);
  await withDockerd(t, ports, async (story, docker) => {
    t.is(await processes(story, '^[^ ]*/docker-proxy '), 0, 'control: Docker’s own is not there');
    t.is(await story.sh('nft list tables | grep -c gangway || :'), '0', 'the firewall is Docker’s alone');

    story.lab.host.spawn(answers(9090));
    await story.lab.host.waitFor(['sh', '-c', "ss -Hlnt 'sport = :9090' | grep -q ."]);
    const refused = docker.run('run', '--rm', '-p', '127.0.0.1:9090:80', 'image', 'true');
    await t.throwsAsync(refused, {
      message: /userland proxy: port 127\.0\.0\.1:9090\/tcp is in use by node .*address already in use/,
    });

    await docker.run('restart', '-t', '0', 'dw');
    await serve(docker, ports);
    t.is(await present(story), ports.standIns);
    await carries(t, story, ports, 'after a restart of the container');

    await survivesSwitchboard(story, ports);
    await carries(t, story, ports, 'after the death of the switchboard');

    await docker.run('rm', '-f', 'dw');
    await isOver(story, 'the container is gone');
    await run(docker, ports);
    await docker.stop();
    await isOver(story, 'dockerd has stopped');
    if (!isLong) return;
    await docker.start();
    await docker.run('rm', '-f', 'dw');
    await run(docker, ports);
    await carries(t, story, ports, 'with the next dockerd');
    await story.sh('kill -KILL "$(cat /run/docker.pid)"');
    await isOver(story, 'dockerd was killed');
  });
});

test('a thousand ports', async (t) => {
  if (skipUnless(t, lacksDocker()) || skipUnless(t, isLong ? undefined : 'the short form has twenty')) return;
  // dockerd starts iptables several times for each port.
  t.timeout(900_000);
  const ports = range(1000);
  await withDockerd(t, ports, async (story, docker) => {
    t.log(`after its end served by the next switchboard in ${await survivesSwitchboard(story, ports)} ms`);
    await carries(t, story, ports, 'after the death of the switchboard');
    await docker.run('rm', '-f', 'dw');
    await isOver(story, 'the container is gone');
  });
});
