// Further commands in a running container, and its log while conmon replaces the file.
import test from 'ava';
import { inPrivateMachine } from '../support/talk-machine.ts';

test.serial('exec: status, streams, user, and what can’t be executed', async (t) => {
  const seen = await inPrivateMachine('exec');
  t.like(seen, {
    status: [9, 'out\n', 'err\n'],
    signal: [137, '', ''],
    missing: ['command "nosuch" not found in the container', '', ''],
    'own 127': [127, '', ''],
    user: [0, '33\n33\n/var/www 1=2 /tmp\n', ''],
    'uid alone': [0, '4242\n', ''],
    detached: [0, '', ''],
    'detached missing': ['command "nosuch" not found in the container', '', ''],
    'not executable': ['command "/etc/passwd" can\'t be executed', '', ''],
    'no directory': ['command "sh" can\'t be executed: the container has no directory /no/such', '', ''],
    stdin: [0, 'typed\n', ''],
    'terminal without one': ['the input device is not a TTY', '', ''],
    late: [0, 'done\n', ''],
    ended: ['container exec is not running', '', ''],
    left: '',
  });
  t.regex((seen.privileged as string[])[1] ?? '', /CapEff:\t0+[1-9a-f]{2}f/);
});

test.serial('exec -t: a terminal of its own, with the right size, ctrl-c, status', async (t) => {
  const { shown, restored } = (await inPrivateMachine('exec with a terminal')) as Record<string, string>;
  t.regex(shown ?? '', /33 77[\s\S]*xterm[\s\S]*44 144[\s\S]*status 9/);
  t.true(restored as unknown as boolean);
});

test.serial('exec in a container that has a network alone', async (t) => {
  t.deepEqual(await inPrivateMachine('exec in a network alone'), {
    link: [3, '1\n33\n12\n/tmp\n'],
    'at home': [0, '/srv\n'],
    missing: ['command "nosuch" not found in the container', ''],
    'not executable': ['command "/etc/passwd" can\'t be executed', ''],
    detached: [0, ''],
  });
});

test.serial('a follower reads on while the log is replaced again and again', async (t) => {
  const seen = await inPrivateMachine('logs');
  t.like(seen, { count: 3000, first: 1, last: 3000, gaps: 0, texts: ['login: ', 'me\n'] });
  t.deepEqual(seen.tail, ['line 3000 of the log, long enough to fill it\n', 'login: me\n']);
  t.true((seen.size as number) <= 30_000);
});
