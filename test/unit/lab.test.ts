import test from 'ava';
import { parseLayout } from '../../src/kernel/cgroup.ts';
import { identifyProcess, isAlive } from '../../src/kernel/process.ts';
import { programEnvironment } from '../../src/lab/background.ts';
import { hierarchies, labHierarchies } from '../../src/lab/cgroups.ts';
import { fstab } from '../../src/lab/mounts.ts';
import { difference } from '../../src/lab/snapshot.ts';
import { cabling, parseLabName } from '../../src/lab/topology.ts';
import { waitFor } from '../../src/lab/wait.ts';

test('connects the default topology with one veth', (t) => {
  const { batch, wirings } = cabling({});
  t.is(
    batch,
    `netns add world
link add up0 address 02:42:cb:00:71:01 mtu 1500 type veth peer name eth0 address 02:42:cb:00:71:02 netns world mtu 1500
`,
  );
  t.deepEqual(
    wirings.map(({ place, link }) => `${place} ${link}`),
    ['host up0', 'world eth0'],
  );
  t.is(
    wirings[0]?.batch,
    `link set lo up
link set up0 addrgenmode none
address add 203.0.113.1/24 brd + dev up0
address add 2001:db8:f::1/64 dev up0 nodad
address add fe80::1/64 dev up0 nodad
link set up0 up
route add default via 203.0.113.2
route add default via 2001:db8:f::2
`,
  );
  t.notRegex(wirings[1]?.batch ?? '', /route/);
});

test('connects more places with a bridge', (t) => {
  const { batch, wirings } = cabling({ outside: ['world', 'attacker'], mtu: 9000 });
  t.regex(batch, /^netns add world\nnetns add attacker\nnetns add segment\n/);
  t.regex(
    batch,
    /name eth0 netns attacker address 02:42:cb:00:71:03 mtu 9000 type veth peer name port2 netns segment mtu 9000\n$/,
  );
  t.deepEqual(
    wirings.map(({ place }) => place),
    ['segment', 'host', 'world', 'attacker'],
  );
  t.regex(wirings[3]?.batch ?? '', /address add 203\.0\.113\.4|address add 203\.0\.113\.3\/24/);
  t.deepEqual(cabling({ outside: [] }), { batch: '', wirings: [] });
});

test('rejects invalid places and MTUs', (t) => {
  for (const outside of [['host'], ['segment'], ['a b'], ['a\nlink del lo'], ['../x'], ['-n'], ['x'.repeat(16)]]) {
    t.throws(() => cabling({ outside }), { message: /invalid place name/ });
  }
  t.throws(() => cabling({ outside: ['a', 'a'] }), { message: /different names/ });
  for (const mtu of [1279, 65536, 1500.5, Number.NaN]) t.throws(() => cabling({ mtu }), { message: /invalid mtu/ });
});

test('finds the cgroup trees of a v1 host with a unified tree', (t) => {
  const cgroup = '4:memory:/user/a:b\n2:cpu,cpuacct:/\n1:name=systemd:/x\n0::/user\n';
  const mountinfo = `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:3 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
42 31 0:39 / /elsewhere rw - cgroup cgroup rw,memory
`;
  const trees = labHierarchies(parseLayout(mountinfo, cgroup));
  t.deepEqual(
    trees.map(({ mountOptions, parent }) => [parent, mountOptions]),
    [
      ['/sys/fs/cgroup/cpu,cpuacct', 'cpu,cpuacct'],
      ['/sys/fs/cgroup/memory/user/a:b', 'memory'],
      ['/sys/fs/cgroup/systemd/x', 'none,name=systemd'],
      ['/sys/fs/cgroup/unified', ''],
    ],
  );
  const table = fstab('source', {}, trees, []);
  t.regex(table, /^source \/sys\/fs\/cgroup tmpfs mode=755 0 0$/m);
  t.regex(table, /^source \/sys\/fs\/cgroup\/unified cgroup2 X-mount.mkdir 0 0$/m);
});

test('finds the cgroup tree of a v2 host', (t) => {
  const mountinfo = '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n';
  const trees = labHierarchies(parseLayout(mountinfo, '0::/user.slice\n'));
  t.deepEqual(trees, [{ mountPoint: '/sys/fs/cgroup', unified: true, mountOptions: '', parent: '/sys/fs/cgroup' }]);
  t.notRegex(fstab('source', {}, trees, []), /cgroup tmpfs/);
  t.notThrows(hierarchies);
});

test('compares snapshots line by line', (t) => {
  t.deepEqual(difference(['a', 'b', 'b'], ['b', 'c']), ['- a', '- b', '+ c']);
  t.deepEqual(difference(['a'], ['a']), []);
});

test('identifies a process by its start time', (t) => {
  const self = identifyProcess(process.pid);
  t.true(self !== undefined && isAlive(self));
  t.false(isAlive({ pid: process.pid, startTime: '1' }));
  t.is(identifyProcess(2 ** 22 + 1), undefined);
});

test('checks names of labs', (t) => {
  t.is(parseLabName('demo-2'), 'demo-2');
  for (const name of ['', '-x', 'A', '..', 'a/b', 'a\n'])
    t.throws(() => parseLabName(name), { message: /invalid lab name/ });
});

test('keeps npm’s directories at the end of PATH', (t) => {
  const folders = programEnvironment().PATH?.split(':') ?? [];
  const first = folders.findIndex((folder) => folder.includes('/node_modules/'));
  t.true(first === -1 || folders.slice(first).every((folder) => folder.includes('/node_modules/')));
  t.is(programEnvironment({ X: 'y' }).X, 'y');
});

test('reports a timeout with the condition', async (t) => {
  await waitFor('it is so', () => true);
  await t.throwsAsync(
    waitFor('pigs fly', () => false, { timeoutMilliseconds: 10 }),
    { message: 'timeout after 10 ms: pigs fly' },
  );
});
