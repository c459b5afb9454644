// `gangway rules` tells all that the firewall was told and nothing else, why, and whether the kernel has it.
//
//      web 172.18.0.2, fd00:…::2          api 10.2.0.2, routed        ann 172.17.0.2
//            |                                  |                           |
//      +-----+------------------ host ----------+---------------------------+-----+          +-------------------+
//      |  front                               open        gangway0   up0 203.0.113.1 |---cable--| world 203.0.113.2 |
//      +--------------------------------------------------------------------------+          +-------------------+
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { type BackendName, backendNames } from '../../src/firewall/backend.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { refused, type Story, withStory } from '../support/story-lab.ts';

const firewall = fileURLToPath(new URL('../../src/firewall/', import.meta.url));

interface Row {
  readonly State: string;
  readonly Hook: string;
  readonly Chain: string;
  readonly Why: string;
  readonly Command: string;
  readonly From: string;
  readonly Packets: string;
}

/** `gangway OPTIONS… rules SUBJECT --format json`. */
async function rules(story: Story, subject?: string, ...options: readonly string[]): Promise<readonly Row[]> {
  const words = subject === undefined ? [] : [subject];
  const text = await story.run(...options, 'rules', ...words, '--format', 'json');
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Row);
}

const facts = (rows: readonly Row[]) => rows.filter(({ Command }) => Command !== '');
const whys = (rows: readonly Row[]) => facts(rows).map(({ Why }) => Why);

/** What the kernel has, without what it counts, and without an order where there is none. */
const look = {
  nftables: 'nft -s list table inet gangway; nft -s list table bridge gangway',
  iptables: 'iptables-save; ip6tables-save; nft -s list table bridge gangway',
} as const;
/** The rules that never change, loaded by others than us. */
const load = {
  nftables: `nft -f ${firewall}nftables/ruleset.nft; nft -f ${firewall}nftables/anti-spoofing.nft`,
  iptables: `
    [ -e /proc/sys/net/bridge ] && optional='s/^? //' || optional='/^?/d'
    for f in iptables ip6tables; do sed "$optional" ${firewall}iptables/ruleset.rules | $f-restore --noflush; done
    nft -f ${firewall}nftables/anti-spoofing.nft`,
} as const;

function parts(text: string): readonly string[] {
  return text
    .replace(/\[\d+:\d+\]/g, '')
    .split(/[\n,{}]/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(#|:(INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING) )/.test(line))
    .toSorted();
}

async function begin(t: ExecutionContext, story: Story, backend: BackendName): Promise<void> {
  const own = ['--firewall-backend', backend] as const;
  await story.run(...own, 'network', 'create', '--ipv6', 'front');
  await story.run(
    'network',
    'create',
    '--subnet',
    '10.2.0.0/24',
    '-o',
    'com.docker.network.bridge.gateway_mode_ipv4=routed',
    '-o',
    'gangway.accept-fwmark=0x1/0x3',
    'open',
  );
  await story.run('network', 'create', '--internal', 'inner');
  await story.run(
    'network',
    'create',
    '--egress',
    'allow=192.0.2.0/24:443,203.0.113.2',
    '--egress',
    'deny=192.0.2.9',
    'limited',
  );
  const web = await story.start(
    '--name',
    'web',
    '--network',
    'front',
    '-p',
    '8080:80',
    '-p',
    '9000-9002:9000-9002/udp',
    ...answers(80),
  );
  await story.start('--name', 'api', '--network', 'open', '-p', '81', 'sleep', 'infinity');
  await story.start('--name', 'ann', '-p', '127.0.0.1:8081:81', '-p', '203.0.113.1:8082:82', 'sleep', 'infinity');
  await story.run('network', 'connect', 'inner', 'ann');
  await untilAnswering(story, web, 80);
  t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:8080']), ['203.0.113.2']);
}

/** The commands, typed into an empty machine where nothing but the constant rules is, make what there is. */
async function rebuilds(t: ExecutionContext, story: Story, backend: BackendName): Promise<void> {
  const all = facts(await rules(story));
  t.deepEqual([...new Set(all.map(({ State }) => State))], ['present']);
  const ours = all.filter(({ Hook }) => !Hook.includes('inside the container')).map(({ Command }) => Command);
  const script = [load[backend], ...ours, look[backend]].join('\n');
  t.deepEqual(parts(await story.sh(`unshare -n sh -euc "$1"`, script)), parts(await story.sh(look[backend])));
}

/** Packets and bytes as nft and iptables-save tell them, of the one fact of a set, or a chain, that has this in it. */
async function counted(story: Story, backend: BackendName, where: string, what: string): Promise<readonly number[]> {
  const text = await story.sh(
    backend === 'nftables'
      ? `nft list map inet gangway ${where} | tr ',' '\\n' | grep -F '${what}'`
      : `iptables-save -c | grep -E '${where} .*${what}'`,
  );
  const [, packets, bytes] = /(?:packets |\[)(\d+)(?: bytes |:)(\d+)/.exec(text) ?? [];
  return [Number(packets), Number(bytes)];
}

/** What inspect and stats say of it is what the kernel says, and the connections are as many as were made. */
async function countsTraffic(t: ExecutionContext, story: Story, backend: BackendName): Promise<void> {
  for (const _ of [1, 2]) await ask(story, 'world', ['tcp 203.0.113.1:8080']);
  const look = async (...words: readonly string[]) => JSON.parse(await story.run(...words));
  const [network] = await look('network', 'inspect', 'front');
  const bridge = `br-${network.Id.slice(0, 12)}`;
  const [ports, leaving, entering] =
    backend === 'nftables' ? ['ports4', 'leaving', 'entering'] : ['GANGWAY-PORTS', 'GANGWAY-LEAVE', 'GANGWAY-ENTER'];
  const key = backend === 'nftables' ? `ipv4 . "${bridge}"` : bridge;
  const [connections] = await counted(story, backend, ports, backend === 'nftables' ? 'tcp . 8080' : 'dport 8080');
  t.is(connections, 3, 'as many as were made');
  const [web] = await look('inspect', 'web');
  t.like(web.Traffic.Ports['80/tcp'][0], { HostIp: '0.0.0.0', HostPort: '8080', Connections: 3 });
  const { Connections } = await look('stats', '--no-stream', '--format', 'json', 'web');
  t.is(Connections, '3');
  const template = '{{with .Traffic}}[{{.Out.Packets}},{{.Out.Bytes}},{{.In.Packets}},{{.In.Bytes}}]{{end}}';
  const told = await look('network', 'inspect', '-f', template, 'front');
  t.true(told[0] > 6, 'of three connections');
  t.deepEqual(told, [
    ...(await counted(story, backend, leaving, key)),
    ...(await counted(story, backend, entering, key)),
  ]);
}

const gone = {
  nftables: `nft delete element inet gangway entering '{ ipv4 . "gangway0" }'`,
  iptables: 'iptables -D GANGWAY-ENTER -o gangway0 -g GANGWAY-ENTER-NAT',
} as const;
/** A rule between those that never change: of nftables, the chains are no longer what was loaded. */
const hole = {
  nftables: 'nft insert rule inet gangway enter_nat accept',
  iptables: 'iptables-nft -w -t filter -I GANGWAY-ENTER-NAT -j ACCEPT',
} as const;

const strange = {
  nftables: "nft 'add element inet gangway ports4 { tcp . 99 : 172.18.0.2 . 80 }'",
  iptables: 'iptables-nft -w -t nat -I GANGWAY-PORTS -p tcp -m tcp --dport 99 -j DNAT --to-destination 172.18.0.2:80',
} as const;

for (const backend of backendNames) {
  test(`${backend}: all that the kernel has and nothing else, about whom, what counts, what is gone, what is strange`, async (t) => {
    await withStory(t, {}, async (story) => {
      t.deepEqual(await rules(story), [], 'before there is anything');
      await begin(t, story, backend);
      await rebuilds(t, story, backend);
      await countsTraffic(t, story, backend);

      const ports = await rules(story, '8080');
      const led = ports.find(({ Why }) => Why === 'published: 0.0.0.0:8080/tcp leads to 172.18.0.2:80');
      t.like(led, { State: 'present', From: 'run -p 8080:80 web', Packets: '3' });
      t.true(whys(ports).includes('IPv4 packets to containers of front enter under the rules of mode nat'));
      t.false(
        whys(ports).some((why) => /9000|containers of (open|bridge)/.test(why)),
        'nothing of others',
      );
      t.true(
        ports.some(({ Chain, Command }) => /enter.nat/i.test(Chain) && Command === ''),
        'where it leads on to',
      );
      const ranges = whys(await rules(story, '203.0.113.1:9001/udp')).filter((why) => why.startsWith('published'));
      const reason = 'published: 0.0.0.0:9000/udp to 0.0.0.0:9002/udp lead to 172.18.0.2:9000 to 172.18.0.2:9002';
      t.deepEqual(
        ranges,
        [reason, reason, reason],
        'where they lead, to whom they are closed, and whose source they are',
      );

      const [front, web] = [await rules(story, 'front'), await rules(story, 'web')];
      t.deepEqual([...new Set(facts(front).map(({ From }) => From))], ['network create front']);
      t.deepEqual([...new Set(facts(web).map(({ From }) => From))].toSorted(), [
        'network create front',
        'run --network front web',
        'run -p 8080:80 web',
        'run -p 9000-9002:9000-9002/udp web',
      ]);
      t.true(facts(web).some(({ Hook }) => Hook === 'output, inside the container'));
      t.true(facts(await rules(story, 'ann')).some(({ From }) => From === 'network connect inner ann'));

      const other = backendNames.find((name) => name !== backend) ?? backend;
      const moved = facts(await rules(story, '8080', '--firewall-backend', other));
      t.deepEqual([...new Set(moved.map(({ State }) => State))], ['missing'], 'as the other back end would have it');

      await story.sh("kill -KILL $(pgrep -f '[_]switchboard')");
      await story.sh(`${gone[backend]}; ${strange[backend]}`);
      const after = facts(await rules(story)).filter(({ State }) => State !== 'present');
      t.deepEqual(after.map(({ State, Why, Command }) => [State, State === 'missing' ? Why : Command]).toSorted(), [
        ['missing', 'IPv4 packets to containers of bridge enter under the rules of mode nat'],
        ['unexplained', strange[backend]],
      ]);
      t.deepEqual(
        facts(await rules(story, '99')).map(({ State }) => State),
        ['unexplained'],
      );
      await story.sh(hole[backend]);
      const holed = (await rules(story)).filter(({ Chain }) => /enter.nat/i.test(Chain));
      t.is(holed.find(({ State }) => State !== 'present')?.State, backend === 'nftables' ? 'missing' : 'unexplained');
      const flush = { nftables: 'nft flush ruleset', iptables: 'iptables -F; iptables -t nat -F; ip6tables -t nat -F' };
      t.regex(await story.run('rules', 'web'), /^ {2}unknown owner {2}no record says why$/m);

      t.is(
        await refused(story, 'rules wbe'),
        "1 gangway: no container, network or published port wbe; did you mean 'web'?",
      );
      t.regex(
        await refused(story, 'rules 8080/udp'),
        /^1 gangway: nobody publishes port 8080\/udp; published are 0\.0\.0\.0:8080\/tcp/,
      );
      t.regex(await refused(story, 'rules 99999'), /^125 gangway: invalid host port "99999"/);
      await story.sh(flush[backend]);
      t.is(await story.run('inspect', '-f', '{{index .Traffic.Ports "80/tcp"}}', 'web'), '');
      await story.run('stop', '-t', '0', 'api');
      t.regex(await refused(story, 'rules api'), /^1 gangway: container api is not running.*gangway start api/);
    });
  });
}
