import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import test from 'ava';
import { code, live, sh, tell } from '../support/story.ts';

for (const [name, request, expected] of [
  ['0', sh('true'), 0],
  ['7', sh('exit 7'), 7],
  ['137 for SIGKILL', sh('sh -c "kill -9 \\$\\$"; exit $?'), 137],
] as const) {
  test.serial(`the exit status is the command's: ${name}`, async (t) => {
    const story = await live(t, { request });
    if (story !== undefined) t.is(code(story), expected);
  });
}

test.serial('143: with --init the command dies of SIGTERM', async (t) => {
  const story = await live(t, {
    request: { command: ['sleep', '100'], init: true },
    meanwhile: 'sleep 0.3; kill -TERM "$1"',
  });
  if (story !== undefined) t.is(code(story), 143);
});

for (const [command, expected] of [
  ['nosuch', 'command-not-found'],
  ['/nosuch/program', 'command-not-found'],
  ['/etc/passwd', 'command-not-executable'],
  ['/etc', 'command-not-executable'],
] as const) {
  test.serial(`${command} is refused as ${expected}`, async (t) => {
    const story = await tell(t, { request: { command: [command] } });
    if (story !== undefined) t.is(story.error?.code, expected);
  });
}

test.serial('what crun refuses is told in its words', async (t) => {
  const story = await tell(t, { request: { command: ['true'], workingDirectory: '/etc/passwd' } });
  if (story === undefined) return;
  t.is(story.error?.code, 'program-failed');
  t.regex(story.error?.message ?? '', /Not a directory/);
});

test.serial('memory: the kernel kills, says so, and counts', async (t) => {
  const story = await live(t, { request: { command: ['tail', '/dev/zero'], limits: { memoryBytes: 20 * 1024 ** 2 } } });
  if (story === undefined) return;
  t.deepEqual(story.observed.exit, { exitCode: 137, outOfMemory: true });
  t.is(story.counters.outOfMemoryKills, 1);
  t.is(story.counters.memoryLimitBytes, 20 * 1024 ** 2);
});

test.serial('processors: a fifth of one is a fifth of the time, and the throttling is counted', async (t) => {
  const story = await live(t, {
    request: { ...sh('timeout 1 sh -c "while :; do :; done"'), limits: { cpuMillis: 200 } },
  });
  if (story === undefined) return;
  t.true(Number(story.counters.cpuNanoseconds) < 400e6);
  t.true((story.counters.throttledPeriods ?? 0) >= 5);
  t.true(Number(story.counters.throttledNanoseconds) > 200e6);
});

test.serial('processes: one too many can’t be forked', async (t) => {
  const story = await live(t, {
    request: { ...sh('for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait'), limits: { pids: 5 } },
  });
  if (story === undefined) return;
  t.regex(story.log, /Cannot fork/);
  t.is(story.counters.pidsLimit, 5);
});

test.serial('block devices: 2 MiB at 1 MiB per second take two seconds', async (t) => {
  const device = rootDevice();
  if (device === undefined) return t.pass('skipped: / is not on a block device');
  const directory = mkdtempSync('/var/tmp/gangway-test-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const story = await live(t, {
    request: {
      ...sh('dd if=/dev/zero of=/mnt/v/big bs=64k count=32 oflag=direct'),
      volumes: [{ source: directory, target: '/mnt/v', readOnly: false }],
      limits: { deviceWriteBytesPerSecond: [{ path: device, bytesPerSecond: 1024 ** 2 }] },
    },
  });
  if (story === undefined) return;
  const seconds = Number(/copied, ([\d.]+) s/.exec(story.log)?.[1]);
  t.true(seconds > 1.5 && seconds < 4, `${seconds} s`);
  t.true(Number(story.counters.blockWriteBytes) >= 2 * 1024 ** 2);
});

/** The block device of the machine's root file system, if it has a name. */
function rootDevice(): string | undefined {
  const { dev } = statSync('/');
  return readdirSync('/dev')
    .map((name) => `/dev/${name}`)
    .find((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found?.isBlockDevice() && found.rdev === dev;
    });
}

test.serial('conmon killed: nobody waits for ever, and everything is taken away', async (t) => {
  const story = await live(t, { request: { command: ['sleep', '100'] }, meanwhile: 'kill -9 "$2"' });
  if (story !== undefined) t.is(story.observed.kind, 'lost');
});

test.serial('the exit command runs when the container ends by itself', async (t) => {
  const wait = 'until [ -s /run/gangway/exited ]; do sleep 0.05; done; cat /run/gangway/exited';
  const story = await live(t, { request: { command: ['sleep', '0.1'] }, meanwhile: wait });
  if (story !== undefined) t.regex(story.meanwhile, /^t\d+x/);
});

test.serial('a limit that a device can’t have is an early error', async (t) => {
  const story = await tell(t, {
    request: { limits: { deviceReadBytesPerSecond: [{ path: '/dev/null', bytesPerSecond: 1 }] } },
  });
  if (story !== undefined) t.is(story.error?.message, '--device-read-bps: /dev/null is not a block device');
});

test.serial('the explained script makes the same container and takes it away', async (t) => {
  const story = await tell(t, {
    request: {
      ...sh('hostname; grep CapEff /proc/self/status; cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max'),
      limits: { pids: 50 },
    },
    script: true,
  });
  if (story === undefined) return;
  t.regex(story.log, /^box\nCapEff:\s+00000000a80425fb\n/);
  t.regex(story.log, /^50$/m);
  t.deepEqual([story.left.groups, story.left.files, story.left.processes], [[], [], []]);
});
