// What the kernel refuses: one sentence with a remedy, docker's exit status, and nothing half-made.
//
//      web, published on 8080 ── gangway0 ── host ──cable── world
//
// The programs are the real ones, in their own words; strace(1) answers in the kernel's place.
import test, { type ExecutionContext } from 'ava';
import { type Gangway, withGangway } from '../support/gangway.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { type Story, withStory } from '../support/story-lab.ts';

/** From now on a program of the system meets `error` whenever it calls `call`. */
async function refuse(gangway: Gangway, program: string, call: string, error: string): Promise<void> {
  const script = `
    mountpoint -q /usr/local/sbin || mount -t tmpfs tmpfs /usr/local/sbin
    printf '#!/bin/sh\\nexec strace -qq -o /dev/null -e inject=%s:error=%s "$(command -v /usr/sbin/%s)" "$@"\\n' "$2" "$3" "$1" >"/usr/local/sbin/$1"
    chmod +x "/usr/local/sbin/$1"`;
  await gangway.sh(script, program, call, error);
}

const obey = (gangway: Gangway) => gangway.sh('umount /usr/local/sbin');

/** Everything that could be half-made. */
const standing = (gangway: Gangway) =>
  gangway.sh(`
    nft -s list ruleset
    for save in iptables-nft-save ip6tables-nft-save; do $save | grep '^-A' || :; done
    ip -br link
    cat /run/gangway/machine.json 2>/dev/null || :
    find /run/gangway /var/lib/gangway /run/netns ! -type d ! -name events ! -name '*lock' ! -name '*.log' 2>/dev/null | sort`);

interface Refusal {
  readonly program: string;
  readonly call: string;
  readonly error: string;
  readonly says: RegExp;
}

const fresh: readonly (Refusal & { readonly firewall: string })[] = [
  {
    firewall: 'nftables',
    program: 'nft',
    call: 'sendmsg',
    error: 'EOPNOTSUPP',
    says: /Operation not supported; the kernel needs nf_tables with nat/,
  },
  {
    firewall: 'nftables',
    program: 'nft',
    call: 'socket',
    error: 'EPROTONOSUPPORT',
    says: /Protocol not supported; the kernel needs nf_tables/,
  },
  {
    firewall: 'nftables',
    program: 'nft',
    call: 'sendmsg',
    error: 'EBUSY',
    says: /resource busy; another program changes the firewall .* try again/,
  },
  {
    firewall: 'nftables',
    program: 'nft',
    call: 'sendmsg',
    error: 'ENOBUFS',
    says: /No buffer space available; the kernel has no memory for it: publish ranges/,
  },
  {
    firewall: 'nftables',
    program: 'nft',
    call: 'sendmsg',
    error: 'EPERM',
    says: /not permitted; run it on the machine itself, or give .* CAP_NET_ADMIN/,
  },
  {
    firewall: 'iptables',
    program: 'iptables-nft-restore',
    call: 'socket',
    error: 'EPROTONOSUPPORT',
    says: /iptables-nft-restore failed: .* Protocol not supported; the kernel needs ip_tables or nf_tables/,
  },
  {
    firewall: 'iptables',
    program: 'ip6tables-nft-restore',
    call: 'socket',
    error: 'EPROTONOSUPPORT',
    says: /ip6tables-nft-restore failed: .* Protocol not supported; the kernel needs ip_tables or nf_tables/,
  },
];

const oneSentence = (t: ExecutionContext, stderr: string) => t.regex(stderr, /^gangway: [^\n]+\n$/);

test('a kernel that refuses the rules: nothing is made, and the next command works', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.sh('iptables-nft -S >/dev/null; ip6tables-nft -S >/dev/null');
    const before = await standing(gangway);
    for (const [index, { firewall, program, call, error, says }] of fresh.entries()) {
      await refuse(gangway, program, call, error);
      const words = index % 2 === 0 ? ['run', '--rm', 'true'] : ['network', 'create', 'net'];
      const { exitCode, stderr } = await gangway.exec([`--firewall-backend=${firewall}`, ...words]);
      t.is(exitCode, words[0] === 'run' ? 125 : 1, stderr);
      t.regex(stderr, says);
      oneSentence(t, stderr);
      await obey(gangway);
      t.is(await gangway.sh('nft list tables | grep gangway || :; iptables-nft-save | grep GANGWAY || :'), '', error);
    }
    t.is(await standing(gangway).then(withoutTables), withoutTables(before));
    t.is(await gangway.run('run', '--rm', 'true'), '');
  }));

/** iptables has made its own tables, which are empty. */
function withoutTables(text: string): string {
  return text.replace(/table ip6? \w+ \{\n(\tchain \w+ \{\n.*\n\t\}\n*)*\}\n/g, '');
}

async function begin(story: Story): Promise<void> {
  const web = await story.start('--name', 'web', '-p', '8080:80', ...answers(80));
  await untilAnswering(story, web, 80);
}

const served = async (t: ExecutionContext, story: Story, when: string) =>
  t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:8080']), ['203.0.113.2'], when);

test('a move that breaks off half-way is taken back; rules that can’t be loaded leave those that stand', (t) =>
  withStory(t, {}, async (story) => {
    await begin(story);
    await story.sh('iptables-nft -S >/dev/null; ip6tables-nft -S >/dev/null');
    const before = await standing(story);
    await refuse(story, 'ip6tables-nft-restore', 'socket', 'EPROTONOSUPPORT');
    const moved = await story.exec(['--firewall-backend=iptables', 'network', 'create', 'net']);
    t.is(moved.exitCode, 1);
    oneSentence(t, moved.stderr);
    t.is(withoutTables(await standing(story)), withoutTables(before), 'the half for IPv4 is gone again');
    await served(t, story, 'after a move that failed');
    await obey(story);

    await story.sh('mkdir -p /etc/gangway; echo "ip saddr 192.0.2.1 drop" >/etc/gangway/user.nft');
    await refuse(story, 'nft', 'sendmsg', 'EBUSY');
    const { exitCode, stderr } = await story.exec(['stop', '-t', '0', 'web']);
    t.is(exitCode, 0);
    t.regex(stderr, /warning: the rules stay as they were before: nft could not load .*resource busy/);
    await obey(story);
    await story.run('start', 'web');
    t.regex(await story.sh('nft list chain inet gangway GANGWAY-USER'), /192\.0\.2\.1/, 'now it can');
  }));

test('root without its powers is told so, and nothing of what stands is touched', (t) =>
  withStory(t, {}, async (story) => {
    await begin(story);
    const before = await standing(story);
    const weak = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
    const program = [process.execPath, `${process.cwd()}/dist/cli/gangway.js`];
    for (const [line, status] of [
      ['run --rm true', 125],
      ['rm -f web', 1],
      ['network create net', 1],
      ['unpublish web 80', 1],
      ['gc', 1],
    ] as const) {
      const { exitCode, stderr } = await story.lab.host.exec([...weak, ...program, ...line.split(' ')]);
      t.is(exitCode, status, stderr);
      t.is(
        stderr,
        'gangway: missing capability: CAP_NET_ADMIN; run gangway on the host itself, or give its container or service CAP_NET_ADMIN and CAP_SYS_ADMIN\n',
      );
    }
    t.is((await story.lab.host.exec([...weak, ...program, 'ps', '-q'])).exitCode, 0, 'to look is allowed');
    t.is(await standing(story), before);
    await served(t, story, 'at the end');
  }));

test('an element that somebody has put where ours belongs, and a file of 20,000 rules', (t) =>
  withStory(t, {}, async (story) => {
    // Where a switchboard runs, it takes such an element away.
    await story.run('network', 'create', 'first');
    await story.sh('nft add element inet gangway leaving "{ ipv4 . br-second : goto leave_routed }"');
    const before = await standing(story);
    const named = ['-o', 'com.docker.network.bridge.name=br-second'];
    const { exitCode, stderr } = await story.exec(['network', 'create', ...named, 'second']);
    t.is(exitCode, 1);
    oneSentence(t, stderr);
    t.regex(stderr, /leaving/);
    t.is(await standing(story), before);

    await begin(story);
    await story.sh(
      'mkdir -p /etc/gangway; seq 20000 | sed "s/.*/ip saddr 192.0.2.1 tcp dport & drop/" >/etc/gangway/user.nft',
    );
    await story.run('network', 'create', 'net');
    t.is(await story.sh('nft list chain inet gangway GANGWAY-USER | grep -c drop'), '20000');
    await served(t, story, 'behind 20,000 rules');
  }));
