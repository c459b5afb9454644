import test from 'ava';
import { parseLayout } from '../../src/kernel/cgroup.ts';
import { inactiveFileBytes, parseNetworkDevices, readUsage } from '../../src/services/process/statistics.ts';

// Recorded on Linux 6.18 in a container that had sent one ping.
const netDev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     168       2    0    0    0     0          0         0      168       2    0    0    0     0       0          0
  eth0:12884902188      12    0    0    0     0          0         0      998      11    0    0    0     0       0          0
  eth1:     10       1    0    0    0     0          0         0        2       1    0    0    0     0       0          0
`;

test('traffic is counted over all interfaces but lo', (t) => {
  t.deepEqual(parseNetworkDevices(netDev), { receivedBytes: 12_884_902_198n, transmittedBytes: 1000n });
  t.deepEqual(parseNetworkDevices(''), { receivedBytes: 0n, transmittedBytes: 0n });
});

test('the cache that can be dropped is found in both versions', (t) => {
  t.is(inactiveFileBytes('cache 5\ninactive_file 1\nactive_file 3\ntotal_inactive_file 4096\n'), 4096);
  t.is(inactiveFileBytes('anon 5\ninactive_file 8192\nactive_file 3\n'), 8192);
  t.is(inactiveFileBytes(''), 0);
});

test('version 2', (t) => {
  const layout = parseLayout('24 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n', '0::/\n');
  const files: Record<string, string> = {
    'cpu.stat': 'usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 9\nnr_throttled 4\nthrottled_usec 70\n',
    'memory.current': '1048576\n',
    'memory.max': 'max\n',
    'memory.stat': 'anon 5\ninactive_file 48576\n',
    'memory.events': 'low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n',
    'pids.current': '3\n',
    'pids.max': '64\n',
    'io.stat': '254:0 rbytes=1000 wbytes=2000 rios=1 wios=1 dbytes=0 dios=0\n259:0 rbytes=24 wbytes=48 rios=1\n',
  };
  const { time, ...usage } = readUsage(layout, '/gangway/c1', 12, (path) =>
    path === '/proc/12/net/dev' ? netDev : files[path.replace('/sys/fs/cgroup/gangway/c1/', '')],
  );
  t.true(time instanceof Date);
  t.deepEqual(usage, {
    cpuNanoseconds: 1_500_000n,
    throttledPeriods: 4,
    throttledNanoseconds: 70_000n,
    memoryBytes: 1_000_000,
    memoryLimitBytes: undefined,
    outOfMemoryKills: 2,
    pids: 3,
    pidsLimit: 64,
    blockReadBytes: 1024n,
    blockWriteBytes: 2048n,
    receivedBytes: 12_884_902_198n,
    transmittedBytes: 1000n,
  });
});

test('a container that is gone counts nothing', (t) => {
  const layout = parseLayout('24 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n', '0::/\n');
  const usage = readUsage(layout, '/gangway/c1', undefined, () => undefined);
  t.is(usage.memoryBytes, 0);
  t.is(usage.cpuNanoseconds, 0n);
  t.is(usage.receivedBytes, 0n);
});
