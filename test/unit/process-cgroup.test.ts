import test from 'ava';
import { sharesByWeight } from '../../src/kernel/block-device.ts';
import { cgroupDirectories, hasController, hasSwapAccounting, parseLayout } from '../../src/kernel/cgroup.ts';
import { readCounters } from '../../src/kernel/cgroup-counters.ts';
import { subordinateRange } from '../../src/kernel/user-namespace.ts';

const mounted = (point: string, type: string, options: string) => `31 1 0:28 / ${point} rw - ${type} cgroup ${options}`;
const one = [
  mounted('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'),
  mounted('/sys/fs/cgroup/memory', 'cgroup', 'rw,memory'),
  mounted('/sys/fs/cgroup/pids', 'cgroup', 'rw,pids'),
  mounted('/sys/fs/cgroup/blkio', 'cgroup', 'rw,blkio'),
].join('\n');
const groups = '5:blkio:/\n4:pids:/u\n3:memory:/u\n2:cpu,cpuacct:/\n0::/u\n';
const two = mounted('/sys/fs/cgroup', 'cgroup2', 'rw,nsdelegate,memory_recursiveprot');

test('the layout is told by what is mounted', (t) => {
  t.is(parseLayout(one, groups).kind, 'v1');
  t.is(parseLayout(two, '0::/\n').kind, 'v2');
  t.is(parseLayout(`${one}\n${mounted('/sys/fs/cgroup/unified', 'cgroup2', 'rw')}`, groups).kind, 'hybrid');
  t.is(parseLayout('22 27 0:21 / /proc rw - proc proc rw', groups).kind, 'none');
  // Mounts that others cover are in the table, too.
  t.is(parseLayout(`${one}\n${two}`, groups, (point) => point === '/sys/fs/cgroup').kind, 'v2');
  t.deepEqual(cgroupDirectories(parseLayout(two, '0::/\n'), '/gangway/c1'), ['/sys/fs/cgroup/gangway/c1']);
});

test('counters of version 2', (t) => {
  const files: Record<string, string> = {
    'cpu.stat': 'usage_usec 12\nuser_usec 6\nsystem_usec 6\nnr_periods 9\nnr_throttled 3\nthrottled_usec 70\n',
    'memory.current': '4096\n',
    'memory.max': '8192\n',
    'memory.events': 'low 0\nhigh 0\nmax 5\noom 2\noom_kill 1\n',
    'pids.current': '2\n',
    'pids.max': 'max\n',
    'io.stat': '8:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=1 wios=1\n',
  };
  const counters = readCounters(
    parseLayout(two, '0::/\n'),
    '/gangway/c1',
    (path) => files[path.slice('/sys/fs/cgroup/gangway/c1/'.length)],
  );
  t.deepEqual(counters, {
    cpuNanoseconds: 12_000n,
    throttledPeriods: 3,
    throttledNanoseconds: 70_000n,
    memoryBytes: 4096,
    memoryLimitBytes: 8192,
    outOfMemoryKills: 1,
    pids: 2,
    blockReadBytes: 11n,
    blockWriteBytes: 22n,
  });
});

test('counters of version 1', (t) => {
  const files: Record<string, string> = {
    '/sys/fs/cgroup/cpu,cpuacct/g/cpuacct.usage': '123\n',
    '/sys/fs/cgroup/cpu,cpuacct/g/cpu.stat': 'nr_periods 9\nnr_throttled 3\nthrottled_time 70\n',
    '/sys/fs/cgroup/memory/g/memory.usage_in_bytes': '4096\n',
    '/sys/fs/cgroup/memory/g/memory.limit_in_bytes': '9223372036854771712\n',
    '/sys/fs/cgroup/memory/g/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 4\n',
    '/sys/fs/cgroup/pids/g/pids.current': '2\n',
    '/sys/fs/cgroup/pids/g/pids.max': '5\n',
    '/sys/fs/cgroup/blkio/g/blkio.throttle.io_service_bytes':
      '254:0 Read 10\n254:0 Write 20\n254:0 Total 30\nTotal 30\n',
  };
  t.deepEqual(
    readCounters(parseLayout(one, groups), '/g', (path) => files[path]),
    {
      cpuNanoseconds: 123n,
      throttledPeriods: 3,
      throttledNanoseconds: 70n,
      memoryBytes: 4096,
      outOfMemoryKills: 4,
      pids: 2,
      pidsLimit: 5,
      blockReadBytes: 10n,
      blockWriteBytes: 20n,
    },
  );
});

test('what a kernel lacks has no counter', (t) => {
  t.deepEqual(
    readCounters(parseLayout(two, '0::/\n'), '/gone', () => undefined),
    {},
  );
});

test('controllers and swap accounting are asked of the kernel', (t) => {
  const [first, second] = [parseLayout(one, groups), parseLayout(two, '0::/\n')];
  const says = (text: string | undefined) => () => text;
  t.deepEqual(
    (['cpu', 'memory', 'pids', 'io'] as const).map((name) => hasController(first, name)),
    [true, true, true, true],
  );
  t.false(hasController(parseLayout(one.replace(/.*memory.*/, ''), groups), 'memory'));
  t.true(hasController(second, 'io', says('cpuset cpu io memory pids\n')));
  t.false(hasController(second, 'cpu', says('cpuset memory pids\n')));
  // What stands in the tree of version 2 beside version 1 is out of crun's reach.
  const both = parseLayout(`${mounted('/sys/fs/cgroup/pids', 'cgroup', 'rw,pids')}\n${two}`, groups);
  t.false(hasController(both, 'memory', says('memory\n')));
  t.true(hasSwapAccounting(first, says('9223372036854771712\n')));
  t.false(hasSwapAccounting(first, says(undefined)));
  t.true(hasSwapAccounting(second, says('anon 1\nswapcached 0\n')));
});

test('a weight is kept by a scheduler, or a cost model, that runs', (t) => {
  t.false(sharesByWeight(['[none] mq-deadline\n', '[none]\n'], ''));
  t.false(sharesByWeight(['[none] mq-deadline bfq\n'], ''));
  t.true(sharesByWeight(['[none] bfq\n', 'none mq-deadline [bfq]\n'], ''));
  t.true(sharesByWeight(['[none]\n'], '254:0 enable=1 ctrl=auto rpct=0.00\n'));
  t.false(sharesByWeight(['[none]\n'], '254:0 enable=0 ctrl=auto rpct=0.00\n'));
  // crun writes the weight of BFQ alone as soon as there is one.
  t.false(sharesByWeight(['[none] bfq\n'], '254:0 enable=1 ctrl=auto rpct=0.00\n'));
});

const unheard = () => {};

test('subordinate ids: ours, else root’s, else the usual ones', (t) => {
  const both = (text: string) => subordinateRange(unheard, text, text);
  t.deepEqual(both('vagrant:100000:65536\nroot:200000:1000\ngangway:300000:65536\n'), {
    first: 300_000,
    length: 65_536,
  });
  t.deepEqual(both('root:200000:1000\n'), { first: 200_000, length: 1000 });
  t.deepEqual(subordinateRange(unheard, '', ''), { first: 100_000, length: 65_536 });
  const taken = 'eve:231072:65536\nalice:100000:65536\n';
  t.deepEqual(subordinateRange(unheard, taken, 'bob:165536:1\n'), { first: 165_537 + 65_535 + 65_536, length: 65_536 });
  t.deepEqual(subordinateRange(unheard, 'alice:165536:65536', ''), { first: 100_000, length: 65_536 });
  t.throws(() => subordinateRange(unheard, 'all:1:4294967294', ''), { code: 'not-supported' });
});

test('subordinate ids are nobody’s own, and the same for users and groups', (t) => {
  const both = (text: string) => subordinateRange(unheard, text, text);
  t.deepEqual(both('alice:100000:65536\nroot:1000:1\n'), { first: 165_536, length: 65_536 });
  t.deepEqual(both('root:1000:1\nroot:200000:1000\nroot:1000000:65536\n'), { first: 1_000_000, length: 65_536 });
  t.deepEqual(both('gangway:1:4294967294\nroot:200000:1000\n'), { first: 200_000, length: 1000 });
  const root = 'root:200000:65536\n';
  t.deepEqual(subordinateRange(unheard, root, 'root:100000:200000\n'), { first: 200_000, length: 65_536 });
  for (const other of ['', 'alice:200000:65536\n', 'root:200000:65535\n', 'root:200001:65536\n'])
    t.deepEqual(subordinateRange(unheard, root, other), { first: 100_000, length: 65_536 }, other);
});

test('rows of ours or of root’s that are passed over are told', (t) => {
  const heard = (users: string, groups = users) => {
    const sentences: string[] = [];
    subordinateRange((sentence) => sentences.push(sentence), users, groups);
    return sentences;
  };
  const good = 'root:200000:65536\n';
  t.deepEqual(heard(`alice:100000:65536\n${good}root:1000:1\n`), [], 'what there is beside the one that is taken');
  t.deepEqual(heard(''), []);
  t.is(heard('gangway:300000\n').length, 1, 'a row that is none');
  t.deepEqual(heard(`gangway:300000:65536\n`, `gangway:300000:65535\n${good}`), [
    '/etc/subuid and /etc/subgid don’t give gangway the same ids: containers have 100000 to 165535 for their own',
    '/etc/subuid and /etc/subgid don’t give root the same ids: containers have 100000 to 165535 for their own',
  ]);
  t.deepEqual(heard(`gangway:1:4294967294\n${good}`), [
    '/etc/subuid gives gangway ids below 65536 alone, which are people’s: containers have 200000 to 265535 for their own',
  ]);
});
