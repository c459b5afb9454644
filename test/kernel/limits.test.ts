/**
 * Every limit bites: the compiled program in a lab, on whichever version of control groups the machine has. Afterwards no
 * group is left.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { diskOfPartition, readSchedulers, sharesByWeight } from '../../src/kernel/block-device.ts';
import { type Controller, hasController, readLayout } from '../../src/kernel/cgroup.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { type Gangway, withGangway } from '../support/gangway.ts';
import { skipUnless } from '../support/skip.ts';

const layout = readLayout();
const lacking = (controller: Controller) =>
  hasController(layout, controller) ? undefined : `control groups can't limit "${controller}" here`;
/** A file of the container's own group, by its name in version 2 and by controller and name in version 1. */
const file = (two: string, one: string) => `/sys/fs/cgroup/${layout.kind === 'v2' ? two : one}`;
/** Where files are on a disk, and not in memory. */
const temporary = '/var/tmp';
const run = ['run', '--network', 'none', '--name', 'limited'];

/** A test in a lab, after which there is no group that was not there before. */
function limit(
  name: string,
  missing: string | undefined,
  body: (t: ExecutionContext, gangway: Gangway) => Promise<void>,
) {
  test.serial(name, async (t) => {
    if (skipUnless(t, missing)) return;
    await withGangway(t, async (gangway) => {
      const groups = async () => (await gangway.lab.leftovers()).filter((thing) => thing.startsWith('cgroup '));
      const before = await groups();
      await body(t, gangway);
      await gangway.run('rm', '-f', 'limited');
      t.deepEqual(await groups(), before);
    });
  });
}

limit('memory: the kernel kills, and that is told, kept and counted', lacking('memory'), async (t, gangway) => {
  const { exitCode, stderr } = await gangway.exec([...run, '--memory', '32m', 'tail', '/dev/zero']);
  t.is(exitCode, 137);
  t.regex(stderr, /container limited ran out of memory: the kernel killed a process at the limit/);
  const [{ State: state, HostConfig: host }] = JSON.parse(await gangway.run('inspect', 'limited'));
  t.deepEqual([state.OOMKilled, state.ExitCode, host.Memory], [true, 137, 32 * 1024 ** 2]);
});

limit(
  'processors: a fifth of one is a fifth of the time, and stats counts the waiting',
  lacking('cpu'),
  async (t, gangway) => {
    const busy = ['sh', '-c', 'while :; do :; done'];
    await gangway.run(...run, '-d', '--cpus', '0.2', '--memory', '64m', ...busy);
    const look = async () => JSON.parse(await gangway.run('stats', '--no-stream', '--format', 'json'));
    await waitFor('it is throttled', async () => Number((await look()).ThrottledPeriods) >= 2);
    const row = await look();
    t.true(Number.parseFloat(row.CPUPerc) < 40, row.CPUPerc);
    t.regex(row.MemUsage, / \/ 64MiB$/);
    t.deepEqual([row.PIDs, row.OutOfMemoryKills], ['1', '0']);
  },
);

limit('shares: less than the usual 1024 is less than the usual weight', lacking('cpu'), async (t, gangway) => {
  const usual = layout.kind === 'v2' ? 100 : 1024;
  const weight = await gangway.run(...run, '--cpu-shares', '512', 'cat', file('cpu.weight', 'cpu/cpu.shares'));
  t.true(Number(weight) > 1 && Number(weight) < usual, weight);
});

limit('processes: one too many can’t be forked', lacking('pids'), async (t, gangway) => {
  const events = file('pids.events', 'pids/pids.events');
  const command = `(for i in 1 2 3 4 5 6 7 8; do sleep 1 & done); cat ${events}`;
  const { stdout, stderr } = await gangway.exec([...run, '--pids-limit', '5', 'sh', '-c', command]);
  t.regex(stderr, /Cannot fork/);
  t.regex(stdout, /^max [1-9]/);
});

limit(
  'disks: 2 MiB at 1 MiB per second take two seconds, either way, and less without a limit',
  lacking('io'),
  async (t, gangway) => {
    const device = diskOf(temporary);
    if (skipUnless(t, device === undefined ? `${temporary} is not on a whole disk` : undefined)) return;
    const directory = mkdtempSync(`${temporary}/gangway-test-`);
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    const volume = ['-v', `${directory}:/mnt`];
    const rates = ['--device-write-bps', `${device}:1mb`, '--device-read-bps', `${device}:1mb`];
    const command = `dd if=/dev/zero of=/mnt/big bs=64k count=32 oflag=direct; dd if=/mnt/big of=/dev/null bs=64k iflag=direct`;
    const measured = async (options: readonly string[]) => {
      const { stderr } = await gangway.exec([...run, ...options, 'sh', '-c', command]);
      await gangway.run('rm', '-f', 'limited');
      return [...stderr.matchAll(/copied, ([\d.]+) s/g)].map(([, text]) => Number(text));
    };
    const [limited, free] = [await measured([...volume, ...rates]), await measured(volume)];
    t.is(limited.length, 2);
    const bites = limited.every((seconds, index) => seconds > 1.5 && seconds > (free[index] ?? seconds));
    t.true(bites, `${limited} s, and without a limit ${free} s`);
  },
);

limit('a weight that no disk would heed is refused', lacking('io'), async (t, gangway) => {
  if (skipUnless(t, sharesByWeight(readSchedulers(), '') ? 'a disk of this machine has BFQ' : undefined)) return;
  const { exitCode, stderr } = await gangway.exec([...run, '--blkio-weight', '300', 'true']);
  t.is(exitCode, 125);
  t.regex(stderr, /--blkio-weight: no disk of this machine is shared by weight/);
});

/** The disk that a directory lies on, if it has a name and is no partition. */
function diskOf(directory: string): string | undefined {
  const { dev } = statSync(directory);
  return readdirSync('/dev')
    .map((name) => `/dev/${name}`)
    .find((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found?.isBlockDevice() && found.rdev === dev && diskOfPartition(dev >> 8, dev & 0xff) === undefined;
    });
}
