/** Mistakes: one sentence that names the thing and the remedy, docker's exit status, and nothing changed. */
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { type Gangway, withGangway } from '../support/gangway.ts';
import { isLong, some } from '../support/long.ts';
import { skipUnless } from '../support/skip.ts';

type Mistake = readonly [words: readonly string[], exitCode: number, says: RegExp];

const run = (...words: readonly string[]) => ['run', '--rm', ...words, 'true'];

/** The mistakes of docker/errors.txt that can be made here, and the further ones of a person in a hurry. */
const mistakes: readonly Mistake[] = [
  [run('--network', 'nope'), 125, /network nope not found; `gangway network ls`/],
  [run('--network', ''), 125, /network/],
  [run('--network', 'container:nope'), 125, /no such container: nope/],
  [run('--network', 'a', '--network', 'b'), 125, /network a not found/],
  [run('--network', 'none', '--network', 'host'), 125, /excludes every other network/],
  [run('-p', 'abc'), 125, /abc/],
  [run('-p', '80:abc'), 125, /abc/],
  [run('-p', '70000:80'), 125, /70000/],
  [run('-p', '80:70000'), 125, /70000/],
  [run('-p=-1:80'), 125, /-1/],
  [run('-p', ''), 125, /port/],
  [run('-p', '80:'), 125, /port/],
  [run('-p', '80:80/icmp'), 125, /icmp/],
  [run('-p', '8000-8010:80-85'), 125, /8000-8010/],
  [run('-p', '8010-8000:80'), 125, /8010-8000/],
  [run('-p', '8000:80-85'), 125, /80-85/],
  [run('-p', 'localhost:80:80'), 125, /localhost/],
  [run('-p', '999.1.1.1:80:80'), 125, /999\.1\.1\.1/],
  [run('-p', '192.0.2.55:8600:80'), 125, /192\.0\.2\.55/],
  [run('-p', '::1:8600:80'), 125, /::1/],
  [run('-p', '127.0.0.1:80'), 125, /127\.0\.0\.1/],
  [run('-p', '1:2:3:4'), 125, /"1:2"/],
  [run('-p', '8700:80', '-p', '8700:81'), 125, /8700/],
  [run('-p', '8700:80', '-p', '8700:80'), 125, /8700/],
  [run('-p', '1-65535:1-65535', '-p', '80:80'), 125, /port/],
  [run('--expose', 'abc'), 125, /abc/],
  [run('--name', '../../etc'), 125, /name/],
  [run('--name', 'a;reboot'), 125, /name/],
  [run('--name', '$(reboot)'), 125, /name/],
  [run('--name', ''), 125, /name/],
  [run('--name', '-a'), 125, /name/],
  [run('--name', 'a'.repeat(100_000)), 125, /name/],
  [run('--hostname', 'a b'), 125, /hostname/],
  [run('--hostname', 'a'.repeat(300)), 125, /hostname/],
  [run('--rootfs', '/no/such/tree'), 125, /\/no\/such\/tree not found/],
  [run('--rootfs', '/dev/null'), 125, /neither a directory nor a file/],
  [run('--rootfs', '/etc/hostname'), 125, /could not be unpacked.*tar archive/s],
  [run('--rootfs', '/etc'), 127, /command "true" not found/],
  [run('-v', '/etc'), 125, /volume/],
  [run('-v', 'etc:/mnt'), 125, /volume/],
  [run('-v', '/no/such:/mnt'), 125, /\/no\/such/],
  [run('-v', '/etc:/../../mnt/..'), 125, /volume/],
  [run('-v', '/etc:/mnt:rx'), 125, /volume/],
  [run('--user', 'nobody-here'), 125, /unable to find user nobody-here/],
  [run('--user', '0:nogroup-here'), 125, /unable to find group nogroup-here/],
  [run('--user', '99999999999'), 125, /user/],
  [run('-w', 'relative'), 125, /--workdir/],
  [run('--memory', '1k'), 125, /memory.*(4m|minimum|at least)/i],
  [run('--memory', 'lots'), 125, /memory/],
  [run('--memory', '99999999999999t'), 125, /memory/],
  [run('--cpus', '100000'), 125, /cpus/],
  [run('--cpus', 'NaN'), 125, /cpus/],
  [run('--cpu-shares', '-1'), 125, /cpu-shares/],
  [run('--pids-limit', '0.5'), 125, /pids-limit/],
  [run('--blkio-weight', '5'), 125, /blkio-weight/],
  [run('--device-read-bps', '/dev/nope:1mb'), 125, /\/dev\/nope/],
  [run('--device-read-bps', '/etc/hostname:1mb'), 125, /\/etc\/hostname/],
  [run('--device-write-bps', '/dev/null:lots'), 125, /lots/],
  [run('--cap-add', 'NOPE'), 125, /NOPE/],
  [run('--cap-drop', '$(x)'), 125, /capability/],
  [run('--userns', 'maybe'), 125, /userns/],
  [run('--isolation=none'), 125, /isolation/],
  [run('--isolation=network', '--memory', '64m'), 125, /--memory can't be combined/],
  [run('--restart', 'always'), 125, /--rm and --restart/],
  [['run', '--restart', 'sometimes', 'true'], 125, /restart/],
  [run('-e', '=x'), 125, /environment|variable/],
  [['run'], 1, /requires at least 1 argument/],
  [['run', '--nope', 'true'], 125, /unknown flag: --nope/],
  [['run', '--name'], 125, /needs an argument/],
  [['run', ''], 127, /not found/],
  [['run', '-it', 'true'], 1, /TTY|terminal/],
  [['frobnicate'], 1, /'frobnicate' is not a gangway command/],
  [['network', 'frob'], 1, /'frob' is not a command/],
  [['network', 'inspect', 'nope'], 1, /network nope not found/],
  [['network', 'ls', '--filter', 'foo=bar'], 1, /foo/],
  [['port', 'nope'], 1, /no such container: nope/i],
  [['rm', 'nope'], 1, /no such container: nope/i],
  [['stop', 'nope'], 1, /no such container: nope/i],
  [['start', '../..'], 1, /no such container/i],
  [['exec', 'nope', 'true'], 1, /no such container: nope/i],
  [['logs', 'nope'], 1, /no such container: nope/i],
  [['wait', 'nope'], 1, /no such container: nope/i],
  [['inspect', 'nope'], 1, /nope/],
  [['kill', '-s', 'NOPE', 'web'], 125, /NOPE/],
  [['attach', 'nope'], 1, /no such container: nope/i],
  [['--runtime-directory', `/run/${'long/'.repeat(40)}`, ...run('-p', '80')], 125, /too long for a socket/],
  [['--state-directory', '/etc/hostname', ...run()], 125, /\/etc\/hostname.*--state-directory/],
  [['--runtime-directory', '/dev/null/x', ...run()], 125, /\/dev\/null\/x.*--runtime-directory/],
  [['--state-directory', '/proc/nope', ...run()], 125, /\/proc\/nope/],
  [['--state-directory', '/etc/hostname', 'ps'], 125, /\/etc\/hostname.*--state-directory/],
];

test.serial('a mistake is named, and nothing has changed', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('run', '--rm', 'true');
    await gangway.run('gc');
    const before = await gangway.state();
    for (const mistake of mistakes) await refused(t, gangway, mistake);
    await gangway.settlesAt(t, before);
  });
});

async function refused(t: ExecutionContext, gangway: Gangway, [words, exitCode, says]: Mistake): Promise<void> {
  const told = words.join(' ').slice(0, 100);
  const result = await gangway.exec(words);
  t.is(result.exitCode, exitCode, `${told}: ${result.stderr}`);
  t.regex(result.stderr, says, told);
  t.notRegex(result.stderr, /internal error|\n {4}at |undefined|TypeError/, told);
  t.true(result.stderr.length < 2000, told);
}

test.serial('mistakes about a container that runs', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', '-p', '8080:80', 'sleep', '1000');
    const listener = gangway.lab.host.spawn([
      process.execPath,
      '-e',
      'require("net").createServer().listen(8400, () => console.log("on"))',
    ]);
    await listener.waitForOutput(/on/);
    const before = await gangway.state();
    for (const mistake of [
      [run('--name', 'web'), 125, /"web" is already in use by container/],
      [run('-p', '8080:80'), 125, /8080.*container web/],
      [run('-p', '127.0.0.1:8080:80'), 125, /8080.*container web/],
      [run('-p', '8080-8080:80'), 125, /8080/],
      [run('-p', '8400:80'), 125, /8400.*node \(pid \d+\)/],
      [run('-p', '127.0.0.1:8400:80'), 125, /8400.*node \(pid \d+\)/],
      [['rm', 'web'], 1, /web is running; `gangway stop web`/],
      [['port', 'web', '81'], 1, /81/],
      [['port', 'web', 'abc'], 1, /abc/],
      [['kill', '-s', 'NOPE', 'web'], 125, /NOPE/],
      [['exec', 'web', '/no/such'], 127, /./],
      [['exec', 'web', '/etc/hostname'], 126, /./],
      [['exec', '-u', 'nobody-here', 'web', 'true'], 125, /nobody-here/],
      [['exec', '-w', '/no/such', 'web', 'true'], 126, /./],
      [['attach', '--detach-keys', 'ctrl-', 'web'], 125, /./],
      [['logs', '--tail', 'x', 'web'], 125, /./],
      [['restart', '-t', 'x', 'web'], 125, /./],
    ] as const satisfies readonly Mistake[])
      await refused(t, gangway, mistake);
    await gangway.settlesAt(t, before);
  });
});

test.serial('thousands of ports, and all of them', async (t) => {
  t.timeout(300_000);
  await withGangway(t, async (gangway) => {
    await gangway.run('run', '--rm', 'true');
    await gangway.run('gc');
    const before = await gangway.state();
    const many = Array.from({ length: 3000 }, (_, index) => ['-p', `${10_000 + index}:80`]).flat();
    const patient = { timeoutMilliseconds: 120_000 };
    const { exitCode, stderr } = await gangway.exec(['run', '-d', '--name', 'web', ...many, 'sleep', '100'], patient);
    t.is(exitCode, 0, stderr);
    await gangway.exec(['rm', '-f', 'web'], patient);
    await refused(t, gangway, [run('-p', '1-65535:1-65535/icmp'), 125, /icmp/]);
    const all = await gangway.exec(['run', '-d', '--name', 'web', '-p', '1-65535:1-65535', 'sleep', '100'], patient);
    t.log(all.stderr);
    t.notRegex(all.stderr, /internal error|\n {4}at /);
    await gangway.exec(['rm', '-f', 'web']);
    await gangway.run('gc');
    await gangway.settlesAt(t, before);
  });
});

const records: Readonly<Record<string, string>> = {
  'cut off': 'head -c 100 "$1" >"$1.x"; mv "$1.x" "$1"',
  empty: ': >"$1"',
  'no JSON': 'echo garbage >"$1"',
  null: 'echo null >"$1"',
  'JSON of something else': 'echo "[1,2,3]" >"$1"',
  'without a number of its kind': 'sed -i "s/\\"schema\\":1/\\"schema\\":0/" "$1"',
  'under another name': 'sed -i "s/\\"id\\":\\"/\\"id\\":\\"f/" "$1"',
};

/** JSON of the right kind and the wrong shape. */
const misshapen: Readonly<Record<'containers' | 'networks', Readonly<Record<string, string>>>> = {
  containers: {
    'without a request': 'sed -i "s/\\"request\\":/\\"requesT\\":/" "$1"',
    'with a number as its name': 'sed -i "s/\\"name\\":\\"web\\"/\\"name\\":5/" "$1"',
    'without a name': 'sed -i "s/\\"name\\":\\"web\\",//g" "$1"',
    'without a network': 'sed -i "s/\\"network\\":/\\"networK\\":/g" "$1"',
    'without the plugs of its life': 'sed -i "s/\\"plugs\\":/\\"plugS\\":/" "$1"',
  },
  networks: {
    'without a network': 'sed -i "s/\\"network\\":/\\"networK\\":/" "$1"',
    'with subnets that are none': 'sed -i "s/\\"subnets\\":\\[/\\"subnets\\":[5,/" "$1"',
  },
};

for (const kind of ['containers', 'networks'] as const) {
  test.serial(`a record of ${kind} that is damaged`, async (t) => {
    await withGangway(t, async (gangway) => {
      await gangway.run('run', '--rm', 'true');
      await gangway.run('gc');
      const before = await gangway.state();
      for (const [name, damage] of some(Object.entries({ ...misshapen[kind], ...records }), 2)) {
        await gangway.run('run', '-d', '--name', 'web', '-p', '8080:80', 'sleep', '1000');
        await gangway.sh(`for file in /var/lib/gangway/${kind}/*.json; do set -- "$file"; ${damage}; done`);
        const damaged = await gangway.state();
        const list = await gangway.exec(kind === 'containers' ? ['ps', '-a'] : ['network', 'ls']);
        t.is(list.exitCode, 0, name);
        t.regex(list.stderr, /^gangway: warning: record .* is damaged; `gangway gc` removes it.*\n$/, name);
        await refused(t, gangway, [run(), 125, /record .* is damaged; `gangway gc`/]);
        await gangway.settlesAt(t, damaged, name);
        if (kind === 'networks') await gangway.run('rm', '-f', 'web');
        t.regex(await gangway.run('gc'), /record .*damaged/, name);
        await gangway.settlesAt(t, before, name);
      }
    });
  });
}

/** What becomes of the record of a network, by its file. */
const losses: Readonly<Record<string, string>> = {
  'is torn': 'echo garbage >"$1"',
  'has the wrong shape': 'sed -i "s/\\"network\\":/\\"networK\\":/" "$1"',
  'is missing': 'rm "$1"',
};

const kindsOfNetwork: Readonly<Record<string, readonly string[]>> = {
  ordinary: [],
  'of both families': ['--ipv6', '--subnet', '10.1.2.0/24', '--subnet', 'fd00:1::/64'],
  'with a bridge of a chosen name': ['-o', 'com.docker.network.bridge.name=chosen'],
  internal: ['--internal'],
  isolated: ['--internal', '-o', 'com.docker.network.bridge.gateway_mode_ipv4=isolated'],
  'without talk': ['-o', 'com.docker.network.bridge.enable_icc=false'],
  'under a chosen address': ['-o', 'com.docker.network.host_ipv4=192.0.2.77'],
};

/** Starts a container, and waits until crun has executed the command: a snapshot names processes. */
async function startWeb(gangway: Gangway, ...options: readonly string[]): Promise<void> {
  await gangway.run('run', '-d', '--name', 'web', ...options, 'sleep', '1000');
  await waitFor('the command runs', async () => (await gangway.state()).includes('process sleep'));
}

test.serial(
  'a network whose record is lost leaves nothing after gc, and no other network loses anything',
  async (t) => {
    t.timeout(180_000);
    await withGangway(t, async (gangway) => {
      await gangway.sh('ip link add br-0123456789ab address 02:42:11:22:33:44 type bridge');
      await gangway.run('network', 'create', 'other');
      await startWeb(gangway);
      const before = await gangway.state();
      for (const [loss, script] of Object.entries(losses)) {
        for (const [kind, options] of Object.entries(kindsOfNetwork)) {
          if (!isLong && kind !== 'ordinary' && loss !== 'is missing') continue;
          const what = `${kind} ${loss}`;
          const id = await gangway.run('network', 'create', ...options, 'lost');
          t.not((await gangway.state()).length, before.length, what);
          await gangway.sh(script, `/var/lib/gangway/networks/${id}.json`);
          const bridge = kind.includes('bridge') ? 'chosen' : `br-${id.slice(0, 12)}`;
          t.regex(await gangway.run('gc'), new RegExp(`bridge ${bridge}`), what);
          await gangway.settlesAt(t, before, what);
          t.notRegex(await gangway.run('gc'), /bridge/, what);
        }
      }
      await gangway.run('rm', '-f', 'web');
    });
  },
);

test.serial('the default bridge’s record is lost while another network stands', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('network', 'create', 'other');
    const before = await gangway.state();
    await gangway.run('run', '--rm', 'true');
    await gangway.sh('rm "$(grep -l gangway0 /var/lib/gangway/networks/*.json)"');
    t.regex(await gangway.run('gc'), /bridge gangway0/);
    await gangway.settlesAt(t, before);
    await gangway.run('run', '--rm', 'true');
  });
});

test.serial(
  'a bridge of a lost record stays while somebody is plugged in, and is found without the table',
  async (t) => {
    await withGangway(t, async (gangway) => {
      const before = await gangway.state();
      const id = await gangway.run('network', 'create', 'lost');
      const bridge = `br-${id.slice(0, 12)}`;
      const file = `/var/lib/gangway/networks/${id}.json`;
      await gangway.run('run', '-d', '--name', 'web', '--network', 'lost', 'sleep', '1000');
      const rules = () => gangway.sh('ip rule show proto 103');
      const standing = await rules();
      await gangway.sh('cp "$1" /run/copy; rm "$1"', file);
      t.notRegex(await gangway.run('gc'), /bridge br-|routing rule/);
      t.is(await rules(), standing, 'what no rule has seen still goes nowhere');
      await gangway.sh('ip link show "$1"; nft get element inet gangway bridges "{ $1 }"', bridge);
      await gangway.run('rm', '-f', 'web');
      await gangway.sh('mv /run/copy "$1"; : >"$1"; nft delete table inet gangway', file);
      await gangway.sh('ip link add stranger up master "$1" type veth peer name far; ip link set far up', bridge);
      t.notRegex(await gangway.run('gc'), /bridge br-/);
      t.is(await rules(), standing);
      await gangway.sh('ip link delete stranger; : >"$1"', file);
      t.regex(await gangway.run('gc'), new RegExp(`bridge ${bridge}`));
      await gangway.settlesAt(t, before);
      await gangway.sh('ip rule add pref 641 to 10.9.8.0/24 fwmark 0/0xffffffff blackhole protocol 103');
      t.regex(await gangway.run('gc'), /routing rule pref 641 to 10\.9\.8\.0\/24/, 'of no bridge at all');
      await gangway.settlesAt(t, before);
    });
  },
);

test.serial('a container’s record of the wrong shape takes nothing from the others', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('network', 'create', 'net');
    await gangway.run('run', '-d', '--name', 'web', '--network', 'net', '-p', '127.0.0.1:8080:80', 'sleep', '1000');
    await gangway.run('run', '-d', '--name', 'asks', '--network', 'net', 'sleep', '1000');
    const before = await gangway.state();
    const broken = await gangway.run(
      'run',
      '-d',
      '--name',
      'broken',
      '--network',
      'net',
      '-p',
      '8081:80',
      'sleep',
      '1000',
    );
    await gangway.sh('sed -i "s/\\"request\\":/\\"requesT\\":/" "$1"', `/var/lib/gangway/containers/${broken}.json`);
    const { stdout, stderr } = await gangway.exec(['ps', '--format', '{{.Names}}']);
    t.deepEqual(stdout.trim().split('\n').toSorted(), ['asks', 'web']);
    t.regex(stderr, /^gangway: warning: record .* is damaged; `gangway gc` removes it.*\n$/);
    t.regex(await gangway.run('exec', 'asks', 'getent', 'hosts', 'web'), /web/);
    await gangway.run('gc');
    await gangway.settlesAt(t, before);
    t.regex(await gangway.run('exec', 'asks', 'getent', 'hosts', 'web'), /web/);
    await gangway.run('rm', '-f', 'web', 'asks');
  });
});

// A switchboard that lives may be the first to see that nobody knows the port, and takes its elements away before gc looks.
for (const [how, end] of [
  ['with a switchboard', undefined],
  ['without one', 'kill -9 "$(pgrep -f [_]switchboard)"'],
] as const)
  test.serial(`a published port whose container nobody knows, beside one that somebody does, ${how}`, async (t) => {
    await withGangway(t, async (gangway) => {
      await startWeb(gangway, '-p', '8080:80');
      const before = await gangway.state();
      const ports = ['-p', '8443:80/udp', '-p', '127.0.0.1:8443:80'];
      const id = (await gangway.run('run', '-d', ...ports, 'sleep', '1000')).trim();
      if (end !== undefined) await gangway.sh(end);
      await gangway.sh(`rm /var/lib/gangway/containers/${id}.json`);
      const removed = await gangway.run('gc');
      t.true(removed.includes(`removed what container ${id.slice(0, 12)} left: no record knows it`), removed);
      if (end !== undefined) {
        t.regex(removed, /ports4 \{ udp \. 8443 \}/);
        t.regex(removed, /loopback_ports4 \{ 127\.0\.0\.1 \. tcp \. 8443 \}/);
      }
      await gangway.settlesAt(t, before);
      await gangway.run('rm', '-f', 'web');
    });
  });

test.serial('what a newer gangway wrote is left alone', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', 'sleep', '1000');
    await gangway.sh('sed -i "s/\\"schema\\":1/\\"schema\\":2/" /var/lib/gangway/containers/*.json');
    const before = await gangway.state();
    await refused(t, gangway, [run(), 125, /newer gangway; use that version/]);
    await refused(t, gangway, [['gc'], 1, /newer gangway; use that version/]);
    await refused(t, gangway, [['rm', 'web'], 1, /no such container: web/]);
    t.regex((await gangway.exec(['ps', '-a'])).stderr, /newer gangway/);
    await gangway.settlesAt(t, before);
    await gangway.sh('echo \'{"schema":2}\' >/run/gangway/journal.json');
    await refused(t, gangway, [
      run(),
      125,
      /journal.json: interrupted change of a newer version.*run any command of that version/,
    ]);
  });
});

test.serial('a journal that is torn, or of another boot', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', 'sleep', '1000');
    const before = await gangway.state();
    const namespace = await gangway.sh('cd /run/netns; echo gangway-*');
    const other = JSON.stringify({
      schema: 1,
      boot: 'another',
      plan: { subject: 'run x', direction: 'make', steps: [{ kind: 'namespace', name: namespace, why: '' }] },
      records: [{ path: '/var/lib/gangway/containers/x.json', content: '{}' }],
    });
    for (const journal of ['', '{"schema":1,"plan"', 'null', '[]', '{}', '7', other]) {
      await gangway.lab.host.run(['sh', '-c', 'cat >/run/gangway/journal.json'], { input: journal });
      const { exitCode, stderr } = await gangway.exec(['stop', '-t', '0', 'nope']);
      t.is(exitCode, 1);
      t.regex(stderr, /incomplete journal|rolled back an interrupted/, journal);
      await gangway.settlesAt(t, before, journal);
    }
  });
});

test.serial('the volatile record of the machine is damaged', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('run', '--rm', 'true');
    await gangway.run('gc');
    const before = await gangway.state();
    await gangway.run('run', '-d', '--name', 'web', 'sleep', '1000');
    await gangway.sh('echo x >/run/gangway/machine.json');
    await refused(t, gangway, [run(), 125, /machine.json is damaged; `gangway gc`/]);
    t.regex(
      (await gangway.exec(['inspect', 'web', 'bridge'])).stderr,
      /^gangway: warning: the output lacks Traffic: .*\n$/,
    );
    t.regex(await gangway.run('inspect', 'web', 'bridge'), /"Name": "\/?web"[\s\S]*"Name": "bridge"/);
    await gangway.run('gc');
    await gangway.run('rm', '-f', 'web');
    await gangway.run('gc');
    // How the machine forwarded before is lost with the record.
    await gangway.sh('sysctl -qw net.ipv4.ip_forward=0');
    await gangway.settlesAt(t, before);
  });
});

test.serial('without root nothing is changed, and the remedy is named', async (t) => {
  await withGangway(t, async (gangway) => {
    const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'];
    const readable = await gangway.lab.host.exec([...asNobody, 'test', '-r', `${process.cwd()}/dist/cli/gangway.js`]);
    if (skipUnless(t, readable.exitCode === 0 ? undefined : 'nobody but root can read this checkout')) return;
    const before = await gangway.state();
    for (const words of [run(), ['rm', 'x'], ['gc'], ['ps']]) {
      const { exitCode, stderr } = await gangway.lab.host.exec([
        ...asNobody,
        process.execPath,
        `${process.cwd()}/dist/cli/gangway.js`,
        ...words,
      ]);
      t.is(exitCode, words[0] === 'run' ? 125 : 1, stderr);
      t.regex(stderr, /root privileges required; run it as `sudo gangway /);
    }
    await gangway.settlesAt(t, before);
  });
});
