import test from 'ava';
import { crunErrorStatus } from '../../src/services/process/exec.ts';
import { execProcess, mergeEnvironment, nsenterArguments } from '../../src/services/process/exec-process.ts';
import type { ExecRequest } from '../../src/values/exec.ts';

const request: ExecRequest = {
  command: ['id'],
  terminal: false,
  interactive: false,
  detached: false,
  environment: [],
  privileged: false,
};
const place = {
  accounts: { passwd: 'root:x:0:0::/root:/bin/sh\nweb:x:33:33::/var/www:/bin/sh\n', group: 'www:x:33:\nlog:x:4:web\n' },
  allCapabilities: ['CAP_BPF'],
};
const own = {
  terminal: true,
  user: { uid: 0, gid: 0, additionalGids: [10] },
  args: ['sleep', '1000'],
  env: ['PATH=/bin', 'HOME=/root'],
  cwd: '/srv',
  capabilities: { bounding: ['CAP_CHOWN'], effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'] },
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }],
};

test('a further command is the container’s process with other arguments', (t) => {
  const process = execProcess(own, request, place);
  t.like(process, { terminal: false, user: own.user, args: ['id'], env: own.env, cwd: '/srv', rlimits: own.rlimits });
  t.deepEqual(process.capabilities?.effective, ['CAP_CHOWN']);
});

test('a user is looked up in the container, and has no capabilities', (t) => {
  const process = execProcess(own, { ...request, user: 'web', workingDirectory: '/tmp' }, place);
  t.deepEqual(process.user, { uid: 33, gid: 33, additionalGids: [4] });
  t.deepEqual(process.env, ['PATH=/bin', 'HOME=/var/www']);
  t.is(process.cwd, '/tmp');
  t.deepEqual(process.capabilities?.effective, []);
  t.deepEqual(process.capabilities?.bounding, ['CAP_CHOWN']);
  t.throws(() => execProcess(own, { ...request, user: 'nobody-knows' }, place), { message: /unable to find user/ });
});

test('privileged means all that can be given', (t) => {
  const process = execProcess(own, { ...request, user: 'web', privileged: true }, place);
  t.deepEqual(process.capabilities?.effective, ['CAP_BPF']);
});

test('a later entry of the environment replaces an earlier one', (t) => {
  t.deepEqual(mergeEnvironment(['A=1', 'B=2'], ['A=3=4']), ['A=3=4', 'B=2']);
  const process = execProcess(own, { ...request, terminal: true, environment: ['TERM=vt100'] }, place);
  t.deepEqual(process.env, ['PATH=/bin', 'HOME=/root', 'TERM=vt100']);
});

test('a container with a network alone is entered by nsenter', (t) => {
  const enter = (id: number, asked = request) => {
    const launched = { identity: { uid: id, gid: id, additionalGids: [] }, workingDirectory: '/srv' };
    return nsenterArguments(7, launched, asked, place.accounts).join(' ');
  };
  t.is(enter(0), '--target 7 --net --mount --wdns=/srv -- id');
  t.is(
    enter(33),
    '--target 7 --net --mount --wdns=/srv -- setpriv --reuid 33 --regid 33 --clear-groups -- id',
    'as whoever the container was started',
  );
  t.is(
    enter(0, { ...request, user: 'web', workingDirectory: '/tmp' }),
    '--target 7 --net --mount --wdns=/tmp -- setpriv --reuid 33 --regid 33 --groups=4 -- id',
  );
});

test('crun’s complaints become docker’s exit status', (t) => {
  t.is(crunErrorStatus('executable file `nosuch` not found in $PATH: No such file or directory'), 127);
  t.is(crunErrorStatus('the path `/etc/passwd` exists but it is not executable: Operation not permitted'), 126);
});
