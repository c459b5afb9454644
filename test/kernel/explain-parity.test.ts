// What `explain` prints does what the command does: two machines alike, one runs the command, the other one the script.
//
//      one:   gangway run -d …                          two:   gangway explain run -d … | sh
//
// The script has nothing to work with but the packages that it promises to need.
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { atOnce } from '../support/at-once.ts';
import { changes, quiet } from '../support/gangway.ts';
import { isLong } from '../support/long.ts';
import { type MachineState, machineState } from '../support/machine-state.ts';
import { type Story, withStory } from '../support/story-lab.ts';

const command = ['sleep', '1234'];
const inTurn = atOnce(4);

interface Scenario {
  /** Shell, on both machines, before anything else. */
  readonly setting?: string;
  /** Commands that are run on both machines. */
  readonly before?: readonly (readonly string[])[];
  /** Shell, on both machines, after those. */
  readonly mishap?: string;
  readonly words: readonly string[];
}

/** Links to the programs of these packages, and nothing else to find on PATH. */
const tools = `
mkdir /run/tools
for file in $(dpkg -L iproute2 nftables iptables procps util-linux mount coreutils crun | grep -E '^(/usr)?/s?bin/[^/]+$'); do
  [ ! -f "$file" ] || ln -sf "$file" /run/tools/
done
ln -s "$(command -v sh)" /run/tools/sh
`;

/** A root file system with one program, and what it is linked with. */
const tree = `
mkdir -p /run/tree/proc /run/tree/dev /run/tree/sys /run/tree/etc /run/tree/run /run/tree/tmp
cp --parents -L "$(command -v sleep)" $(ldd "$(command -v sleep)" | grep -o '/[^ ]*') /run/tree/
echo web:x:33:33::/srv/web:/bin/sh >/run/tree/etc/passwd
`;

/** What somebody types is not what the records say: a switchboard would put it back. */
const leaveAlone = "kill -KILL $(pgrep -f '[_]switchboard') 2>/dev/null || :";

async function prepare(story: Story, { setting, before = [], mishap }: Scenario): Promise<void> {
  await story.sh(`${tools}\n${setting ?? ''}`);
  for (const [index, words] of before.entries()) await seeded(story, words, `before ${index}`);
  if (mishap !== undefined) await story.sh(`${leaveAlone}; ${mishap}`);
}

async function seeded(story: Story, words: readonly string[], seed = 'parity'): Promise<string> {
  const { exitCode, stdout, stderr } = await story.exec(words, { environment: { GANGWAY_SEED: seed } });
  if (exitCode !== 0) throw new Error(`gangway ${words.join(' ')}: ${stderr}`);
  return stdout;
}

/** Explains, which must change nothing; and then does as it was told. */
async function explained(t: ExecutionContext, story: Story, words: readonly string[]): Promise<void> {
  const before = await quiet(() => story.lab.leftovers());
  const script = await seeded(story, ['explain', ...words]);
  t.deepEqual(await changes(before, () => story.lab.leftovers()), [], 'explain changes nothing');
  t.regex(script, /^#!\/bin\/sh\n/);
  await story.sh(leaveAlone);
  const { exitCode, stderr } = await story.lab.host.exec(['env', '-i', 'PATH=/run/tools', 'sh'], { input: script });
  t.deepEqual([exitCode, stderr], [0, '']);
}

function parity(title: string, scenario: Scenario): void {
  test(title, (t) =>
    inTurn(() =>
      withStory(t, {}, (one) =>
        withStory(t, {}, async (two) => {
          await Promise.all([prepare(one, scenario), prepare(two, scenario)]);
          await seeded(one, scenario.words);
          await explained(t, two, scenario.words);
          await alike(t, one, two);
        }),
      ),
    ),
  );
}

/** Both may still be on their way: a script's container starts in the background, and a cable goes when the kernel has time. */
async function alike(t: ExecutionContext, one: Story, two: Story): Promise<void> {
  let expected: MachineState = {};
  let found: MachineState = {};
  const same = waitFor('the machines are alike', async () => {
    [expected, found] = await Promise.all([machineState(one, command), machineState(two, command)]);
    return JSON.stringify(found) === JSON.stringify(expected);
  });
  await same.catch(() => {});
  for (const [part, value] of Object.entries(expected)) t.deepEqual(found[part], value, part);
}

/** In the long form alone. */
function variant(title: string, scenario: Scenario): void {
  if (isLong) parity(title, scenario);
}

const web = ['run', '-d', '--name', 'web', '-p', '8080:80', '-p', '127.0.0.1:5353:53/udp', ...command];

parity('run -d with ports, on an empty machine', { words: web });

const introduced = ['-p', '8080:80', '-p', '9000:90', '--transparent-source', '80', '--proxy-protocol', '90'];

parity('run -d with ports that tell their clients’ addresses', { words: ['run', '-d', ...introduced, ...command] });

variant('run -d with such a port, where an idle way back has been swept', {
  before: [['run', '-d', '--name', 'first', ...introduced, ...command], ['rm', '-f', 'first'], ['gc']],
  words: ['run', '-d', ...introduced, ...command],
});

variant('run -d on no network, with limits', {
  words: ['run', '-d', '--network', 'none', '--memory', '64m', '--cpus', '0.5', '--pids-limit', '20', ...command],
});

variant('run -d on the host’s network', { words: ['run', '-d', '--network', 'host', ...command] });

parity('run -d of a second container, where the bridge exists', {
  before: [web],
  words: ['run', '-d', '--name', 'second', '-P', '--expose', '80', ...command],
});

const second = ['run', '-d', '--name', 'second', ...command];

parity('run -d after somebody has flushed all rules', { before: [web], mishap: 'nft flush ruleset', words: second });

variant('run -d after somebody has flushed the rules of iptables', {
  before: [['--firewall-backend=iptables', ...web]],
  mishap: 'iptables -F; iptables -t nat -F',
  words: second,
});

const front = ['network', 'create', 'front'];

variant('run -d in a network that somebody made', {
  before: [front],
  words: ['run', '-d', '--network', 'front', '--dns-search', 'corp.test', ...command],
});

variant('network connect of one on the default bridge', {
  before: [front, web],
  words: ['network', 'connect', 'front', 'web'],
});

variant('run -d with a network of its own and nothing else', {
  words: ['run', '-d', '--isolation=network', ...command],
});

parity('run -d in a user namespace of its own', { words: ['run', '-d', '--userns', 'private', ...command] });

parity('run -d with a root file system', {
  setting: tree,
  words: ['run', '-d', '--rootfs', '/run/tree', '--hostname', 'box', ...command],
});

variant('run -d with a root file system in an archive', {
  setting: `${tree}\ntar -C /run/tree -cf /run/tree.tar .; ln -s "$(command -v tar)" /run/tools/tar`,
  words: ['run', '-d', '--rootfs', '/run/tree.tar', '--user', 'web', ...command],
});

parity('stop', { before: [web, ['run', '-d', '--name', 'other', ...command]], words: ['stop', '--time', '0', 'web'] });

variant('stop of one that does not listen', {
  before: [['run', '-d', '--name', 'deaf', '--network', 'none', ...command]],
  words: ['stop', '--time', '1', 'deaf'],
});

variant('a signal that means nothing to the command', {
  before: [web],
  words: ['kill', '--signal', 'TERM', 'web'],
});

variant('stop of one with a network of its own and nothing else', {
  before: [['run', '-d', '--name', 'lean', '--isolation=network', ...command]],
  words: ['stop', '--time', '0', 'lean'],
});

variant('kill', { before: [web], words: ['kill', 'web'] });

variant('restart', { before: [web], words: ['restart', '--time', '0', 'web'] });

variant('rm -f of one in a user namespace of its own', {
  before: [['run', '-d', '--name', 'owned', '--userns', 'private', ...command]],
  words: ['rm', '-f', 'owned'],
});

parity('rm -f of the last one', { before: [web], words: ['rm', '-f', 'web'] });

const better = ['network', 'create', '--subnet', '10.7.0.0/24', 'aa'];

variant('network create, in both families', {
  words: ['network', 'create', '--ipv6', '--subnet', '10.7.0.0/24', '--subnet', 'fd00:7::/64', 'both'],
});

variant('network create, internal and with containers apart', {
  words: ['network', 'create', '--internal', '-o', 'com.docker.network.bridge.enable_icc=false', 'quiet'],
});

const limits = 'allow=10.0.0.0/8,203.0.113.7:443/tcp,[2001:db8::/32]:53,deny=10.1.0.0/16';
const marked = ['network', 'create', '--ipv6', '-o', 'gangway.accept-fwmark=0x1/0x3', 'marked'];
variant('network create, with an accepted mark', { words: marked });

const limited = ['network', 'create', '--ipv6', '--egress', limits, 'limited'];

parity('network create, with an egress policy', { words: limited });

variant('network rm', { before: [better], words: ['network', 'rm', 'aa'] });

variant('run -d in a network of its own', {
  before: [better],
  words: ['run', '-d', '--network', 'name=aa,ip=10.7.0.9', '-p', '8080:80', ...command],
});

const shaped = 'name=aa,link-local-ip=169.254.7.7,driver-opt=com.docker.network.endpoint.ifname=wan0';
const martians = 'driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1';

variant('run -d with a link as somebody wants it', {
  before: [better],
  words: ['run', '-d', '--network', `${shaped},${martians}`, ...command],
});

variant('network connect, to the better way out', {
  before: [better, web],
  words: ['network', 'connect', 'aa', 'web'],
});

parity('network disconnect, from the way out', {
  before: [better, web, ['network', 'connect', 'aa', 'web']],
  words: ['network', 'disconnect', 'aa', 'web'],
});

parity('publish', {
  before: [web],
  words: ['publish', 'web', '8081:81', '5354:54/udp'],
});

parity('unpublish', { before: [web], words: ['unpublish', 'web', '0.0.0.0:8080:80'] });

parity('gc', { before: [web, ['rm', '-f', 'web']], words: ['gc'] });

/** The same where iptables carries the rules: its single commands, as somebody would type them. */
const onIptables = (words: readonly string[]) => ['--firewall-backend=iptables', ...words];

parity('run -d with ports, on iptables', { words: onIptables(web) });

variant('network connect, on iptables', {
  before: [onIptables(better), web],
  words: onIptables(['network', 'connect', 'aa', 'web']),
});

variant('network create, with an egress policy, on iptables', { words: onIptables(limited) });
variant('network create, with an accepted mark, on iptables', { words: onIptables(marked) });

variant('unpublish and what is left, on iptables', {
  before: [onIptables(web)],
  words: ['unpublish', 'web', '0.0.0.0:8080:80'],
});

parity('network create, in both families, which moves everything from nftables to iptables', {
  before: [web],
  words: onIptables(['network', 'create', '--ipv6', '--subnet', '10.7.0.0/24', '--subnet', 'fd00:7::/64', 'both']),
});

variant('rm -f of the last one, which moves everything back to nftables', {
  before: [onIptables(web)],
  words: ['--firewall-backend=nftables', 'rm', '-f', 'web'],
});

for (const isolation of ['full', 'network']) {
  test(`exec in a container with isolation=${isolation}`, async (t) => {
    await withStory(t, {}, async (story) => {
      await story.sh(tools);
      await seeded(story, ['run', '-d', '--name', 'web', `--isolation=${isolation}`, '-e', 'A=1', ...command]);
      const exec = ['exec', '-u', '33', '-e', "B=it's", 'web', 'sh', '-c', 'echo $A $B; id -u; ip -br link; exit 7'];
      const done = await story.exec(exec);
      const script = await seeded(story, ['explain', ...exec]);
      const typed = await story.lab.host.exec(['env', '-i', 'PATH=/run/tools', 'sh'], { input: script });
      t.deepEqual([typed.exitCode, typed.stdout, typed.stderr], [done.exitCode, done.stdout, done.stderr]);
      t.is(typed.exitCode, 7);
      t.regex(typed.stdout, /^1 it's\n33\nlo/);
    });
  });
}

test('what no command can do stands in the script as a remark', async (t) => {
  await withStory(t, {}, async (story) => {
    const remarks = (await seeded(story, ['explain', ...web]))
      .split('\n')
      .filter((line) => /^# .*switchboard/.test(line));
    t.is(remarks.length, 3);
    t.regex(remarks.join('\n'), /\[::\]:8080\/tcp.* 172\.17\.0\.2:80\n/);
  });
});
