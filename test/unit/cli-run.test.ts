import test from 'ava';
import type { ContainerRequest } from '../../src/values/container.ts';
import { GangwayError } from '../../src/values/errors.ts';
import { gangway } from '../support/cli.ts';
import { id } from '../support/fake-engine.ts';

const usual: ContainerRequest = {
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
  network: 'bridge',
  publish: [],
  publishAll: false,
  expose: [],
};

test('run without options asks for what is usual', async (t) => {
  const { status, calls } = await gangway(['run', 'true']);
  t.is(status, 0);
  t.deepEqual(calls[0], ['create', usual]);
  t.is(calls[1]?.[0], 'start');
});

test('every option of run arrives in the request', async (t) => {
  const line =
    '-it --rm --init --name web --network none -p 127.0.0.1:8080:80 -P --expose 53/udp --rootfs / --isolation=network ' +
    '--hostname h --user 1000:1000 -e A=b -e HOME -e UNSET -w /srv -v /etc:/mnt:ro --cpus .5 --cpu-shares 512 ' +
    '--memory 64m --pids-limit 10 --device-read-bps /dev/vda:1mb --device-write-bps /dev/vda:2mb --blkio-weight 300 ' +
    '--userns private --cap-add CAP_NET_ADMIN --cap-drop all --read-only sh -c';
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
    network: 'none',
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
  } satisfies ContainerRequest);
});

test('run ends as its command did', async (t) => {
  const { status, stdout } = await gangway(['run', 'false'], {
    start: async () => ({ kind: 'exited', exitCode: 7 }),
  });
  t.is(status, 7);
  t.is(stdout, '');
});

test('run -d prints the id and gives the container none of our streams', async (t) => {
  const { calls, stdout } = await gangway(['run', '-d', '--restart', 'on-failure:3', 'sleep', '9']);
  t.is(stdout, `${id}\n`);
  t.like(calls[0]?.[1], { restart: { kind: 'on-failure', maximumRetries: 3 } });
  t.deepEqual(calls[1], ['start', id]);
});

test('run reads our input only with -i', async (t) => {
  const streamsOf = async (...words: string[]) => (await gangway(['run', ...words, 'cat'])).calls[1]?.[2];
  t.false('stdin' in ((await streamsOf()) as object));
  t.true('stdin' in ((await streamsOf('-i')) as object));
  t.like(await streamsOf('--detach-keys=ctrl-x'), { detachKeys: 'ctrl-x' });
});

test('-it wants a terminal', async (t) => {
  const { status, stderr, calls } = await gangway(['run', '-it', 'sh']);
  t.is(status, 1);
  t.regex(stderr, /no terminal; leave out -t/);
  t.deepEqual(calls, []);
});

test('what run could not start, it takes away', async (t) => {
  const { status, stderr, calls } = await gangway(['run', '-p', '8080:80', 'true'], {
    start: async () => {
      throw new GangwayError('port-in-use', 'port 8080/tcp is in use by nginx (pid 812)', { hint: 'stop it' });
    },
  });
  t.is(status, 125);
  t.is(stderr, 'gangway: port 8080/tcp is in use by nginx (pid 812); stop it\n');
  t.deepEqual(calls.at(-1), ['remove', id]);
});

test('what runs in spite of an error is left alone', async (t) => {
  const { status, stderr } = await gangway(['run', 'true'], {
    start: async () => {
      throw new GangwayError('program-failed', 'the connection broke');
    },
    remove: async () => {
      throw new GangwayError('container-running', 'it runs');
    },
  });
  t.is(status, 125);
  t.is(stderr, 'gangway: the connection broke\n');
});

const statuses = [
  ['command-not-found', 127],
  ['command-not-executable', 126],
  ['network-not-found', 125],
  ['container-exists', 125],
] as const;

for (const [code, expected] of statuses) {
  test(`run with ${code} exits with ${expected}, create with 1`, async (t) => {
    const create = async () => {
      throw new GangwayError(code, 'no');
    };
    t.is((await gangway(['run', 'x'], { create })).status, expected);
    t.is((await gangway(['create', 'x'], { create })).status, 1);
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
  '--network none --network host': [125, /one network only/],
  '--network container:web': [125, /not there yet/],
  '--rm --restart always': [125, /--rm and --restart exclude each other/],
  '--restart sometimes': [125, /invalid restart policy/],
  '--isolation some': [125, /--isolation "some" is unknown; use full or network/],
  '--userns x': [125, /--userns/],
  '--rootfs /nonexistent': [125, /--rootfs \/nonexistent not found; /],
  '--rootfs /dev/null': [125, /neither directory nor file/],
  '-v data:/data': [125, /invalid volume "data:\/data"/],
  '-v /a:/': [125, /invalid volume/],
  '-w srv': [125, /--workdir "srv" is no absolute path/],
  '--memory lots': [125, /--memory/],
  '--cap-add a;b': [125, /invalid capability/],
  '-e =x': [125, /invalid environment entry/],
  '--foo': [125, /^unknown flag: --foo\nSee 'gangway run --help'\.\n$/],
};

for (const [line, [status, stderr]] of Object.entries(refused)) {
  test(`run ${line} is refused before anything is made`, async (t) => {
    const outcome = await gangway(['run', ...line.split(' '), 'true']);
    t.is(outcome.status, status);
    t.regex(outcome.stderr, stderr);
    t.is(outcome.stdout, '');
    t.deepEqual(outcome.calls, []);
  });
}

test('a terminal passes its signals on as keys, a pipe passes them on to the command', async (t) => {
  const before = process.listenerCount('SIGTERM');
  const { calls } = await gangway(['run', 'sleep', '9'], {
    start: async () => {
      process.emit('SIGTERM', 'SIGTERM');
      return { kind: 'exited', exitCode: 143 };
    },
  });
  t.deepEqual(calls.at(-1), ['kill', id, 'SIGTERM']);
  t.is(process.listenerCount('SIGTERM'), before);
});
