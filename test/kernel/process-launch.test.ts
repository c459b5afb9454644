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
    // The kernel drops signals to the first process of a namespace that does not wait for them. With a child it does.
    meanwhile: 'until pgrep -P "$1" -x sleep >/dev/null; do sleep 0.05; done; kill -TERM "$1"',
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
      ...sh('hostname; grep CapEff /proc/self/status; cat /sys/fs/cgroup/pids/pids.max || cat /sys/fs/cgroup/pids.max'),
      limits: { pids: 50 },
    },
    script: true,
  });
  if (story === undefined) return;
  t.regex(story.log, /^box\nCapEff:\s+00000000a80425fb\n/);
  t.regex(story.log, /^50$/m);
  t.deepEqual([story.left.groups, story.left.files, story.left.processes], [[], [], []]);
});
