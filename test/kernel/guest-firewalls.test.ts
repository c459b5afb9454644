// A machine that systemd has started, and its own firewalld and ufw: the throw-away one of `scripts/vm run --systemd`, since
// there is no lab around it.
//
//      web 172.17.0.2, publishes 8080 to 80
//            |
//      +-----+------------ this machine ---------+          +--------------------+
//      |  gangway0      up0 203.0.113.1          |---cable--| world 203.0.113.2  |
//      +-----------------------------------------+          +--------------------+
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { answers } from '../support/probe.ts';
import { lacksProgram, skipUnless } from '../support/skip.ts';

function lacking(program: string): string | undefined {
  if (existsSync('/vm/job') && existsSync('/run/systemd/system')) return lacksProgram({ [program]: program });
  return 'this machine is not a guest started by scripts/vm run --systemd';
}

/** On the machine itself. @returns stdout */
function sh(script: string): string {
  return execFileSync('sh', ['-euc', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trimEnd();
}

function gangway(words: string): string {
  return sh(`node dist/cli/gangway.js ${words}`);
}

/** What somebody is told about himself, and nothing where nobody answers. */
function ask(place: string, target: string): string {
  return sh(`${place} curl -s --http0.9 --max-time 5 http://${target}/ || :`);
}

const fromWorld = (port = 8080) => ask('ip netns exec world', `203.0.113.1:${port}`);
const fromWeb = (pin: string) => ask(`ip netns exec ${pin}`, '203.0.113.2:80');
const quoted = (words: readonly string[]) => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

/** Links, rules, processes and files that somebody might leave. */
function state(): string {
  return sh(`ip -br link | cut -d' ' -f1; nft list tables; iptables-save | grep -v '^[#:]' || :; ip rule; sysctl net.ipv4.ip_forward
    pgrep -fa '[_]switchboard|[c]onmon' | cut -d' ' -f2- || :; find /run/netns /run/gangway/containers -mindepth 1 2>/dev/null || :`);
}

function begin(): void {
  sh(`ip netns add world
    ip link add up0 type veth peer name eth0 netns world
    ip address add 203.0.113.1/24 dev up0
    ip link set up0 up
    ip -n world address add 203.0.113.2/24 dev eth0
    ip -n world link set eth0 up
    ip -n world link set lo up
    ln -sf "$PWD/dist/cli/gangway.js" /usr/local/bin/gangway
    cp dist/systemd/gangway-* /etc/systemd/system
    systemctl daemon-reload
    systemctl start gangway-switchboard.socket
    systemd-run --quiet --unit=world ip netns exec world ${quoted(answers(80))}`);
}

function end(): void {
  sh(`systemctl stop world gangway-switchboard.socket gangway-switchboard.service
    ip netns delete world
    ip link delete up0 2>/dev/null || :`);
}

/** @returns the container's pin */
async function serve(): Promise<string> {
  const id = gangway(`run -d --name web -p 8080:80 ${quoted(answers(80, 81))}`);
  await waitFor('it listens', () => sh(`ip netns exec gangway-${id.slice(0, 12)} ss -Hlnt`).includes(':81'), patience);
  return `gangway-${id.slice(0, 12)}`;
}

const patience = { timeoutMilliseconds: 60_000 };

async function untilOpen(t: ExecutionContext, pin: string, when: string): Promise<void> {
  await waitFor(`${when}: the port is open`, () => fromWorld() === '203.0.113.2', patience);
  t.is(fromWeb(pin), '203.0.113.1', `${when}: the way out`);
}

async function takeAway(t: ExecutionContext, before: string): Promise<void> {
  gangway('rm -f web');
  gangway('gc');
  let after = '';
  const same = () => {
    after = state();
    return after === before;
  };
  await waitFor('nothing is left', same, patience).catch(() => {});
  t.is(after, before);
}

test.serial('beside a firewalld that systemd has started', async (t) => {
  if (skipUnless(t, lacking('firewalld'))) return;
  t.timeout(600_000);
  begin();
  try {
    sh('systemctl start firewalld; firewall-cmd --state');
    const before = state();
    const pin = await serve();
    t.is(fromWorld(), '203.0.113.2', 'what came through a published port, it lets pass');
    t.is(fromWorld(81), '', 'what is not published stays closed');
    t.is(fromWeb(pin), '', 'control: what comes from a link of no zone, it rejects');
    sh('firewall-cmd --permanent --zone=trusted --add-interface=gangway0; firewall-cmd --reload');
    await untilOpen(t, pin, 'in the zone `trusted`');
    for (const words of ['--reload', '--complete-reload']) {
      sh(`firewall-cmd ${words}`);
      await untilOpen(t, pin, words);
    }
    sh('systemctl restart firewalld');
    await untilOpen(t, pin, 'restarted');
    t.is(sh('systemctl show -P NRestarts gangway-switchboard'), '0');
    await takeAway(t, before);
  } finally {
    sh('systemctl stop firewalld');
    end();
  }
});

test.serial('beside a ufw that is enabled', async (t) => {
  if (skipUnless(t, lacking('ufw'))) return;
  t.timeout(600_000);
  begin();
  try {
    const pin = await serve();
    sh('ufw --force enable');
    await untilOpen(t, pin, 'enabled');
    t.is(fromWorld(81), '');
    sh('ufw reload');
    await untilOpen(t, pin, 'reloaded');
    t.regex(sh('ufw status'), /Status: active/);
    // What it keeps when it is disabled, is its own.
    const before = sh('ufw --force disable >/dev/null; ufw --force enable >/dev/null; ip -br link | cut -d" " -f1');
    t.true(before.includes('gangway0'));
    await untilOpen(t, pin, 'disabled and enabled');
    gangway('rm -f web');
    gangway('gc');
    t.is(
      sh('iptables-save | grep GANGWAY || :; nft list tables | grep gangway || :; ip -br link | grep gangway || :'),
      '',
    );
    t.is(sh('pgrep -fa "[_]switchboard|[c]onmon" || :'), '');
  } finally {
    sh('ufw --force disable');
    end();
  }
});
