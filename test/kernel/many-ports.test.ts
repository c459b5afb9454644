/**
 * Thousands of ports on both families, their one process, and its sudden end, whether somebody or the kernel kills it:
 *
 *     world ── 203.0.113.1 ── the kernel's rules ─────────────────┐
 *                                                                 ├── web, which echoes at 7, 20000 and the last port
 *     host ── 127.0.0.1, ::1 ── the switchboard, which is killed ─┘
 *
 * Ten thousand of them in the long form, five hundred in the short one.
 */
import test from 'ava';
import { hasController, readLayout } from '../../src/kernel/cgroup.ts';
import type { Background } from '../../src/lab/background.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { changes, program, quiet } from '../support/gangway.ts';
import { isLong } from '../support/long.ts';
import { skipUnless } from '../support/skip.ts';
import { type Story, withStory } from '../support/story-lab.ts';

const count = isLong ? 10_000 : 500;
const [first, last] = [20_000, 20_000 + count - 1];
const range = `${first}-${last}`;
const patient = { timeoutMilliseconds: 120_000 };

async function startEcho(story: Story): Promise<void> {
  const echo = 'for port in "$@"; do socat "TCP4-LISTEN:$port,fork,reuseaddr" PIPE & done; wait';
  const command = ['sh', '-c', echo, 'sh', '7', String(first), String(last)];
  const words = ['run', '-d', '--name', 'web', '-p', '7007:7', '-p', `${range}:${range}`, ...command];
  const { exitCode, stderr } = await story.exec(words, patient);
  if (exitCode !== 0) throw new Error(stderr);
}

/** Whoever listens at the range, in either family: how many sockets of which processes. */
async function listeners(story: Story): Promise<{ readonly sockets: number; readonly pids: readonly string[] }> {
  const lines = (await story.sh(`ss -Hlntp 'sport >= :${first} and sport <= :${last}'`)).split('\n').filter(Boolean);
  const pids = lines.flatMap((line) => /pid=(\d+)/.exec(line)?.[1] ?? []);
  return { sockets: lines.length, pids: [...new Set(pids)] };
}

/** A word there and back. Who has bound its source is not led past the relay. */
async function echoed(story: Story, where: 'host' | 'world', address: string): Promise<string> {
  const { stdout } = await story.lab[where].exec(['socat', '-t', '10', '-', address], { input: 'hello' });
  return stdout;
}

const ways = (port: number) =>
  [
    ['world', `TCP4:203.0.113.1:${port}`],
    ['host', `TCP4:127.0.0.1:${port},bind=127.0.0.1`],
    ['host', `TCP6:[::1]:${port},bind=[::1]`],
  ] as const;

/** Says a number after the other, until told to stop. */
function keepTalking(client: Background): () => Promise<string> {
  let said = 0;
  const clock = setInterval(() => client.stdin.write(`${++said}\n`), 2);
  return async () => {
    clearInterval(clock);
    client.stdin.end();
    const { stdout } = await client.result;
    const whole = Array.from({ length: said }, (_, index) => `${index + 1}\n`).join('');
    return stdout === whole ? 'whole' : `${stdout.length} bytes of ${whole.length}`;
  };
}

async function talk(story: Story, where: 'host' | 'world', address: string): Promise<Background> {
  const client = story.lab[where].spawn(['socat', '-t', '30', '-', address]);
  return client;
}

/**
 * The kernel ends it, for want of memory: what it takes from now on is counted in a cgroup with room for little, and a thousand
 * clients come who are not led past it.
 */
async function starve(story: Story, pid: string): Promise<void> {
  await story.sh(`
    group=/sys/fs/cgroup/memory/starved limit=memory.limit_in_bytes kills=memory.oom_control
    [ -d "\${group%/*}" ] || { group=/sys/fs/cgroup/starved limit=memory.max kills=memory.events; }
    mkdir "$group"
    echo 2M >"$group/$limit"
    echo ${pid} >"$group/cgroup.procs"
    for client in $(seq 1000); do
      [ -d /proc/${pid} ] || break
      socat -u /dev/zero TCP4:127.0.0.1:${last},bind=127.0.0.1 2>/dev/null &
    done
    wait
    grep -x 'oom_kill 1' "$group/$kills" >&2
    # It is killed a moment before it is gone.
    until rmdir "$group" 2>/dev/null; do sleep 0.05; done
  `);
}

const ends = [
  ['killed', undefined, (story: Story, pid: string) => story.sh(`kill -9 ${pid}`)],
  ['out of memory', hasController(readLayout(), 'memory') ? undefined : 'no cgroup counts memory', starve],
] as const;

for (const [how, missing, end] of ends)
  test(`${count} ports on both families take a socket each, of one process; ${how}, it takes none of the kernel's connections along`, async (t) => {
    if (skipUnless(t, missing)) return;
    t.timeout(600_000);
    await withStory(t, {}, async (story) => {
      await story.run('run', '--rm', 'true');
      await story.run('gc');
      const before = await story.state();
      const begun = performance.now();
      await startEcho(story);
      t.log(`published in ${(performance.now() - begun).toFixed(0)} ms`);
      const { sockets, pids } = await listeners(story);
      const [pid = ''] = pids;
      t.deepEqual([sockets, pids.length], [count, 1]);
      const files = Number(await story.sh(`ls /proc/${pid}/fd | wc -l`));
      t.true(files > count && files < count + 100, `${files} open files`);
      t.log((await story.sh(`grep -h -e VmRSS -e ^Pss: /proc/${pid}/status /proc/${pid}/smaps_rollup`)).split('\n'));
      for (const port of [7007, first, last])
        for (const [where, address] of ways(port))
          await waitFor(`${address} answers`, async () => (await echoed(story, where, address)) === 'hello');

      const [outside, own] = [
        await talk(story, 'world', 'TCP4:203.0.113.1:7007'),
        await talk(story, 'host', ways(last)[1][1]),
      ];
      const [outsideEnds, ownEnds] = [keepTalking(outside), keepTalking(own)];
      for (const client of [outside, own]) await client.waitForOutput(/^20$/m);
      await end(story, pid);
      await waitFor('nobody listens', async () => (await listeners(story)).sockets === 0);
      t.not(await ownEnds(), 'whole', 'what a process carried has ended with it');
      t.is(await echoed(story, 'world', `TCP4:203.0.113.1:${last}`), 'hello', 'the rules lead on');

      const again = performance.now();
      t.is((await story.exec(['run', '--rm', '--network', 'none', 'true'], patient)).exitCode, 0);
      t.log(`bound again in ${(performance.now() - again).toFixed(0)} ms`);
      const fresh = await listeners(story);
      t.deepEqual([fresh.sockets, fresh.pids.length], [count, 1]);
      t.not(fresh.pids[0], pid);
      for (const port of [7007, first, last])
        for (const [where, address] of ways(port)) t.is(await echoed(story, where, address), 'hello', address);
      t.is(await outsideEnds(), 'whole');

      await story.exec(['rm', '-f', 'web'], patient);
      t.is((await listeners(story)).sockets, 0);
      await story.run('gc');
      await story.settlesAt(t, before);
    });
  });

/** What is the process's alone, in MiB. */
async function ownMemory(story: Story, pid: string): Promise<number> {
  return (
    Number(await story.sh(`awk '/^Private_Dirty:/ { kib += $2 } END { print kib }' /proc/${pid}/smaps_rollup`)) / 1024
  );
}

if (isLong)
  test(`${count} ports are 10 MiB, and less than 25 when they have gone, and come, and gone, and come`, async (t) => {
    t.timeout(300_000);
    await withStory(t, {}, async (story) => {
      await story.start('--name', 'web', '-p', '7007:7', 'sleep', '300');
      const [, pid = ''] = /pid=(\d+)/.exec(await story.sh("ss -Hlntp 'sport = :7007'")) ?? [];
      await waitFor(
        'what its start needed has gone back',
        async () => Number(await story.sh(`ps -o etimes= ${pid}`)) >= 5,
      );
      const before = await ownMemory(story, pid);
      for (const most of [10, 25, 25]) {
        await story.run('publish', 'web', `${range}:${range}`);
        const more = async () => (await ownMemory(story, pid)) - before;
        await waitFor(`it is ${most} MiB at most`, async () => (await more()) < most);
        t.log(`${(await more()).toFixed(1)} MiB`);
        t.is((await listeners(story)).sockets, count);
        await story.run('unpublish', 'web', range);
      }
    });
  });

test('more ports than open files: one sentence, and nothing has changed', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.start('--name', 'web', 'sleep', '100');
    const before = await quiet(() => story.lab.leftovers());
    const limited = ['prlimit', '--nofile=20000', 'setpriv', '--bounding-set=-sys_resource', ...program];
    const all = ['-p', '1-65535:1-65535', '-p', '1-65535:1-65535/udp'];
    const begun = performance.now();
    const { exitCode, stderr } = await story.lab.host.exec([...limited, 'run', '-d', ...all, 'sleep', '100']);
    t.log(`refused in ${(performance.now() - begun).toFixed(0)} ms`);
    t.is(exitCode, 125);
    const service = 'in a service by LimitNOFILE=\\d+';
    const hint = `publish fewer ports, or start gangway where \`ulimit -Hn\` says \\d+ or more, ${service}`;
    const message =
      '131070 published ports need an open file each, and the limit of open files, 20000, has room for \\d+';
    t.regex(stderr, new RegExp(`^gangway: ${message}; ${hint}\n$`));
    t.deepEqual(await changes(before, () => story.lab.leftovers()), []);
  });
});
