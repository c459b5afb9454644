import test from 'ava';
import { chooseCapabilities, parseCapability } from '../../src/services/process/capabilities.ts';
import { ociConfiguration } from '../../src/services/process/configuration.ts';
import { conmonCommand } from '../../src/services/process/conmon.ts';
import { exitScript } from '../../src/services/process/exit-hook.ts';
import { refuseOptionsBeyondNetwork } from '../../src/services/process/network-isolation.ts';
import { additionalMounts, onRootfs, rootfsScript } from '../../src/services/process/rootfs.ts';
import { discardCommands, launchCommands } from '../../src/services/process/script.ts';
import { seccompProfile } from '../../src/services/process/seccomp.ts';
import { resolveUser } from '../../src/services/process/user-lookup.ts';
import type { ContainerRequest } from '../../src/values/container.ts';
import type { Launch } from '../../src/values/launch.ts';

const all = (1n << 41n) - 1n;
const fourteen = chooseCapabilities({ add: [], drop: [] }, all);

const launch: Launch = {
  id: 'c1',
  isolation: 'full',
  directory: '/run/gangway/containers/c1',
  identityDirectory: '/run/gangway/containers/c1',
  runtimeRoot: '/run/gangway/crun',
  logPath: '/var/lib/gangway/containers/c1/log',
  exitDirectory: '/run/gangway/exits',
  command: ['echo', 'it’s'],
  environment: ['PATH=/bin'],
  workingDirectory: '/',
  identity: { uid: 0, gid: 0, additionalGids: [] },
  hostname: 'box',
  network: { kind: 'namespace', path: '/run/netns/gangway-c1' },
  root: { kind: 'host', mounts: ['/home'] },
  readOnly: false,
  volumes: [{ source: '/srv', target: '/data', readOnly: true }],
  hidden: ['/var/lib/gangway'],
  terminal: false,
  interactive: false,
  foreground: false,
  capabilities: fourteen,
  sysctls: [{ key: 'kernel/shmmax', value: '65536' }],
  limits: {
    cpuMillis: 1500,
    memoryBytes: 1000,
    pids: 7,
    swapAccounting: true,
    deviceReadBytesPerSecond: [],
    deviceWriteBytesPerSecond: [{ major: 8, minor: 0, bytesPerSecond: 5 }],
  },
  cgroupPath: '/gangway/c1',
  openFiles: { soft: 1024, hard: 4096 },
  exitCommand: ['node', 'gangway', '_exited', 'c1'],
};

// biome-ignore lint/suspicious/noExplicitAny: a look into plain JSON
const configuration = (changes: Partial<Launch> = {}) => ociConfiguration({ ...launch, ...changes }, 'x64') as any;

test('fourteen capabilities, and what is added or dropped', (t) => {
  t.is(fourteen.length, 14);
  t.deepEqual(chooseCapabilities({ add: ['NET_ADMIN'], drop: ['ALL'] }, all), ['CAP_NET_ADMIN']);
  t.is(chooseCapabilities({ add: ['ALL'], drop: ['MKNOD'] }, all).length, 40);
  t.true(chooseCapabilities({ add: ['CHOWN'], drop: ['CHOWN'] }, all).includes('CAP_CHOWN'));
  t.is(chooseCapabilities({ add: ['ALL'], drop: [] }, all & ~(1n << 24n)).length, 40);
  t.throws(() => chooseCapabilities({ add: ['SYS_RESOURCE'], drop: [] }, all & ~(1n << 24n)), {
    code: 'not-supported',
  });
  t.throws(() => chooseCapabilities({ add: [], drop: ['NET_RWA'] }, all), { code: 'invalid-option' });
  t.is(parseCapability('cap_net_admin', '--cap-add'), 'NET_ADMIN');
  t.throws(() => parseCapability('fly', '--cap-add'), { code: 'invalid-option' });
});

test('a container joins the network that was made for it, and makes five namespaces', (t) => {
  t.deepEqual(
    configuration().linux.namespaces.map(({ type }: { type: string }) => type),
    ['pid', 'ipc', 'uts', 'mount', 'cgroup', 'network'],
  );
});

test('on the host’s network there is no network namespace', (t) => {
  const { namespaces } = configuration({ network: { kind: 'host' } }).linux;
  t.false(namespaces.some(({ type }: { type: string }) => type === 'network'));
});

test('a private user namespace is joined', (t) => {
  const { namespaces } = configuration({
    userNamespace: { path: '/run/u', range: { first: 100_000, length: 65_536 } },
  }).linux;
  t.deepEqual(namespaces.at(-1), { type: 'user', path: '/run/u' });
});

test('settings of shared memory and queues are crun’s to make', (t) => {
  t.like(ociConfiguration(launch), { linux: { sysctl: { 'kernel.shmmax': '65536' } } });
});

test('limits in the words of config.json', (t) => {
  t.deepEqual(configuration().linux.resources, {
    devices: [{ allow: false, access: 'rwm' }],
    cpu: { quota: 150_000, period: 100_000 },
    memory: { limit: 1000, swap: 2000 },
    pids: { limit: 7 },
    blockIO: { throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 5 }] },
  });
});

test('root has its capabilities at once, another user after execve', (t) => {
  t.is(configuration().process.capabilities.effective.length, 14);
  const { capabilities } = configuration({ identity: { uid: 1, gid: 1, additionalGids: [] } }).process;
  t.is(capabilities.effective.length, 0);
  t.is(capabilities.bounding.length, 14);
});

test('an init program stands before the command', (t) => {
  t.deepEqual(configuration({ init: '/usr/bin/catatonit' }).process.args, ['/dev/init', '--', 'echo', 'it’s']);
});

test('our state is hidden where the host’s tree is shown, and only there', (t) => {
  t.true(configuration().linux.maskedPaths.includes('/var/lib/gangway'));
  t.false(configuration({ root: { kind: 'directory', path: '/r' } }).linux.maskedPaths.includes('/var/lib/gangway'));
});

test('the filter: clone without namespaces, clone3 not at all, nothing of mounting', (t) => {
  const profile = seccompProfile(fourteen, 'x64');
  const common = profile.syscalls[1]?.names ?? [];
  for (const name of [
    'mount',
    'unshare',
    'setns',
    'bpf',
    'keyctl',
    'add_key',
    'io_uring_setup',
    'kexec_load',
    'userfaultfd',
    'clone',
    'socket',
  ]) {
    t.false(common.includes(name), name);
  }
  t.true(common.includes('chroot'));
  t.is(profile.syscalls.find(({ names }) => names[0] === 'clone3')?.errnoRet, 38);
  t.is(profile.syscalls.find(({ names }) => names[0] === 'clone')?.args?.[0]?.value, 0x7e020000);
  const privileged = seccompProfile([...fourteen, 'CAP_SYS_ADMIN'], 'x64');
  t.true(privileged.syscalls[1]?.names.includes('unshare'));
  t.deepEqual(
    privileged.syscalls.flatMap(({ action, names }) => (action === 'SCMP_ACT_ERRNO' ? names : [])),
    ['socketcall'],
  );
});

test('the filter: no socket that leads to ciphers or the hypervisor', (t) => {
  const rules = seccompProfile(fourteen, 'x64')
    .syscalls.filter(({ names }) => names[0] === 'socket')
    .map(({ args }) => args?.[0]);
  const allowed = (family: number) =>
    rules.some(
      (rule) => rule !== undefined && (rule.op === 'SCMP_CMP_LT' ? family < rule.value : family === rule.value),
    );
  t.deepEqual([1, 2, 10, 16, 17, 38, 40, 44].map(allowed), [true, true, true, true, true, false, false, true]);
  // libseccomp takes the first word about a call: behind this one, none that it makes of `socket` counts.
  const [first] = seccompProfile(fourteen, 'x64').syscalls;
  t.deepEqual(first, { names: ['socketcall'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 });
});

test('users are the container’s own', (t) => {
  const accounts = {
    passwd: 'root:x:0:0::/root:/bin/sh\napp:x:10:20::/srv:/bin/sh\n7:x:99:98:::\n',
    group: 'web:x:30:app,other\napp:x:20:\n',
  };
  t.deepEqual(resolveUser(undefined, accounts), { uid: 0, gid: 0, additionalGids: [] });
  t.deepEqual(resolveUser('app', accounts), { uid: 10, gid: 20, additionalGids: [30] });
  t.deepEqual(resolveUser('10', accounts), { uid: 10, gid: 20, additionalGids: [30] });
  t.deepEqual(resolveUser('app:web', accounts), { uid: 10, gid: 30, additionalGids: [] });
  t.deepEqual(resolveUser('1000:1001', accounts), { uid: 1000, gid: 1001, additionalGids: [] });
  t.deepEqual(resolveUser('7', accounts).uid, 99);
  for (const user of ['nobody', 'app:nobody', '-1', '99999999999'])
    t.throws(() => resolveUser(user, accounts), { code: 'invalid-option' }, user);
});

test('further file systems of the host: those with data, parents first', (t) => {
  const line = (point: string, type: string) => `30 1 8:1 / ${point} rw,relatime shared:1 - ${type} /dev/x rw`;
  const mountinfo = [
    line('/', 'ext4'),
    line('/proc', 'proc'),
    line('/home/a\\040b', 'ext4'),
    line('/home', 'xfs'),
    line('/vagrant', '9p'),
    line('/run/user/0', 'ext4'),
    line('/var/lib/gangway/x', 'ext4'),
    line('/boot/efi', 'vfat'),
    line('/mnt/t', 'tmpfs'),
  ].join('\n');
  t.deepEqual(additionalMounts(mountinfo, ['/var/lib/gangway']), ['/home', '/home/a b', '/vagrant']);
});

test('a directory’s name never becomes shell text or a mount option', (t) => {
  const words = onRootfs({ ...launch, root: { kind: 'directory', path: "/a,b:c'$(x)" } });
  t.is(words[6], rootfsScript);
  t.deepEqual(words.slice(8), [launch.directory, 'directory', "/a,b:c'$(x)", '', 'rw', '0']);
});

test('conmon gets the exit script with the container’s directory and the command behind it', (t) => {
  const words = conmonCommand({ ...launch, isolation: 'network' });
  t.is(words[words.indexOf('--exit-command') + 1], '/bin/sh');
  t.true(words.includes(exitScript));
  t.deepEqual(words.filter((_, index) => words[index - 1] === '--exit-command-arg').slice(3), [
    launch.directory,
    ...launch.exitCommand,
  ]);
});

test('the script names what crun makes, and quotes every word', (t) => {
  const script = launchCommands({ ...launch, isolation: 'full' }).join('\n');
  t.regex(script, /# and joins network \/run\/netns\/gangway-c1/);
  t.regex(script, /pids\.max: 7/);
  t.regex(script, /<\/dev\/null >\/var\/lib\/gangway\/containers\/c1\/log 2>&1 &$/);
  t.regex(launchCommands({ ...launch, isolation: 'network' }).join('\n'), /'it’s' <\/dev\/null/);
  t.notRegex(launchCommands({ ...launch, foreground: true }).join('\n'), /&$/);
  t.regex(discardCommands(launch).join('\n'), /\/sys\/fs\/cgroup\/\*\/gangway\/c1 \/sys\/fs\/cgroup\/gangway /);
});

test('--isolation=network refuses what it can’t keep', (t) => {
  const request = {
    volumes: [],
    sysctls: [],
    capabilities: { add: [], drop: [] },
    limits: {},
  } as unknown as ContainerRequest;
  t.notThrows(() => refuseOptionsBeyondNetwork(request));
  const error = t.throws(() => refuseOptionsBeyondNetwork({ ...request, limits: { memoryBytes: 1 } }));
  t.is(error?.message, "--memory can't be combined with --isolation=network");
});
