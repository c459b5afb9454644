import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { identifyProcess } from '../../src/kernel/process.ts';
import { programEnvironment } from '../../src/lab/background.ts';
import { hierarchies, sweep } from '../../src/lab/cgroups.ts';
import { createLab } from '../../src/lab/lab.ts';
import { difference } from '../../src/lab/snapshot.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { withLab } from '../support/lab.ts';
import { testProgram } from '../support/program.ts';
import { lacksProgram, skipUnless } from '../support/skip.ts';

/** What a lab could have touched of the machine that the test runs on. */
function machine(): readonly string[] {
  const say = (...argv: [string, ...string[]]) =>
    execFileSync(argv[0], argv.slice(1), { encoding: 'utf8', env: programEnvironment() }).split('\n');
  const switches = [
    'ipv4/ip_forward',
    'ipv4/conf/all/rp_filter',
    'ipv6/conf/all/forwarding',
    'ipv6/conf/default/accept_dad',
  ];
  return [
    ...say('ip', '-o', 'link'),
    ...say('ip', '-o', 'address'),
    ...say('nft', '-s', 'list', 'ruleset'),
    ...say('hostname'),
    ...readFileSync('/proc/self/mountinfo', 'utf8').split('\n'),
    ...['/run', '/etc', '/var/lib', '/dev/shm', '/sys/fs/bpf'].flatMap((path) =>
      readdirSync(path).map((name) => `${path}/${name}`),
    ),
    ...switches.map((name) => `${name} ${readFileSync(`/proc/sys/net/${name}`, 'utf8')}`),
  ].map((line) => line.replace(/ (qlen|group|valid_lft|preferred_lft).*/, ''));
}

function lives(marker: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(marker);
      } catch {
        return false; // it ended while we looked
      }
    });
}

function owner(name: string): ChildProcess {
  const [program, ...parameters] = testProgram('lab-owner');
  return spawn(program, [...parameters, name], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

test.serial('a lab leaves the machine as it found it', async (t) => {
  const before = machine();
  await withLab(t, { outside: ['world', 'attacker'] }, async (lab) => {
    await lab.host.run(['ip', 'link', 'add', 'br7', 'type', 'bridge']);
    await lab.host.run(['nft', 'add', 'table', 'inet', 'mine']);
    await lab.host.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
    await lab.host.run(['sh', '-c', 'echo lost >/run/lost; echo lost >/etc/gangway/lost; ip netns add lost']);
    await lab.host.run(['hostname', 'lost']);
    t.deepEqual(difference(before, machine()), []);
  });
  t.deepEqual(difference(before, machine()), []);
});

test('host and world reach each other at once, in both families', async (t) => {
  await withLab(t, {}, async (lab) => {
    for (const [from, to] of [
      [lab.host, lab.world],
      [lab.world, lab.host],
    ] as const) {
      await from.run(['ping', '-c1', '-W1', to.addresses.v4]);
      await from.run(['ping', '-c1', '-W1', to.addresses.v6]);
    }
    t.regex(await lab.host.run(['ip', 'route', 'get', '198.51.100.9']), /via 203\.0\.113\.2 dev up0/);
    t.regex(await lab.host.run(['ip', '-6', 'route', 'get', '2001:db8:9::9']), /via 2001:db8:f::2 dev up0/);
  });
});

test('the world tells its callers who they are', async (t) => {
  await withLab(t, {}, async (lab) => {
    await lab.world.serve();
    const { v4, v6 } = lab.host.addresses;
    t.is(await lab.host.run(['curl', '-s', `http://${lab.world.addresses.v4}/`]), `${v4}\n`);
    t.is(await lab.host.run(['curl', '-s', `http://[${lab.world.addresses.v6}]/`]), `${v6}\n`);
    const ask = `const s = require('dgram').createSocket(process.argv[1]);
      s.on('message', (text) => { process.stdout.write(text); s.close(); }); s.send('who am I?', 7, process.argv[2]);`;
    t.is(await lab.host.run([process.execPath, '-e', ask, 'udp4', lab.world.addresses.v4]), `${v4}\n`);
    t.is(await lab.host.run([process.execPath, '-e', ask, 'udp6', lab.world.addresses.v6]), `${v6}\n`);
  });
});

test('more places share one Ethernet', async (t) => {
  await withLab(t, { outside: ['world', 'neighbour', 'attacker'], mtu: 1400 }, async (lab) => {
    const attacker = lab.place('attacker');
    await attacker.run(['ping', '-c1', '-W1', lab.place('neighbour').addresses.v6]);
    await attacker.run(['ping', '-c1', '-W1', lab.host.addresses.v4]);
    const [neighbour] = JSON.parse(await attacker.run(['ip', '-j', 'neighbour', 'show', lab.host.addresses.v4]));
    t.is(neighbour.lladdr, '02:42:cb:00:71:01');
    t.is(JSON.parse(await attacker.run(['ip', '-j', 'link', 'show', 'eth0']))[0].mtu, 1400);
    const path = lab.world.networkNamespacePath;
    t.regex(execFileSync('nsenter', [`--net=${path}`, 'ip', '-br', 'address'], { encoding: 'utf8' }), /203\.0\.113\.2/);
    t.regex(await lab.host.run(['ip', 'netns', 'exec', 'world', 'ip', '-br', 'address']), /203\.0\.113\.2/);
  });
});

test('programs run with their input, output, exit code and limits', async (t) => {
  await withLab(t, {}, async ({ host }) => {
    t.deepEqual(await host.exec(['sh', '-c', 'cat; echo $X >&2; exit 7'], { input: 'in', environment: { X: 'y' } }), {
      exitCode: 7,
      stdout: 'in',
      stderr: 'y\n',
    });
    t.is((await host.exec(['sh', '-c', 'kill -TERM $$'])).exitCode, 143);
    t.is((await host.exec(['pwd'])).stdout.trim(), process.cwd());
    t.is((await host.exec(['no-such-program'])).exitCode, 127);
    await t.throwsAsync(host.exec(['sleep', '60'], { timeoutMilliseconds: 50 }), { message: /longer than 50 ms/ });
    const long = await t.throwsAsync(host.run(['sh', '-c', `exit 3\n${'# more\n'.repeat(99)}`]));
    t.regex(long?.message ?? '', /^sh -c exit 3… \(in host\) exited with 3: $/);
    const background = host.spawn(['sh', '-c', 'echo up; exec sleep 60']);
    await background.waitForOutput(/up/);
    t.is((await background.kill('SIGTERM')).exitCode, 143);
    t.false((await host.run(['ps', 'ax'])).includes('sleep 60'));
  });
});

test('a lab sees nothing but its own processes, files and cgroups', async (t) => {
  await withLab(t, { name: 'alone' }, async (lab) => {
    t.is((await lab.host.run(['cat', '/proc/1/comm', '/etc/hostname'])).split('\n')[0], 'sh');
    t.is(await lab.host.run(['hostname']), 'alone\n');
    t.deepEqual((await lab.host.run(['ls', '/var/lib/gangway', '/etc/gangway'])).match(/^\w+/gm), null);
    t.deepEqual(await lab.host.run(['cat', '/proc/1/cgroup']).then((text) => text.match(/:\/(?!init$).+$/gm)), null);
    await lab.host.run([
      'sh',
      '-c',
      'for d in $(find /sys/fs/cgroup -name cgroup.procs -printf "%h "); do mkdir "$d/mine"; done',
    ]);
    t.true(lab.cgroups.every((directory) => existsSync(`${directory}/mine`)));
    const table = (await lab.host.run(['cat', '/proc/self/mountinfo'])).match(/(?<= )\/sys\/\S+/g) ?? [];
    t.is(new Set(table).size, table.length);
    // An orphan is buried by the lab's first process.
    await lab.host.run(['sh', '-c', '(sh -c "exit 3" &) ; (sleep 0.05 &)']);
    await waitFor('no zombie is left', async () => !(await lab.host.run(['ps', 'axo', 'stat'])).includes('Z'));
    await lab.down();
    t.false(lab.cgroups.some((directory) => existsSync(directory)));
    await t.throwsAsync(lab.host.exec(['true']), { code: 'lab-not-found' });
    await lab.down();
  });
});

test('what a program leaves behind is found, thing by thing', async (t) => {
  await withLab(t, {}, async (lab) => {
    const before = await lab.leftovers();
    t.deepEqual(difference(before, await lab.leftovers()), []);
    const sleeper = lab.host.spawn(['sleep', '60']);
    await lab.host.run(['ip', 'link', 'add', 'left0', 'type', 'bridge']);
    await lab.host.run(['ip', 'netns', 'add', 'left']);
    await lab.host.run(['nft', 'add', 'table', 'inet', 'left']);
    const found = difference(before, await lab.leftovers());
    for (const thing of [
      '+ process sleep',
      '+ link host: left0',
      '+ file /run/netns/left',
      '+ mount /run/netns/left (nsfs)',
      '+ nft host: table inet left {',
    ]) {
      t.true(found.includes(thing), `${thing} in ${found.join('\n')}`);
    }
    await sleeper.kill();
    await lab.host.run(['ip', 'link', 'del', 'left0']);
    await lab.host.run(['ip', 'netns', 'del', 'left']);
    await lab.host.run(['nft', 'delete', 'table', 'inet', 'left']);
    t.deepEqual(difference(before, await lab.leftovers()), []);
  });
});

test('labs nest, three deep', async (t) => {
  await withLab(t, {}, async (lab) => {
    const said = await lab.host.run([...testProgram('lab-nest'), '2']);
    t.is(said, '2 true\n1 true\n0 true\n');
  });
});

test('a lab is made on a machine with nothing but a unified cgroup tree', async (t) => {
  await withLab(t, {}, async (lab) => {
    const script = `
      for tree in /sys/fs/cgroup/*/; do ! mountpoint -q "$tree" || umount "$tree"; done
      umount /sys/fs/cgroup
      mount -t cgroup2 only-v2 /sys/fs/cgroup
      exec "$@"`;
    const said = await lab.host.run([
      ...['unshare', '--mount', 'sh', '-euc', script, 'sh'],
      ...testProgram('lab-nest'),
      '1',
    ]);
    t.is(said, '1 true\n0 true\n');
  });
});

test('labs do not see each other', async (t) => {
  await withLab(t, {}, async (one) => {
    await withLab(t, {}, async (other) => {
      await Promise.all([one, other].map((lab, index) => lab.host.run(['ip', 'netns', 'add', `only${index}`])));
      t.deepEqual(
        (await Promise.all([one, other].map((lab) => lab.host.run(['ls', '/run/netns'])))).map((text) =>
          text.trim().split('\n'),
        ),
        [
          ['only0', 'world'],
          ['only1', 'world'],
        ],
      );
    });
  });
});

test('ten labs are made at the same time', async (t) => {
  await withLab(t, {}, async () => {
    const labs = await Promise.all(Array.from({ length: 10 }, () => createLab()));
    await Promise.all(labs.map((lab) => lab.world.run(['ping', '-c1', '-W2', '203.0.113.1'])));
    await Promise.all(labs.map((lab) => lab.down()));
    t.pass();
  });
});

test('crun runs a container inside, with limits', async (t) => {
  if (skipUnless(t, lacksProgram({ crun: 'crun' }))) return;
  await withLab(t, {}, async (lab) => {
    const spec = JSON.parse(
      await lab.host.run(['sh', '-euc', 'mkdir /run/bundle; cd /run/bundle; crun spec; cat config.json']),
    );
    spec.process.terminal = false;
    spec.process.args = [
      'sh',
      '-c',
      'cat /proc/self/cgroup; cat /sys/fs/cgroup/pids.max || cat /sys/fs/cgroup/pids/pids.max',
    ];
    spec.linux.cgroupsPath = '/gangway/one';
    spec.linux.resources.pids = { limit: 42 };
    // crun refuses a machine with v1 controllers and a unified tree beside them: it must not see the latter.
    const script = `
      [ ! -d /sys/fs/cgroup/unified ] || umount /sys/fs/cgroup/unified
      cd /run/bundle; mkdir rootfs scratch; cat >config.json
      mount -t tmpfs scratch scratch; mkdir scratch/u scratch/w
      mount -t overlay -o lowerdir=/,upperdir=scratch/u,workdir=scratch/w root rootfs
      exec crun run one`;
    const said = await lab.host.run(['unshare', '--mount', '--propagation', 'slave', 'sh', '-euc', script], {
      input: JSON.stringify(spec),
    });
    t.regex(said, /^42$/m);
  });
});

test('kill -9 of its owner takes the lab away', async (t) => {
  const process_ = owner('owner-killed');
  const [text] = await once(process_.stdout ?? process_, 'data');
  const { pid, cgroups } = JSON.parse(String(text)) as { pid: number; cgroups: readonly string[] };
  t.not(identifyProcess(pid), undefined);
  process_.kill('SIGKILL');
  await waitFor('the lab is gone', () => identifyProcess(pid) === undefined);
  await waitFor('its cgroups are gone', () => !cgroups.some((directory) => existsSync(directory)));
  await waitFor('its processes are gone', () => !lives('owner-killed'));
  t.pass();
});

test('when its keeper is killed, too, the next lab command sweeps the cgroups', async (t) => {
  const lab = await createLab({ name: 'swept' });
  await lab.host.run(['sh', '-c', 'mkdir /sys/fs/cgroup/*/below || mkdir /sys/fs/cgroup/below']);
  const parent = (pid: number) => Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  const keeper = parent(parent(lab.pid));
  t.true(readFileSync(`/proc/${keeper}/cmdline`, 'utf8').includes('gangway-lab-keeper'));
  process.kill(keeper, 'SIGKILL');
  process.kill(lab.pid, 'SIGKILL');
  await waitFor('the lab is gone', () => identifyProcess(lab.pid) === undefined);
  await waitFor('all is swept', () => {
    sweep();
    return !lab.cgroups.some((directory) => existsSync(directory));
  });
  t.pass();
});

test('Ctrl-C in the middle of the making leaves nothing', async (t) => {
  for (const milliseconds of [0, 5, 15, 30, 50, 80]) {
    const name = `stopped-${milliseconds}`;
    const exists = () =>
      hierarchies().some(({ parent }) => readdirSync(parent).some((entry) => entry.startsWith(`gangway-lab-${name}-`)));
    const process_ = owner(name);
    const ended = once(process_, 'exit');
    await waitFor('the making begins', exists, { timeoutMilliseconds: 20_000 });
    await delay(milliseconds);
    process.kill(-(process_.pid ?? 0), 'SIGINT');
    await ended;
    await waitFor('nothing is left', () => !exists() && !lives(name));
  }
  t.pass();
});
