// On a machine that systemd has started, the switchboard is its service.
//
//     +------------------- host, with a systemd of its own -------------------+        +--------------------+
//     |  switchboard.sock ── gangway-switchboard.socket                       |        |                    |
//     |        └─ starts gangway-switchboard.service                          |--cable-| world 203.0.113.2  |
//     |                     ├─ [::1]:8080 ──> web 172.17.0.2:80               |        |                    |
//     |                     └─ 127.0.0.11:53 of containers                    |        +--------------------+
//     +-----------------------------------------------------------------------+
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { build, changes, Gangway } from '../support/gangway.ts';
import { withLab } from '../support/lab.ts';
import { some } from '../support/long.ts';
import { answers } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';
import { standInProgram } from '../support/stand-in.ts';
import { lacksSystemd, SystemdMachine, unitDirectory } from '../support/systemd-machine.ts';

const service = 'gangway-switchboard.service';
const socket = 'gangway-switchboard.socket';
const containers = 'gangway-containers.service';

async function withMachine(t: ExecutionContext, body: (machine: SystemdMachine) => Promise<void>): Promise<void> {
  if (skipUnless(t, lacksSystemd())) return;
  build();
  await withLab(t, {}, async (lab) => {
    const machine = new SystemdMachine(lab);
    await machine.boot();
    await body(machine);
  });
}

/** The switchboards that run, as their command lines tell. */
async function switchboards(machine: SystemdMachine): Promise<readonly string[]> {
  const pids = await machine.sh('pgrep -P 1 -f "gangway.* _switchboard$" || :');
  return pids.split('\n').filter((pid) => pid !== '');
}

const start = (machine: SystemdMachine, name: string, ...words: readonly string[]) =>
  machine.gangway('run', '-d', '--name', name, ...words, ...answers(80));

/** What one who asks is told about himself; nothing where nobody answers. */
const asking = (url: string) => ['curl', '-s', '--http0.9', '--max-time', '2', url];

const fromWorld = async ({ lab }: SystemdMachine, port = 8080) =>
  (await lab.world.exec(asking(`http://203.0.113.1:${port}/`))).stdout;

/** By ::1 the switchboard carries, whoever the hook leads: the container has no IPv6. */
const fromItself = async (machine: SystemdMachine, port = 8080) =>
  (await machine.exec(asking(`http://[::1]:${port}/`))).stdout;

const untilServed = (machine: SystemdMachine, port = 8080) =>
  waitFor('the port is served', async () => (await fromItself(machine, port)) !== '');

const untilInactive = (machine: SystemdMachine) =>
  waitFor('it has ended', async () => (await machine.property(service, 'ActiveState')) === 'inactive');

test('its units are such as systemd wants them', (t) =>
  withMachine(t, async (machine) => {
    t.is(
      await machine.sh(
        `systemd-analyze verify ${unitDirectory}/gangway-*.socket ${unitDirectory}/gangway-*.service 2>&1`,
      ),
      '',
    );
    const [exposure = ''] = (await machine.sh(`systemd-analyze security --no-pager ${service}`)).split('\n').slice(-1);
    const [, points] = /exposure level for gangway-switchboard.service: ([\d.]+)/.exec(exposure) ?? [];
    t.true(Number(points) <= 3.5, exposure);
  }));

test('the first command that has something to serve starts it, and the last one ends it', (t) =>
  withMachine(t, async (machine) => {
    await machine.run('systemctl', 'start', socket);
    await machine.gangway('run', '--rm', '--network', 'none', 'true');
    await machine.gangway('gc');
    t.deepEqual(await switchboards(machine), [], 'a command that has nothing to serve wakes nobody');
    const { lab } = machine;
    const state = () => new Gangway(lab).state();
    let before = await state();
    for (const round of ['first', 'second']) {
      await start(machine, 'web', '-p', '8080:80');
      t.deepEqual(await switchboards(machine), [await machine.property(service, 'MainPID')], round);
      await untilServed(machine);
      t.is(await fromWorld(machine), '203.0.113.2');
      await machine.gangway('rm', '-f', 'web');
      await untilInactive(machine);
      t.is(await machine.property(service, 'Result'), 'success');
      t.is(await machine.property(socket, 'SubState'), 'listening');
      await machine.gangway('gc');
      // What systemd makes for its first service, it keeps.
      if (round === 'first') before = await state();
    }
    t.deepEqual(await changes(before, state), []);
    t.is(await machine.sh('find /run/gangway -type s'), '/run/gangway/switchboard.sock');
  }));

test('killed, it is back; stopped, containers and what the kernel does for them go on', (t) =>
  withMachine(t, async (machine) => {
    await machine.run('systemctl', 'start', socket);
    await machine.gangway('network', 'create', 'mine');
    await start(machine, 'web', '--network', 'mine', '-p', '8080:80');
    await untilServed(machine);
    const pid = await machine.property(service, 'MainPID');
    await machine.run('kill', '-KILL', pid);
    await waitFor('another one serves', async () => {
      const next = await machine.property(service, 'MainPID');
      return next !== pid && next !== '0' && (await fromItself(machine)) !== '';
    });
    t.is((await switchboards(machine)).length, 1);
    await machine.run('systemctl', 'restart', service);
    t.is(await fromItself(machine), '172.18.0.1', 'when systemctl returns, it serves');

    await machine.run('systemctl', 'stop', service);
    t.is(await fromWorld(machine), '203.0.113.2', 'the kernel translates');
    t.is(await fromItself(machine), '', 'control: nobody carries');
    await machine.gangway('exec', 'web', 'true');
    t.is(
      await machine.gangway('run', '--rm', '--network', 'mine', 'getent', 'ahostsv4', 'web').then(first),
      '172.18.0.2',
    );
    t.is(await fromItself(machine), '172.18.0.1', 'the next command has started it');
    await machine.gangway('rm', '-f', 'web');
    await untilInactive(machine);
  }));

test('its end waits for nobody who waits for the next one', (t) =>
  withMachine(t, async (machine) => {
    await machine.run('systemctl', 'start', socket);
    await start(machine, 'web', '-p', '8080:80');
    await untilServed(machine);
    const pid = await machine.property(service, 'MainPID');
    // A command that takes long has the lock, and the switchboard waits for it to look at the firewall.
    const holder = await machine.sh('flock --no-fork /run/gangway/lock sleep 1000 >/dev/null 2>&1 & echo $!');
    await waitFor(
      'it is locked',
      async () => (await machine.exec(['flock', '-n', '/run/gangway/lock', 'true'])).exitCode !== 0,
    );
    await machine.run('nft', 'flush', 'ruleset');
    await waitFor('it waits', () =>
      machine.sh(`find /proc/${pid}/fd -lname /run/gangway/lock`).then((found) => found !== ''),
    );
    await machine.run('systemctl', 'stop', service);
    t.is(await machine.property(service, 'Result'), 'success');
    await machine.run('kill', holder);
    await machine.gangway('exec', 'web', 'true');
    await machine.gangway('network', 'create', 'mine');
    await untilServed(machine);
    await waitFor('the rules are back', async () => (await fromWorld(machine)) === '203.0.113.2');
    t.notRegex(await machine.said(), /abort/i);
    await machine.gangway('rm', '-f', 'web');
  }));

test('it ends with its socket; who stops that, or removes its file, gets another switchboard', (t) =>
  withMachine(t, async (machine) => {
    await machine.run('systemctl', 'start', socket);
    await start(machine, 'web', '-p', '8080:80');
    await untilServed(machine);
    await machine.run('systemctl', 'stop', socket);
    t.is(await machine.property(service, 'ActiveState'), 'inactive');
    t.is(await fromWorld(machine), '203.0.113.2', 'the kernel translates');
    await machine.gangway('network', 'create', 'one');
    await untilServed(machine);
    t.is((await switchboards(machine)).length, 1);
    t.is(await machine.property(service, 'ActiveState'), 'inactive', 'a command has started it');
    await machine.run('systemctl', 'start', socket);
    await machine.gangway('network', 'create', 'two');
    await untilServed(machine);
    t.deepEqual(await switchboards(machine), [await machine.property(service, 'MainPID')]);
    await machine.run('systemctl', 'restart', socket);
    await machine.gangway('network', 'rm', 'one', 'two');
    await untilServed(machine);

    await machine.run('rm', '/run/gangway/switchboard.sock');
    await untilInactive(machine);
    await start(machine, 'other', '-p', '8081:80');
    await untilServed(machine, 8081);
    t.is(await fromItself(machine), '172.17.0.1', 'and what was served before is served on');
    t.is((await switchboards(machine)).length, 1);
    await machine.gangway('rm', '-f', 'web', 'other');
    await waitFor('it has ended', async () => (await switchboards(machine)).length === 0);
  }));

const first = (text: string) => text.split(/\s/)[0];

test('it has no more rights than it needs, and its units say which', (t) =>
  withMachine(t, async (machine) => {
    await machine.run('systemctl', 'start', socket);
    await start(machine, 'web', '-p', '8080:80');
    const pid = await machine.property(service, 'MainPID');
    const status = await machine.run('cat', `/proc/${pid}/status`);
    const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
    const listed = (await machine.property(service, 'CapabilityBoundingSet')).split(' ');
    const named = await machine.run('sh', '-euc', `capsh --decode=${field('CapEff')} 2>/dev/null || :`);
    if (named !== '') t.deepEqual(named.split('=')[1]?.split(',').sort(), listed.sort());
    t.is(field('CapEff'), field('CapBnd'));
    t.is(field('NoNewPrivs'), '1');
    t.is(field('Seccomp'), '2');
    // A shell in the place of the program, held by the same lines.
    const unit = `${unitDirectory}/gangway-switchboard.service`;
    const attempts = {
      'a file of the system': 'touch /etc/passwd',
      'another file below /run': 'touch /run/x',
      'a setting of the kernel': 'echo 1 >/proc/sys/net/ipv4/ip_forward',
      'a control group': 'mkdir /sys/fs/cgroup/x',
      'a link’s setting': 'echo 1400 >/sys/class/net/lo/mtu',
      'systemd itself': 'systemctl list-units',
      'a home': 'ls /root/.',
      'a mount': 'mount -t tmpfs tmpfs /tmp',
      'a user namespace': 'unshare --user true',
      'a mount namespace': 'unshare --mount true',
      'a raw device': 'mknod /tmp/x b 8 0',
      'somebody else’s identity': 'setpriv --reuid 1 true',
    };
    const script = Object.entries(attempts)
      .map(([what, command]) => `sh -c "${command}" 2>/dev/null && echo "${what}"`)
      .join('\n');
    await machine.sh(
      `printf '%s\\n' 'touch /run/gangway/own && rm /run/gangway/own && echo own' "$1" >/run/gangway/attempts
      sed -e 's/^Type=.*/Type=oneshot/; s/^Requires=.*//; s/^Restart.*//; s|^ExecStart=.*|ExecStart=-sh /run/gangway/attempts\\nStandardOutput=file:/run/attempted|' \\
        ${unit} >${unitDirectory}/attempts.service
      systemctl daemon-reload
      systemctl start attempts.service
      rm /run/gangway/attempts`,
      script,
    );
    t.is(await machine.sh('cat /run/attempted'), 'own', 'control: what it may, and nothing else');
  }));

test('names, and pins that are made and removed while it runs', (t) =>
  withMachine(t, async (machine) => {
    await machine.run('systemctl', 'start', socket);
    await machine.gangway('network', 'create', 'mine');
    await start(machine, 'one', '--network', 'mine');
    await start(machine, 'two', '--network', 'mine');
    t.is(first(await machine.gangway('exec', 'one', 'getent', 'ahostsv4', 'two')), '172.18.0.3');
    t.is(first(await machine.gangway('exec', 'two', 'getent', 'ahostsv4', 'one')), '172.18.0.2');
    const pid = await machine.property(service, 'MainPID');
    const pins = () => machine.sh(`cut -d" " -f5 /proc/${pid}/mountinfo | grep /run/netns/gangway- | sort -u | wc -l`);
    t.is(await pins(), '2', 'control: it sees them');
    await machine.gangway('rm', '-f', 'two');
    t.is(await pins(), '1', 'what is unmounted outside is not kept alive in here');
    await machine.gangway('rm', '-f', 'one');
    await machine.gangway('network', 'rm', 'mine');
  }));

for (const backend of some(['iptables', 'nftables'] as const, 2)) {
  test(`on ${backend} it puts back what somebody has taken from the firewall`, (t) =>
    withMachine(t, async (machine) => {
      await machine.run('systemctl', 'start', socket);
      await start(machine, 'web', '-p', '8080:80');
      await untilServed(machine);
      await machine.gangway(`--firewall-backend=${backend}`, 'network', 'create', 'another');
      await waitFor('it is open', async () => (await fromWorld(machine)) !== '');
      // Without the rules it would be carried, and the client be called by the address of the bridge.
      t.is(await fromWorld(machine), '203.0.113.2');
      await machine.sh(backend === 'nftables' ? 'nft flush ruleset' : 'iptables -t nat -F; iptables -F FORWARD');
      await waitFor('everything is back', async () => (await fromWorld(machine)) === '203.0.113.2');
      t.is((await switchboards(machine)).length, 1);
    }));
}

test('on iptables-legacy, too, which needs raw sockets and a lock', (t) =>
  withMachine(t, async (machine) => {
    await machine.sh(`for program in iptables ip6tables; do
      for tail in '' -save -restore; do ln -s /usr/sbin/xtables-legacy-multi /usr/local/bin/$program$tail; done
    done
    rm -f /run/xtables.lock`);
    const { exitCode, stderr } = await machine.exec(['iptables', '-S']);
    if (skipUnless(t, exitCode === 0 ? undefined : stderr.trim())) return;
    await machine.run('systemctl', 'start', socket);
    await machine.gangway('--firewall-backend=iptables', 'run', '-d', '--name', 'web', '-p', '8080:80', ...answers(80));
    await waitFor('it is open', async () => (await fromWorld(machine)) === '203.0.113.2');
    t.regex(await machine.run('iptables', '--version'), /legacy/);
    await machine.sh('iptables -t nat -F; iptables -F FORWARD');
    await waitFor('everything is back', async () => (await fromWorld(machine)) === '203.0.113.2');
    t.notRegex(await machine.said(), /denied|not permitted|Read-only/i);
    await machine.gangway('rm', '-f', 'web');
  }));

/** "$1" the program that stands in docker-proxy's place. Descriptor 3 is where dockerd is told. */
const standIn = `
setsid "$1" -proto tcp -host-ip 127.0.0.1 -host-port 9090 -container-ip 172.17.0.2 -container-port 80 3>/run/told </dev/null >/run/told.not 2>&1 &
echo $!`;

test('rights for what not every port needs: low ports, clients who are seen as the source, docker-proxy’s sockets', (t) =>
  withMachine(t, async (machine) => {
    await machine.run('systemctl', 'start', socket);
    await start(machine, 'web', '-p', '80:80', '--transparent-source', '80');
    await waitFor('it is open', async () => (await fromWorld(machine, 80)) === '203.0.113.2');
    const hook = await machine.sh('curl -s --unix-socket /run/gangway/metrics.sock http://localhost/metrics');
    t.regex(hook, /^gangway_connect_hook_active [01]$/m);
    const pid = await machine.sh(standIn, standInProgram);
    await waitFor('dockerd is told', async () => (await machine.sh('cat /run/told')) === '0');
    await waitFor('it is served', async () =>
      (await machine.exec(asking('http://127.0.0.1:9090/'))).stdout.endsWith('172.17.0.1'),
    );
    await machine.run('kill', pid);
    await machine.gangway('rm', '-f', 'web');
    await untilInactive(machine);
    t.notRegex(await machine.said(), /EPERM|EACCES|EROFS|not permitted|Read-only/);
  }));

test('what a command had started gives way to it, and its ports are served on', (t) =>
  withMachine(t, async (machine) => {
    await start(machine, 'web', '-p', '8080:80');
    const [before] = await switchboards(machine);
    t.is(await machine.property(service, 'ActiveState'), 'inactive');
    await machine.run('systemctl', 'start', socket, containers);
    await untilServed(machine);
    const after = await switchboards(machine);
    t.deepEqual(after, [await machine.property(service, 'MainPID')]);
    t.not(after[0], before);
    await machine.gangway('rm', '-f', 'web');
    await untilInactive(machine);
  }));

for (const end of some(['goes down', 'loses power'] as const, 2)) {
  test(`after a machine ${end}, containers start again as their policy says`, (t) =>
    withMachine(t, async (machine) => {
      await machine.run('systemctl', 'enable', '--now', socket, containers);
      await start(machine, 'joined', '--restart', 'unless-stopped', '-p', '8080:80');
      await machine.gangway(
        'run',
        '-d',
        '--name',
        'joins',
        '--restart',
        'always',
        '--network',
        'container:joined',
        'sleep',
        '1000',
      );
      await start(machine, 'never');
      await start(machine, 'stopped', '--restart', 'unless-stopped');
      await machine.gangway('stop', '-t', '0', 'stopped');
      // In the midst of a wait of three seconds at least.
      await machine.gangway(
        'run',
        '-d',
        '--name',
        'fails',
        '--restart',
        'unless-stopped',
        '--network',
        'none',
        'false',
      );
      const restarts = async () => Number(await machine.gangway('inspect', '-f', '{{.RestartCount}}', 'fails'));
      const state = () => machine.gangway('inspect', '-f', '{{.State.Status}}', 'fails');
      const startedAt = () => machine.gangway('inspect', '-f', '{{.State.StartedAt}}', 'fails');
      await waitFor('it waits', async () => (await restarts()) >= 5 && (await state()) === 'restarting');
      const before = await startedAt();
      // As a power cut leaves what had not reached the disk.
      await machine.gangway('run', '-d', '--name', 'torn', '--restart', 'always', 'sleep', '1000');
      const id = await machine.gangway('inspect', '-f', '{{.Id}}', 'torn');
      await machine.sh(': >"/var/lib/gangway/containers/$1.json"', id);
      if (end === 'goes down') await machine.shutDown();
      else await machine.losePower();
      await machine.boot([socket, containers]);
      t.is(await machine.property(containers, 'Result'), 'success', await machine.said());
      const running = (await machine.gangway('ps', '--format', '{{.Names}}')).split('\n');
      t.deepEqual(running.filter((name) => name !== 'fails').sort(), ['joined', 'joins']);
      await waitFor('it has been started again', async () => (await startedAt()) > before);
      await machine.gangway('gc');
      await untilServed(machine);
      t.is(await fromWorld(machine), '203.0.113.2');
      t.is(await machine.gangway('inspect', '-f', '{{.RestartCount}}', 'joined'), '0');
      await machine.gangway('rm', '-f', 'joins', 'joined', 'never', 'stopped', 'fails');
    }));
}
