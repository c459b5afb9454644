import test from 'ava';
import { formatPorts } from '../../src/cli/commands/ps.ts';
import { binarySize, decimalSize } from '../../src/cli/format.ts';
import { formatTable } from '../../src/cli/list-output.ts';
import type { Engine, LogLine } from '../../src/engine/engine.ts';
import { parseAddress } from '../../src/values/address.ts';
import { humanDuration } from '../../src/values/age.ts';
import { GangwayError } from '../../src/values/errors.ts';
import type { PortBinding } from '../../src/values/port.ts';
import { gangway } from '../support/cli.ts';
import { container, id, networks, statistics } from '../support/fake-engine.ts';

const binding = (address: string, hostPort: number, containerPort: number): PortBinding => {
  return { protocol: 'tcp', hostAddress: parseAddress(address), hostPort, containerPort };
};

const missing = async () => {
  throw new GangwayError('container-not-found', 'container nope not found');
};

test('prints containers as a table', async (t) => {
  const { stdout } = await gangway(['ps'], {
    list: async () => [{ ...container, ports: [binding('0.0.0.0', 8080, 80), binding('::', 8080, 80)] }],
  });
  t.is(
    stdout,
    `CONTAINER ID   COMMAND                  CREATED       STATUS       PORTS                                     NETWORKS   NAMES
d5c0c5b27f1e   "python3 -m http.ser…"   5 hours ago   Up 5 hours   0.0.0.0:8080->80/tcp, [::]:8080->80/tcp   bridge     web
`,
  );
});

test('prints containers as IDs and as JSON', async (t) => {
  t.is((await gangway(['ps', '-q'])).stdout, `${id.slice(0, 12)}\n`);
  t.is((await gangway(['ps', '-aq', '--no-trunc'])).stdout, `${id}\n`);
  const { stdout } = await gangway(['ps', '--format', 'json', '--no-trunc']);
  t.is(stdout.split('\n').length, 2);
  t.like(JSON.parse(stdout), { ID: id, Names: 'web', Command: '"python3 -m http.server 80"', State: 'running' });
});

test('filters containers', async (t) => {
  const found = async (...filters: string[]) => (await gangway(['ps', '-q', ...filters])).stdout !== '';
  t.true(await found('-f', 'name=we'));
  t.false(await found('-f', 'name=x'));
  t.true(await found('-f', 'name=x', '-f', 'name=we'));
  t.false(await found('-f', 'name=we', '-f', 'status=exited'));
  t.true(await found('-f', 'network=bridge', '-f', `id=${id.slice(0, 3)}`));
  t.deepEqual((await gangway(['ps', '-f', 'status=exited'])).calls[0], ['list', { all: true }]);
  const { status, stderr } = await gangway(['ps', '-f', 'foo=bar']);
  t.is(status, 1);
  t.regex(stderr, /^gangway: invalid filter "foo=bar"; write key=value/);
  for (const [command, filter] of [
    ['ps', 'status=foo'],
    ['network ls', 'type=foo'],
    ['network ls', 'scope=foo'],
  ] as const) {
    const outcome = await gangway([...command.split(' '), '-f', filter]);
    t.is(outcome.status, 1);
    t.true(outcome.stderr.startsWith(`gangway: invalid filter "${filter}"; `), outcome.stderr);
    t.deepEqual(outcome.calls, []);
  }
});

test('rejects a format without a field or with an unknown field before it calls the engine', async (t) => {
  const refused = async (format: string, ...command: string[]) => {
    const { status, stdout, stderr, calls } = await gangway([...command, '--format', format]);
    t.is(stdout, '');
    t.deepEqual(calls, []);
    return [status, stderr] as const;
  };
  const [status, stderr] = await refused('{{.Nme}}', 'network', 'ls');
  t.is(status, 1);
  t.regex(stderr, /^gangway: template, column 3: no field \.Nme; did you mean '\.Name'\?\n/);
  t.regex((await refused('table {{.Nme}}', 'stats'))[1], /no field \.Nme/);
  t.regex((await refused('yaml', 'ps'))[1], /invalid --format "yaml": no field; write json, table or a template/);
  t.is((await refused('{{.State', 'inspect', 'web'))[0], 64);
});

test.serial('prints CreatedAt as Docker does: in seconds and local time', async (t) => {
  const before = process.env.TZ;
  t.teardown(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });
  const list = async () => [{ ...container, createdAt: new Date('2026-01-02T13:23:37.561Z') }];
  const told = async (zone: string) => {
    process.env.TZ = zone;
    return (await gangway(['ps', '--format', '{{.CreatedAt}}'], { list })).stdout;
  };
  t.is(await told('CET-1CEST,M3.5.0,M10.5.0/3'), '2026-01-02 14:23:37 +0100 CET\n');
  t.is(await told('<+03>-3'), '2026-01-02 16:23:37 +0300 +03\n');
  t.is(await told('UTC0'), '2026-01-02 13:23:37 +0000 UTC\n');
});

test('renders a template for each row', async (t) => {
  const printed = async (...words: string[]) => (await gangway(words)).stdout;
  t.is(await printed('ps', '--format', '{{.ID}}\\t{{.Names}}'), `${id.slice(0, 12)}\tweb\n`);
  const table = 'table {{.Name}}\\t{{.ID}}';
  t.is(
    await printed('network', 'ls', '--format', table, '-f', 'driver=null'),
    'NAME      NETWORK ID\nnone      222222222222\n',
  );
  const narrow = 'table{{.Name}}\\t{{.ID}}';
  t.is(
    await printed('network', 'ls', '--format', narrow, '-f', 'driver=null'),
    'NAME      NETWORK ID\nnone      222222222222\n',
  );
  t.is(await printed('network', 'ls', '-q', '-f', 'driver=null', '--format', '{{.Label "a"}}{{.Name}}'), 'none\n');
  t.is(await printed('inspect', '-f', '{{.Id}} {{.Config.Tty}}', 'web'), `${id} false\n`);
  const inside =
    '{{range .IPAM.Config}}{{.Gateway}}{{end}} {{range $id, $c := .Containers}}{{$c.Name}}{{end}} {{.Labels.none}}';
  t.is(await printed('network', 'inspect', '-f', inside, 'bridge'), '172.17.0.1 web <no value>\n');
  t.is(await printed('version', '--format', '{{.Node}}'), `${process.versions.node}\n`);
});

test('continues inspect after an object that lacks a field of the template', async (t) => {
  const inspect = async (name: string) => (name === 'a' ? { Id: name } : { Id: name, Extra: 1 });
  const { status, stdout, stderr } = await gangway(['inspect', '-f', '{{.Extra}}', 'a', 'b'], { inspect });
  t.is(status, 1);
  t.is(stdout, '1\n');
  t.regex(stderr, /^gangway: template, column 3: no field \.Extra; the fields are \.Id\n$/);
});

test('prints networks as a table, as IDs and as JSON', async (t) => {
  t.is(
    (await gangway(['network', 'ls'])).stdout,
    `NETWORK ID     NAME      DRIVER    SCOPE
000000000000   bridge    bridge    local
111111111111   host      host      local
222222222222   none      null      local
`,
  );
  t.is((await gangway(['network', 'list', '-qf', 'driver=null'])).stdout, '222222222222\n');
  const lines = (await gangway(['network', 'ls', '--format=json'])).stdout.trimEnd().split('\n');
  t.deepEqual(
    lines.map((line) => JSON.parse(line).Name),
    ['bridge', 'host', 'none'],
  );
});

test('filters networks by name, labels and dangling', async (t) => {
  const [first] = networks;
  if (first === undefined) throw new TypeError('there is a network');
  const own = { ...first, name: 'front', families: [4, 6], internal: true, labels: { a: 'b', c: '' } } as const;
  const used = { ...first, name: 'back', dangling: false };
  const listNetworks = async () => [...networks, own, used];
  const found = async (...filters: readonly string[]) => {
    const words = filters.flatMap((filter) => ['--filter', filter]);
    return (await gangway(['network', 'ls', '--format', '{{.Name}}', ...words], { listNetworks })).stdout.trim();
  };
  t.is(await found('name=^f'), 'front');
  t.is(await found('name=ro'), 'front');
  t.is(await found('name=['), '');
  t.is(await found('dangling=true'), 'front');
  t.is(await found('dangling=0'), 'bridge\nhost\nnone\nback');
  t.is(await found('label=a'), 'front');
  t.is(await found('label=a=b', 'label=c'), 'front');
  t.is(await found('label=a=b', 'label=d'), '');
  t.is(await found('label=a='), '');
  t.is(await found('name=front', 'name=back'), 'front\nback');
  const { stdout } = await gangway(['network', 'ls', '--format', 'json', '-f', 'label=a'], { listNetworks });
  t.like(JSON.parse(stdout), { IPv6: 'true', Internal: 'true', Labels: 'a=b,c=' });
});

test('inspects a network in Docker’s format', async (t) => {
  const { stdout } = await gangway(['network', 'inspect', 'bridge']);
  t.like(JSON.parse(stdout)[0], {
    Name: 'bridge',
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: 'default', Options: null, Config: [{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }] },
    Containers: {
      [id]: {
        Name: 'web',
        EndpointID: 'e'.repeat(64),
        MacAddress: '02:42:ac:11:00:02',
        IPv4Address: '172.17.0.2/16',
        IPv6Address: '',
      },
    },
  });
  t.true(stdout.startsWith('[\n    {\n        "Name"'));
});

test('inspects existing objects and reports the missing ones', async (t) => {
  const { status, stdout, stderr } = await gangway(['inspect', 'nope', 'bridge'], {
    inspect: missing,
    inspectNetwork: async (name) => {
      if (name === 'nope') throw new GangwayError('network-not-found', 'network nope not found');
      return (await import('../support/fake-engine.ts')).bridge;
    },
  });
  t.is(status, 1);
  t.is(JSON.parse(stdout).length, 1);
  t.regex(stderr, /^gangway: no container or network nope; /);
  const nothing = await gangway(['network', 'inspect', 'nope'], { inspectNetwork: missing });
  t.is(nothing.stdout, '[]\n');
  t.is(
    (await gangway(['inspect', '-f', 'json', 'web'])).stdout,
    `[{"Id":"${id}","Config":{"Tty":false},"Traffic":{"Ports":{},"Relayed":{}}}]\n`,
  );
});

test('lists published ports by container port, or one port', async (t) => {
  const ports = async () => [
    binding('0.0.0.0', 8443, 443),
    binding('0.0.0.0', 8080, 80),
    { ...binding('::', 8080, 80) },
  ];
  t.is(
    (await gangway(['port', 'web'], { ports })).stdout,
    '80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n443/tcp -> 0.0.0.0:8443\n',
  );
  t.is((await gangway(['port', 'web', '80'], { ports })).stdout, '0.0.0.0:8080\n[::]:8080\n');
  const json = (await gangway(['port', '--format', 'json', 'web', '443/tcp'], { ports })).stdout;
  t.deepEqual(JSON.parse(json), { ContainerPort: '443', Protocol: 'tcp', HostIp: '0.0.0.0', HostPort: '8443' });
  const unpublished = await gangway(['port', 'web', '81'], { ports });
  t.is(unpublished.status, 1);
  t.regex(unpublished.stderr, /^gangway: container web does not publish port 81\/tcp; /);
  const bad = await gangway(['port', 'web', 'abc'], { ports });
  t.is(bad.status, 1);
  t.regex(bad.stderr, /invalid port "abc"/);
});

test('continues with the next name after an error', async (t) => {
  const stop = async (name: string) => (name === 'nope' ? await missing() : undefined);
  const { status, stdout, stderr, calls } = await gangway(['stop', '-t', '3', '-s', 'int', 'a', 'nope', 'b'], { stop });
  t.is(status, 1);
  t.is(stdout, 'a\nb\n');
  t.is(stderr, 'gangway: container nope not found\n');
  t.deepEqual(calls[0], ['stop', 'a', { timeoutSeconds: 3, signal: 'SIGINT' }]);
});

test('passes options of kill, restart, wait and rm to the engine', async (t) => {
  t.deepEqual((await gangway(['kill', 'web'])).calls, [['kill', 'web', 'SIGKILL']]);
  t.deepEqual((await gangway(['kill', '-s', '1', 'web'])).calls, [['kill', 'web', 'SIGHUP']]);
  t.deepEqual((await gangway(['restart', '--time=0', 'web'])).calls, [['restart', 'web', { timeoutSeconds: 0 }]]);
  t.is((await gangway(['wait', 'a', 'b'], { wait: async () => 7 })).stdout, '7\n7\n');
  t.deepEqual((await gangway(['rm', '-f', 'web'])).calls, [['remove', 'web', { force: true }]]);
  t.deepEqual((await gangway(['stop', '-t', '-1', 'web'])).calls, [['stop', 'web', { timeoutSeconds: -1 }]]);
  t.is((await gangway(['stop', '-t', 'soon', 'web'])).status, 125);
});

test('exits with 0 after rm -f of a missing container', async (t) => {
  const { status, stdout, stderr } = await gangway(['rm', '-f', 'nope'], { remove: missing });
  t.is(status, 0);
  t.is(stdout, '');
  t.is(stderr, 'gangway: container nope not found\n');
  t.is((await gangway(['rm', 'nope'], { remove: missing })).status, 1);
});

test('starts containers, or one container attached', async (t) => {
  t.is((await gangway(['start', 'a', 'b'])).stdout, 'a\nb\n');
  const { status, stdout, calls } = await gangway(['start', '-a', 'web'], {
    start: async () => ({ kind: 'exited', exitCode: 3 }),
  });
  t.is(status, 3);
  t.is(stdout, '');
  t.false('stdin' in Object(calls.at(-1)?.[2]));
  t.is((await gangway(['start', '-a', 'a', 'b'])).status, 1);
});

test('attaches to a container', async (t) => {
  const { calls } = await gangway(['attach', '--no-stdin', '--detach-keys=a', 'web']);
  t.deepEqual(calls.at(-1)?.[3], { stdin: false });
  t.like(calls.at(-1)?.[2], { detachKeys: 'a' });
  t.is((await gangway(['attach', 'web'], { attach: async () => ({ kind: 'detached' }) })).status, 0);
});

test('executes a command with its exit status', async (t) => {
  const words = ['exec', '-it', '-u', '0', '-w', '/srv', '-e', 'A=b', '--privileged', 'web', 'sh', '-c', 'x'];
  const { status, calls } = await gangway(words, { terminal: true, exec: async () => 9 });
  t.is(status, 9);
  t.deepEqual(calls[0]?.[2], {
    command: ['sh', '-c', 'x'],
    terminal: true,
    interactive: true,
    detached: false,
    environment: ['A=b'],
    privileged: true,
    user: '0',
    workingDirectory: '/srv',
  });
  t.is((await gangway(['exec', '-d', 'web', 'x'])).calls[0]?.length, 3);
  t.is((await gangway(['exec', '--detach-keys=a', 'web', 'x'])).status, 125, 'exec has no detach keys');
  const notFound = async () => {
    throw new GangwayError('command-not-found', 'no such command');
  };
  t.is((await gangway(['exec', 'web', 'x'], { exec: notFound })).status, 127);
  t.is((await gangway(['exec', 'web', 'x'], { exec: missing })).status, 1);
});

test('prints logs to stdout and stderr', async (t) => {
  const logs = async function* (): AsyncIterable<LogLine> {
    yield { time: new Date(0), stream: 'stdout', text: 'out\n' };
    yield { time: new Date(0), stream: 'stderr', text: 'err\n' };
  };
  const words = ['logs', '-ft', '-n', '5', '--since', '1970-01-02T00:00:00Z', '--until=10', 'web'];
  const { stdout, stderr, calls } = await gangway(words, { logs });
  t.is(stdout, '1970-01-01T00:00:00.000000000Z out\n');
  t.is(stderr, '1970-01-01T00:00:00.000000000Z err\n');
  t.deepEqual(calls[0]?.[2], { follow: true, tail: 5, since: new Date(86_400_000), until: new Date(10_000) });
  t.deepEqual((await gangway(['logs', '--tail', 'all', 'web'])).calls[0]?.[2], { follow: false });
  t.is((await gangway(['logs', '-n', 'x', 'web'])).status, 125);
  t.is((await gangway(['logs', '--since', 'yesterday', 'web'])).status, 125);
  const [, , recent] = (await gangway(['logs', '--since', '10m', 'web'])).calls[0] ?? [];
  t.true(Math.abs(Date.now() - 600_000 - (recent as { since: Date }).since.getTime()) < 5000);
});

test('leaves out exited containers in stats, or prints zeros with -a', async (t) => {
  const statistics = async () => {
    throw new GangwayError('container-not-running', 'container web is not running');
  };
  t.is((await gangway(['stats', '--no-stream', '--format', 'json'], { statistics })).stdout, '');
  const { status, stdout } = await gangway(['stats', '-a', '--no-stream', '--format', 'json'], { statistics });
  const { Name, CPUPerc, PIDs } = JSON.parse(stdout);
  t.deepEqual([status, Name, CPUPerc, PIDs], [0, 'web', '0.00%', '0']);
  t.is((await gangway(['stats', '--no-stream', 'web'], { statistics })).status, 1);
});

test('continues stats of several containers after one exits', async (t) => {
  let looks = 0;
  const told = async (name: string) => {
    if (name === 'gone' || (name === 'web' && looks > 0))
      throw new GangwayError('container-not-running', 'not running');
    looks += name === 'db' ? 1 : 0;
    return { ...statistics, id: name, name };
  };
  const stats = ['stats', '--no-stream', '--format', '{{.Name}}'];
  t.like(await gangway([...stats, 'web', 'db'], { statistics: told }), { status: 0, stdout: 'db\n', stderr: '' });
  t.is((await gangway([...stats, 'db', 'gone'], { statistics: told })).status, 1);
});

test('ends stats when all named containers are removed, not when they exit', async (t) => {
  let [looks, lists] = [0, 0];
  const told: Partial<Engine> = {
    async statistics() {
      if (++looks > 5) throw new Error('enough');
      if (looks > 2) throw new GangwayError('container-not-running', 'not running');
      return statistics;
    },
    list: async () => (++lists > 1 ? [] : [container]),
  };
  const ended = await gangway(['stats', '--format', '{{.Name}}', 'web'], told);
  t.like(ended, { status: 0, stdout: 'web\n', stderr: '' });
  t.is(lists, 2);
});

test('prints the usage between two samples', async (t) => {
  let samples = 0;
  const told = async () => {
    samples++;
    return { ...statistics, time: new Date(samples * 1000), cpuNanoseconds: BigInt(samples) * 250_000_000n };
  };
  const { stdout } = await gangway(['stats', '--no-stream', '--format', 'json', 'web'], { statistics: told });
  t.deepEqual(JSON.parse(stdout), {
    BlockIO: '0B / 1.45MB',
    CPUPerc: '25.00%',
    Connections: '0',
    Container: id.slice(0, 12),
    ID: id.slice(0, 12),
    MemPerc: '0.15%',
    MemUsage: '1.5MiB / 1GiB',
    Name: 'web',
    NetIO: '1kB / 2kB',
    PIDs: '2',
    PortConnections: '',
    ThrottledPeriods: '3',
    OutOfMemoryKills: '1',
  });
});

test('lists the resources that gc removes, with the reason', async (t) => {
  const collectGarbage = async () => [{ what: 'link veth1', why: 'its container is gone' }];
  t.is((await gangway(['gc'], { collectGarbage })).stdout, 'removed link veth1: its container is gone\n');
  t.is(
    (await gangway(['gc', '--format', 'json'], { collectGarbage })).stdout,
    '{"What":"link veth1","Why":"its container is gone"}\n',
  );
  t.regex((await gangway(['gc'])).stderr, /^nothing to remove/);
});

test('joins consecutive ports in the PORTS column', (t) => {
  const ranges = [8002, 8000, 8001, 9000].map((port) => binding('0.0.0.0', port, port));
  t.is(formatPorts(ranges, []), '0.0.0.0:8000-8002->8000-8002/tcp, 0.0.0.0:9000->9000/tcp');
  t.is(
    formatPorts([binding('127.0.0.1', 80, 80), binding('::1', 8081, 81)], [{ port: 53, protocol: 'udp' }]),
    '53/udp, 127.0.0.1:80->80/tcp, [::1]:8081->81/tcp',
  );
  t.is(
    formatPorts(
      [],
      [1, 2, 3, 5].map((port) => ({ port, protocol: 'tcp' as const })),
    ),
    '1-3/tcp, 5/tcp',
  );
  t.is(
    formatPorts([binding('0.0.0.0', 8080, 80), binding('0.0.0.0', 8081, 81)], []),
    '0.0.0.0:8080->80/tcp, 0.0.0.0:8081->81/tcp',
  );
});

test('formats durations as Docker does', (t) => {
  const spans: [number, string][] = [
    [0.5, 'Less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, 'About a minute'],
    [120, '2 minutes'],
    [3599, '59 minutes'],
    [3600, 'About an hour'],
    [5399, 'About an hour'],
    [5400, '2 hours'],
    [47 * 3600, '47 hours'],
    [48 * 3600, '2 days'],
    [15 * 86_400, '2 weeks'],
    [90 * 86_400, '3 months'],
    [800 * 86_400, '2 years'],
  ];
  for (const [seconds, text] of spans) t.is(humanDuration(seconds * 1000), text);
});

test('formats sizes', (t) => {
  t.is(binarySize(0), '0B');
  t.is(binarySize(1_572_864), '1.5MiB');
  t.is(decimalSize(999), '999B');
  t.is(decimalSize(1_450), '1.45kB');
});

test('pads all columns of a table but the last', (t) => {
  t.is(
    formatTable([
      ['A', 'LONGER THAN TEN', 'C'],
      ['1', '', ''],
    ]),
    'A         LONGER THAN TEN   C\n1\n',
  );
});

test('escapes control characters of DNS answers in every format', async (t) => {
  const queryName = async () => ({
    name: 'db',
    type: 'TXT' as const,
    status: 'NOERROR',
    records: ['db 5 IN TXT "\x1b]0;mine\x07"'],
    by: 'upstream' as const,
    why: 'asked \x9b2J',
  });
  const printed = async (format: string) =>
    (await gangway(['dns', 'query', 'db', '--from', 'web', '--format', format], { queryName })).stdout;
  t.is(await printed('{{range .Records}}{{.}}{{end}} {{.Why}}'), 'db 5 IN TXT "\\x1b]0;mine\\x07" asked \\x9b2J\n');
  t.is(await printed(''), 'db 5 IN TXT "\\x1b]0;mine\\x07"\nasked \\x9b2J\n');
  t.is(JSON.parse(await printed('json')).Records[0], 'db 5 IN TXT "\x1b]0;mine\x07"');
});
