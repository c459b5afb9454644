import test, { type ExecutionContext } from 'ava';
import { difference } from '../../src/lab/snapshot.ts';
import { type Gangway, withGangway } from '../support/gangway.ts';
import { isLong } from '../support/long.ts';

interface Failure {
  /** A script that breaks something, with the names that the container will have as parameters. */
  readonly broken: string;
  readonly words?: readonly string[];
  readonly exitCode?: number;
  readonly says: RegExp;
}

const usual = ['-p', '8080:80', '--name', 'web', 'sleep', '1000'];
const seed = { GANGWAY_SEED: 'undo' };

/** Breaks, runs, and compares; mends by ending the lab. */
async function failing(t: ExecutionContext, failure: Failure): Promise<void> {
  await withGangway(t, async (gangway) => {
    const plan = await gangway.exec(['explain', 'run', '-d', ...usual], { environment: seed });
    const names = [/\bgangway-[0-9a-f]{12}\b/, /\bveth[0-9a-f]{7}\b/].map((name) => name.exec(plan.stdout)?.[0] ?? '');
    await gangway.sh(failure.broken, ...names);
    await leavesNothing(t, gangway, failure);
  });
}

async function leavesNothing(t: ExecutionContext, gangway: Gangway, failure: Failure): Promise<void> {
  const before = await gangway.state();
  const { exitCode, stdout, stderr } = await gangway.exec(['run', '-d', ...(failure.words ?? []), ...usual], {
    environment: seed,
  });
  t.is(exitCode, failure.exitCode ?? 125, stdout);
  t.regex(stderr, failure.says);
  t.is(stderr.trimEnd().split('\n').length, 1, stderr);
  await gangway.settlesAt(t, before);
  t.is(await gangway.run('ps', '-aq'), '');
}

/** Programs of the machine, seen through an overlay in which they can be replaced. */
const replaceable = `
mkdir -p /run/undo; mount -t tmpfs tmpfs /run/undo
for directory in bin sbin; do
  mkdir -p /run/undo/$directory.upper /run/undo/$directory.work
  mount -t overlay -o lowerdir=/usr/$directory,upperdir=/run/undo/$directory.upper,workdir=/run/undo/$directory.work overlay /usr/$directory
done
replace() { rm "$1"; cat >"$1"; chmod 755 "$1"; }
`;

const failures: Readonly<Record<string, Failure>> = {
  'a link has the name of the cable': { broken: 'ip link add "$2" type bridge', says: /add link veth.* EEXIST/ },
  'a file has the name of the namespace': {
    broken: 'mkdir -p /run/netns; echo >"/run/netns/$1"',
    says: /EEXIST.*\/run\/netns\/gangway-/,
  },
  'a link that is no bridge has the name of the bridge': {
    broken: 'ip link add gangway0 type veth peer name gangway1',
    says: /gangway0/,
  },
  'settings of the kernel can’t be written': {
    broken: 'mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys',
    says: /EROFS|read-only/,
  },
  'nft is missing': {
    broken: `${replaceable} rm /usr/sbin/nft`,
    says: /nft is not installed; apt-get install nftables/,
  },
  'nft fails': {
    broken: `${replaceable} cp /usr/sbin/nft /usr/sbin/nft.true
echo '#!/bin/sh
case "$*" in "-f -") echo "no such luck" >&2; exit 1;; esac
exec nft.true "$@"' | replace /usr/sbin/nft`,
    says: /nft could not load table inet gangway: no such luck/,
  },
  'crun is missing': { broken: `${replaceable} rm /usr/bin/crun`, says: /crun is not installed; apt-get install crun/ },
  'conmon is missing': {
    broken: `${replaceable} rm /usr/bin/conmon`,
    says: /conmon is not installed; apt-get install conmon/,
  },
  'conmon fails': {
    broken: `${replaceable} echo '#!/bin/sh
echo "no such luck" >&2; exit 1' | replace /usr/bin/conmon`,
    says: /could not be started: no such luck/,
  },
  'crun fails to start what it has created': {
    broken: `${replaceable} cp /usr/bin/crun /usr/bin/crun.true
echo '#!/bin/sh
case "$*" in *" start "*) echo "no such luck" >&2; exit 1;; esac
exec crun.true "$@"' | replace /usr/bin/crun`,
    says: /could not be started: no such luck/,
  },
  'somebody else’s table has our name': {
    broken: 'nft add table inet gangway',
    says: /table inet gangway.*nft delete table inet gangway/,
  },
  'the machine has no room for another subnet': {
    broken: 'for n in 172.16.0.0/12 192.168.0.0/16 10.0.0.0/8 198.18.0.0/15; do ip route add $n dev lo; done',
    says: /subnet|pool/,
  },
};

for (const [name, failure] of Object.entries(failures)) test.serial(`nothing is left when ${name}`, failing, failure);

test.serial('nothing is left when the command is missing, or no program', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('gc');
    const before = await gangway.state();
    for (const [command, status, says] of [
      ['/no/such/program', 127, /not found/],
      ['no-such-program', 127, /not found/],
      ['/etc/hostname', 126, /can't be executed/],
      ['/etc', 126, /can't be executed/],
    ] as const) {
      const { exitCode, stderr } = await gangway.exec(['run', '--rm', '-p', '8080:80', command]);
      t.is(exitCode, status, stderr);
      t.regex(stderr, says);
      await gangway.settlesAt(t, before);
    }
  });
});

for (const directory of ['/run/gangway', '/var/lib/gangway']) {
  test.serial(`nothing is left when ${directory} is full, however early or late`, async (t) => {
    t.timeout(300_000);
    await withGangway(t, async (gangway) => {
      await gangway.run('run', '--rm', 'true');
      await gangway.run('gc');
      // A page at a time (in the short form, five), until there is room enough.
      for (let pages = 0; ; pages += isLong ? 1 : 5) {
        await gangway.sh(
          `mount -t tmpfs -o size=$((4096 * ($2 + 1))) tmpfs "$1"
           mkdir "$1/containers" "$1/networks"; head -c 4096 /dev/zero >"$1/filler"`,
          directory,
          `${pages}`,
        );
        const before = await gangway.state();
        const { exitCode, stderr } = await gangway.exec(['run', '-d', ...usual]);
        if (exitCode !== 0) {
          t.is(exitCode, 125);
          t.regex(stderr, /^gangway: .*(no space left|No space|could not be started|switchboard)/i, `${pages} pages`);
        }
        if (exitCode === 0) await gangway.run('rm', '-f', 'web');
        await gangway.exec(['gc']);
        await gangway.settlesAt(t, before, `${pages} pages: ${stderr}`);
        await gangway.sh('umount "$1"', directory);
        if (exitCode === 0) break;
      }
    });
  });
}

test.serial('what stood before stands afterwards', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'other', '-p', '8081:80', 'sleep', '1000');
    const before = await gangway.state();
    const { exitCode } = await gangway.exec(['run', '-d', ...usual.slice(0, -2), '/no/such/program']);
    t.is(exitCode, 127);
    await gangway.settlesAt(t, before);
    const port = await gangway.exec(['run', '-d', '-p', '8081:80', 'sleep', '1000']);
    t.is(port.exitCode, 125);
    t.regex(port.stderr, /port .*8081.* container other/);
    t.deepEqual(difference(before, await gangway.state()), []);
  });
});
