import test from 'ava';
import type { Engine, RunOptions } from '../../src/engine/engine.ts';
import { waitFor } from '../../src/lab/wait.ts';
import type { ContainerRequest } from '../../src/values/container.ts';
import { GangwayError } from '../../src/values/errors.ts';
import { connectionTo } from '../../src/values/network.ts';
import { gangway } from '../support/cli.ts';
import { id } from '../support/fake-engine.ts';

const defaults: ContainerRequest = {
  command: ['true'],
  isolation: 'full',
  readOnly: false,
  volumes: [],
  environment: [],
  terminal: false,
  interactive: false,
  init: false,
  removeOnExit: false,
  restart: { kind: 'no' },
  limits: {},
  userNamespace: 'host',
  capabilities: { add: [], drop: [] },
  network: { kind: 'networks', connections: [connectionTo('bridge')] },
  extraHosts: [],
  resolver: { servers: [], search: [], options: [] },
  sysctls: [],
  publish: [],
  publishAll: false,
  expose: [],
};

test('creates a request with the defaults', async (t) => {
  const { status, calls } = await gangway(['run', 'true']);
  t.is(status, 0);
  t.deepEqual(calls[0]?.slice(0, 2), ['run', defaults]);
  t.is(calls.length, 1);
});

test('passes every option of run in the request', async (t) => {
  const line =
    '-it --rm --init --name web --network none -p 127.0.0.1:8080:80 -P --expose 53/udp --proxy-protocol 80 --rootfs / --isolation=network ' +
    '--hostname h --user 1000:1000 -e A=b -e HOME -e UNSET -e constructor -w /srv -v /etc:/mnt:ro --cpus .5 --cpu-shares 512 ' +
    '--memory 64m --pids-limit 10 --device-read-bps /dev/vda:1mb --device-write-bps /dev/vda:2mb --blkio-weight 300 ' +
    '--userns private --cap-add CAP_NET_ADMIN --cap-drop all --read-only --sysctl net.ipv4.ip_forward=1 ' +
    '--sysctl kernel.shmmax=65536 sh -c';
  const { calls, status, stderr } = await gangway(['run', ...line.split(' '), '--rm -d'], {
    terminal: true,
    environment: { HOME: '/root' },
  });
  t.is(stderr, '');
  t.is(status, 0);
  t.deepEqual(calls[0]?.[1], {
    command: ['sh', '-c', '--rm -d'],
    name: 'web',
    isolation: 'network',
    rootfs: { kind: 'directory', path: '/' },
    readOnly: true,
    volumes: [{ source: '/etc', target: '/mnt', readOnly: true }],
    hostname: 'h',
    user: '1000:1000',
    environment: ['A=b', 'HOME=/root'],
    workingDirectory: '/srv',
    terminal: true,
    interactive: true,
    init: true,
    removeOnExit: true,
    restart: { kind: 'no' },
    limits: {
      cpuMillis: 500,
      cpuShares: 512,
      memoryBytes: 64 * 1024 ** 2,
      pids: 10,
      deviceReadBytesPerSecond: [{ path: '/dev/vda', bytesPerSecond: 1024 ** 2 }],
      deviceWriteBytesPerSecond: [{ path: '/dev/vda', bytesPerSecond: 2 * 1024 ** 2 }],
      blockWeight: 300,
    },
    userNamespace: 'private',
    capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
    network: { kind: 'none' },
    extraHosts: [],
    resolver: { servers: [], search: [], options: [] },
    sysctls: [
      { key: 'net/ipv4/ip_forward', value: '1' },
      { key: 'kernel/shmmax', value: '65536' },
    ],
    publish: [
      {
        protocol: 'tcp',
        hostAddress: { family: 4, value: 0x7f000001n },
        hostPort: { first: 8080, last: 8080 },
        containerPort: { first: 80, last: 80 },
      },
    ],
    publishAll: true,
    expose: [{ port: 53, protocol: 'udp' }],
    proxyProtocol: [{ port: 80, protocol: 'tcp' }],
  } satisfies ContainerRequest);
});

test('exits with the status of the command', async (t) => {
  const { status, stdout } = await gangway(['run', 'false'], {
    run: async () => ({ id, ending: { kind: 'exited', exitCode: 7 } }),
  });
  t.is(status, 7);
  t.is(stdout, '');
});

test('prints the ID with run -d, without streams', async (t) => {
  const { calls, stdout } = await gangway(['run', '-d', '--restart', 'on-failure:3', 'sleep', '9']);
  t.is(stdout, `${id}\n`);
  t.like(calls[0]?.[1], { restart: { kind: 'on-failure', maximumRetries: 3 } });
  t.is(calls[0]?.[2], undefined);
});

test('attaches stdin only with -i', async (t) => {
  const streamsOf = async (...words: string[]) => (await gangway(['run', ...words, 'cat'])).calls[0]?.[2] as RunOptions;
  t.false('stdin' in Object((await streamsOf()).streams));
  t.true('stdin' in Object((await streamsOf('-i')).streams));
  t.like((await streamsOf('--detach-keys=ctrl-x')).streams, { detachKeys: 'ctrl-x' });
});

test('rejects -it without a terminal', async (t) => {
  const { status, stderr, calls } = await gangway(['run', '-it', 'sh']);
  t.is(status, 1);
  t.regex(stderr, /stdin is not a terminal; leave out -t/);
  t.deepEqual(calls, []);
});

test('prints an error with its hint on one line', async (t) => {
  const { status, stdout, stderr } = await gangway(['run', '-dp', '8080:80', 'true'], {
    run: async () => {
      throw new GangwayError('port-in-use', 'port 8080/tcp is in use by nginx (pid 812)', { hint: 'stop it' });
    },
  });
  t.is(status, 125);
  t.is(stdout, '');
  t.is(stderr, 'gangway: port 8080/tcp is in use by nginx (pid 812); stop it\n');
});

const statuses = [
  ['command-not-found', 127],
  ['command-not-executable', 126],
  ['network-not-found', 125],
  ['container-exists', 125],
] as const;

for (const [code, expected] of statuses) {
  test(`exits with ${expected} from run and 1 from create after ${code}`, async (t) => {
    const fail = async () => {
      throw new GangwayError(code, 'no');
    };
    t.is((await gangway(['run', 'x'], { run: fail })).status, expected);
    t.is((await gangway(['create', 'x'], { create: fail })).status, 1);
  });
}

const refused: Record<string, readonly [status: number, stderr: RegExp]> = {
  '-p abc': [125, /^gangway: invalid container port "abc"; .*\nSee 'gangway run --help'\.\n$/],
  '-p=-1:80': [125, /invalid host port "-1"/],
  '-p 8700:80 -p 8700:81': [125, /publish the same port of the host/],
  '-p localhost:80:80': [125, /invalid IP address "localhost"; write 127\.0\.0\.1/],
  '--expose abc': [125, /invalid exposed port "abc"/],
  '--name w': [125, /invalid container name "w"/],
  '--name ../x': [125, /invalid container name/],
  '--hostname a/b': [125, /invalid hostname/],
  '--network a;b': [125, /invalid network name/],
  '--network none --network host': [125, /excludes every other network/],
  '--network container:web --hostname x': [125, /--hostname/],
  '--rm --restart always': [125, /--rm and --restart exclude each other/],
  '--restart sometimes': [125, /invalid restart policy/],
  '--isolation some': [125, /--isolation "some" is unknown; use full or network/],
  '--userns x': [125, /--userns/],
  '--sysctl kernel.hostname=x': [125, /--sysctl kernel\.hostname is a setting of the whole machine; /],
  '--sysctl net.ipv4.ip_forward': [125, /is not KEY=VALUE/],
  '--network host --sysctl net.ipv4.ip_forward=1': [125, /--sysctl conflicts with --network host; /],
  '--network container:web --sysctl net.ipv4.ip_forward=1': [125, /--sysctl conflicts with --network container:web; /],
  '--rootfs /nonexistent': [125, /--rootfs \/nonexistent not found; /],
  '--rootfs /etc\0': [125, /--rootfs \/etc\\x00 not found; /],
  [`--rootfs /${'a'.repeat(300)}`]: [125, /not found; /],
  '--rootfs /dev/null': [125, /neither a directory nor a file/],
  '-v data:/data': [125, /invalid volume "data:\/data"/],
  '-v /a:/': [125, /invalid volume/],
  '-w srv': [125, /--workdir "srv" is no absolute path/],
  '--memory lots': [125, /--memory/],
  '--cap-add a;b': [125, /is not a capability/],
  '--cap-drop NET_RWA': [125, /is not a capability/],
  '-e =x': [125, /invalid environment entry/],
  '--detach-keys ctrl-': [125, /invalid detach keys/],
  '--foo': [125, /^gangway: unknown flag: --foo\nSee 'gangway run --help'\.\n$/],
};

for (const [line, [status, stderr]] of Object.entries(refused)) {
  test(`rejects run ${line} before anything is created`, async (t) => {
    const outcome = await gangway(['run', ...line.split(' '), 'true']);
    t.is(outcome.status, status);
    t.regex(outcome.stderr, stderr);
    t.is(outcome.stdout, '');
    t.deepEqual(outcome.calls, []);
  });
}

// Serial: every command in this process receives the signal.
test.serial('forwards signals to the command, unless it has a terminal', async (t) => {
  const before = process.listenerCount('SIGTERM');
  const run: Engine['run'] = async (_request, options) => {
    options?.onCreated?.(id);
    const heard = process.listenerCount('SIGTERM') - before;
    if (heard > 0) process.emit('SIGTERM', 'SIGTERM');
    return { id, ending: { kind: 'exited', exitCode: heard } };
  };
  const { status, calls } = await gangway(['run', 'sleep', '9'], { run });
  t.is(status, 1);
  t.deepEqual(calls.at(-1), ['kill', id, 'SIGTERM']);
  t.is((await gangway(['run', '-t', 'sleep', '9'], { run })).status, 0);
  t.is(process.listenerCount('SIGTERM'), before);
});

test.serial('forwards a signal during creation as soon as the container runs', async (t) => {
  let isMade = false;
  const attempts: boolean[] = [];
  const run: Engine['run'] = async (_request, options) => {
    options?.onCreated?.(id);
    process.emit('SIGTERM', 'SIGTERM');
    await waitFor('the first attempt', () => attempts.length > 0);
    isMade = true;
    await waitFor('the signal has arrived', () => attempts.at(-1) === true);
    return { id, ending: { kind: 'exited', exitCode: 143 } };
  };
  const kill: Engine['kill'] = async () => {
    attempts.push(isMade);
    if (!isMade) throw new GangwayError('container-not-found', `no container ${id}`);
  };
  t.is((await gangway(['run', 'sleep', '9'], { run, kill })).status, 143);
  t.is(attempts.filter((arrived) => arrived).length, 1, 'once');
});
