/** Every mistake with networks that docker refuses: docker's exit status, a sentence that names the thing, nothing changed. */
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { type Gangway, withGangway } from '../support/gangway.ts';

type Mistake = readonly [line: string, exitCode: number, says: RegExp];

const option = (text: string) => `network create -o com.docker.network.${text} n1`;

const names: readonly Mistake[] = [
  ['network create mine', 1, /network mine exists already/],
  ['network create bridge', 1, /network bridge is predefined/],
  ['network create host', 1, /network host is predefined/],
  ['network create none', 1, /network none is predefined/],
  ['network create default', 1, /network default is predefined/],
  ['network create container:x', 1, /"container:x"/],
  ['network create a␣b', 1, /"a b"/],
  ['network create ␣', 1, /" "/],
  ['network create .x', 1, /"\.x"/],
  ['network create a/b', 1, /"a\/b"/],
  ['network create ñet', 1, /"ñet"/],
  ['network create a;b', 1, /"a;b"/],
  ['network create', 1, /requires exactly 1 argument/],
  ['network create one two', 1, /requires exactly 1 argument/],
  ['network create --foo x', 125, /unknown flag: --foo/],
  ['network create --label =x n1', 125, /--label/],
  ['network create -d foo n1', 1, /network driver "foo" not found/],
  ['network create -d brige n1', 1, /did you mean .*bridge/],
  ['network create -d host n1', 1, /one host network/],
  ['network create -d null n1', 1, /one null network/],
  ['network create -d overlay n1', 1, /overlay/],
  ['network create --scope swarm n1', 1, /--scope swarm is for networks of a swarm/],
  ['network create --ingress n1', 1, /--ingress/],
  ['network create --config-only n1', 1, /--config-only/],
  ['network create --config-from mine n1', 1, /--config-from/],
  ['network create --ipam-driver dhcp n1', 1, /IPAM driver "dhcp" not found/],
  ['network create --ipam-opt a=b n1', 1, /no option "a=b"/],
  ['network create --ipv4=false n1', 1, /needs IPv4 or IPv6/],
  ['network create --ipv4=perhaps n1', 125, /"perhaps"/],
  ['network frob', 1, /'frob' is not a command/],
];

const subnet = 'network create --subnet 10.71.0.0/24';

const addresses: readonly Mistake[] = [
  ['network create --subnet banana n1', 1, /"banana" is no subnet/],
  ['network create --subnet 10.1.2.0 n1', 1, /"10\.1\.2\.0" is no subnet/],
  ['network create --subnet 10.1.2.3/24 n1', 1, /write 10\.1\.2\.0\/24/],
  ['network create --subnet 10.1.2.0/33 n1', 1, /"10\.1\.2\.0\/33" is no subnet/],
  ['network create --subnet 10.70.0.128/25 n1', 1, /overlaps 10\.70\.0\.0\/24 \(network sub\)/],
  [
    'network create --subnet 203.0.113.128/25 n1',
    1,
    /overlaps 203\.0\.113\.0\/24 \(route 203\.0\.113\.0\/24 dev up0\)/,
  ],
  ['network create --subnet 127.0.0.0/8 n1', 1, /loopback/],
  ['network create --subnet 126.0.0.0/7 n1', 1, /loopback/],
  ['network create --subnet ::1/128 n1', 1, /loopback/],
  ['network create --subnet 224.0.0.0/24 n1', 1, /multicast/],
  ['network create --subnet ff00::/64 n1', 1, /multicast/],
  ['network create --subnet fe80::/64 n1', 1, /link-local/],
  ['network create --subnet 240.0.0.0/24 n1', 1, /no use at all/],
  ['network create --subnet 10.71.0.0/24 --ipv4=false --ipv6 n1', 1, /the network has no IPv4/],
  ['network create --subnet fd71::/64 --ipv6=false n1', 1, /the network has no IPv6.*--ipv6=false out/s],
  ['network create --gateway 10.71.0.1 n1', 1, /no --subnet contains gateway/],
  [`${subnet} --gateway 10.72.0.1 n1`, 1, /no --subnet contains gateway 10\.72\.0\.1/],
  [`${subnet} --gateway banana n1`, 1, /"banana" is no IP address/],
  [`${subnet} --gateway 10.71.0.0 n1`, 1, /10\.71\.0\.0 is the network address/],
  [`${subnet} --gateway 10.71.0.255 n1`, 1, /10\.71\.0\.255 is the broadcast address/],
  [`${subnet} --ip-range 10.72.0.0/25 n1`, 1, /no --subnet contains ip-range/],
  [`${subnet} --ip-range 10.71.0.0/16 n1`, 1, /larger than its subnet 10\.71\.0\.0\/24/],
  [`${subnet} --aux-address a=10.72.0.5 n1`, 1, /no --subnet contains aux-address/],
  [`${subnet} --aux-address a n1`, 1, /"a" is not NAME=ADDRESS/],
  [`${subnet} --aux-address a=10.71.0.5 --gateway 10.71.0.5 n1`, 1, /a=10\.71\.0\.5 is the gateway/],
  [`${subnet} --gateway 10.71.0.1 --gateway 10.71.0.2 n1`, 1, /one gateway a subnet/],
  [`${subnet} --subnet 10.71.0.0/24 n1`, 1, /overlap/],
  [`${subnet} --subnet 10.72.0.0/24 n1`, 1, /one IPv4 subnet/],
];

const options: readonly Mistake[] = [
  [option('driver.mtu=abc'), 1, /"abc" is not a whole number/],
  [option('driver.mtu=-5'), 1, /mtu -5 is out of range/],
  [option('driver.mtu=50'), 1, /mtu 50 is out of range/],
  [option('driver.mtu=70000'), 1, /mtu 70000 is out of range/],
  [`${option('driver.mtu=1000')} --ipv6`, 1, /1000 is too small for IPv6/],
  [option('bridge.name=gangway0'), 1, /bridge gangway0: that is the one of network bridge/],
  [option('bridge.name=twin'), 1, /bridge twin: that is the one of network named/],
  [option('bridge.name=averyveryverylongname'), 1, /"averyveryverylongname".*at most 15/],
  [option('bridge.name=up0'), 1, /there is a link up0 already/],
  [option('bridge.name=a/b'), 1, /"a\/b"/],
  [option('bridge.name=all'), 1, /"all"/],
  [option('bridge.enable_icc=maybe'), 1, /enable_icc "maybe" is neither true nor false/],
  [option('bridge.enable_ip_masquerade=2'), 1, /enable_ip_masquerade "2"/],
  [option('bridge.inhibit_ipv4='), 1, /inhibit_ipv4 ""/],
  [option('bridge.gateway_mode_ipv4=open'), 1, /gateway_mode_ipv4 "open" is unknown; use nat/],
  [option('bridge.gateway_mode_ipv4=isolated'), 1, /isolated is for internal networks; add --internal/],
  [option('bridge.gateway_mode_ipv6=isolated'), 1, /isolated is for internal networks; add --internal/],
  [option('bridge.host_binding_ipv4=::1'), 1, /"::1" is no IPv4 address/],
  [option('bridge.trusted_host_interfaces=a/b'), 1, /"a\/b"/],
  [option('bridge.default_bridge=true'), 1, /no other can be/],
  [option('host_ipv4=fd00::1'), 1, /"fd00::1" is no IPv4 address/],
  [option('host_ipv6=10.0.0.1'), 1, /"10\.0\.0\.1" is no IPv6 address/],
  [option('container_iface_prefix=averylongprefix'), 1, /averylongprefix/],
  [option('advertise_addr_nmsgs=1'), 1, /no meaning here/],
  ['network create -o foo.bar=1 n1', 1, /no option "foo\.bar"/],
  ['network create -o parent=up0 n1', 1, /it is an option of macvlan and ipvlan/],
  [
    'network create -d macvlan -o parent=up0 -o com.docker.network.driver.mtu=9000 n1',
    1,
    /its parent up0 has one of 1500; choose a smaller one/,
  ],
  ['network create -o com.docker.network.bridge.enable_ic=false n1', 1, /did you mean .*enable_icc/],
];

const others: readonly Mistake[] = [
  ['network rm mine', 1, /network mine is in use by run1/],
  ['network rm -f mine', 1, /network mine is in use by run1/],
  ['network rm bridge', 1, /network bridge is predefined/],
  ['network rm none', 1, /network none is predefined/],
  ['network rm nope', 1, /network nope not found/],
  ['network rm', 1, /requires at least 1 argument/],
  ['network inspect nope', 1, /network nope not found/],
  ['network inspect', 1, /requires at least 1 argument/],
  ['network prune -f --filter foo=bar', 1, /"foo=bar"/],
  ['network prune -f --filter until=soon', 125, /"soon"/],
  ['network ls --filter foo=bar', 1, /"foo=bar"/],
  ['network ls --filter dangling=perhaps', 1, /"dangling=perhaps"/],
  ['network ls --filter type=odd', 1, /"type=odd"/],
  ['network ls mine', 1, /accepts no arguments/],
  ['network connect nope run1', 1, /network nope not found/],
  ['network connect mine nope', 1, /no such container: nope/],
  ['network connect mine run1', 1, /run1 is connected to network mine already/],
  ['network connect host run1', 1, /can't have network host and others/],
  ['network connect none run1', 1, /can't have network none and others/],
  ['network connect mine hostc', 1, /can't have network host and others/],
  ['network connect mine nonec', 1, /can't have network none and others/],
  ['network connect sub joined', 1, /lives in the stack of another/],
  ['network connect --ip 10.70.0.9 sub run1', 1, /10\.70\.0\.9 is in use/],
  ['network connect --ip 10.70.0.999 sub run1', 1, /"10\.70\.0\.999"/],
  ['network connect --alias foo bridge run1', 1, /aliases are not to be had on the default bridge/],
  ['network connect --ip 172.17.0.9 bridge run1', 1, /fixed address is not to be had on the default bridge/],
  ['network connect mine', 1, /requires exactly 2 arguments/],
  ['network disconnect sub run1', 1, /run1 is not connected to network sub/],
  ['network disconnect nope run1', 1, /network nope not found/],
  ['network disconnect mine nope', 1, /no such container: nope/],
  ['network disconnect -f mine nope', 1, /no such container: nope/],
  ['network disconnect host hostc', 1, /hostc/],
  ['run --rm --network nope true', 125, /network nope not found/],
  ['run --rm --network container:nope true', 125, /no such container: nope/],
  ['run --rm --network container:stopped true', 125, /stopped: it is not running/],
  ['run --rm --network container: true', 125, /container ""/],
  ['run --rm --network none --ip 1.2.3.4 true', 125, /--ip conflicts with --network none/],
  ['run --rm --network host --network mine true', 125, /host excludes every other/],
  ['run --rm --network mine --network mine true', 125, /mine is given more than once/],
  ['run --rm --network container:run1 --dns 1.1.1.1 true', 125, /--dns conflicts/],
  ['run --rm --network container:run1 --add-host a:1.2.3.4 true', 125, /--add-host conflicts/],
  ['run --rm --network container:run1 --network-alias x true', 125, /--network-alias conflicts/],
  ['run --rm --network container:run1 --expose 80 true', 125, /--expose conflicts/],
  ['run --rm --network container:run1 --hostname x true', 125, /--hostname conflicts/],
  ['run --rm --network container:run1 -p 80:80 true', 125, /--publish conflicts/],
  ['run --rm --network-alias x true', 125, /aliases are not to be had on the default bridge/],
  ['run --rm --network sub --ip foo true', 125, /"foo"/],
  ['run --rm --network sub --ip 10.70.0.9 true', 125, /10\.70\.0\.9 is in use/],
  ['run --rm --network sub --ip 10.70.0.255 true', 125, /10\.70\.0\.255 is the broadcast address/],
  ['run --rm --mac-address zz true', 125, /"zz"/],
  ['run --rm -p 80:0 true', 125, /"0"/],
];

for (const [title, mistakes] of Object.entries({ names, addresses, options, others })) {
  test.serial(`mistakes with networks: ${title}`, async (t) => {
    await withGangway(t, async (gangway) => {
      await furnish(gangway);
      const before = await gangway.state();
      for (const mistake of mistakes) await refused(t, gangway, mistake);
      await gangway.settlesAt(t, before);
    });
  });
}

/** Networks and containers of every kind, to make mistakes about. */
async function furnish(gangway: Gangway): Promise<void> {
  const lines = [
    'network create mine',
    'network create --subnet 10.70.0.0/24 sub',
    'network create -o com.docker.network.bridge.name=twin named',
    'run -d --name run1 --network mine sleep 1000',
    'run -d --name other --network sub --ip 10.70.0.9 sleep 1000',
    'run -d --name hostc --network host sleep 1000',
    'run -d --name nonec --network none sleep 1000',
    'run -d --name joined --network container:run1 sleep 1000',
    'create --name stopped sleep 1000',
  ];
  for (const line of lines) await gangway.run(...line.split(' '));
}

async function refused(t: ExecutionContext, gangway: Gangway, [line, exitCode, says]: Mistake): Promise<void> {
  const words = line.split(' ').map((word) => word.replace('␣', ' '));
  const result = await gangway.exec(words);
  t.is(result.exitCode, exitCode, `${line}: ${result.stderr}`);
  t.regex(result.stderr, says, line);
  t.notRegex(result.stderr, /internal error|\n {4}at |undefined|TypeError|: E[A-Z]{3,}/, line);
}

test.serial(
  'several at once: those that are there are dealt with, the others are named, and the status tells',
  async (t) => {
    await withGangway(t, async (gangway) => {
      await furnish(gangway);
      for (const name of ['one', 'two']) await gangway.run('network', 'create', '--label', 'kind=spare', name);
      const partly = await gangway.exec(['network', 'rm', 'one', 'nope', 'mine', 'two']);
      t.like(partly, { exitCode: 1, stdout: 'one\ntwo\n' });
      t.deepEqual(partly.stderr.match(/(nope not found|mine is in use)/g), ['nope not found', 'mine is in use']);
      t.like(await gangway.exec(['network', 'rm', '-f', 'nope', 'nope2']), { exitCode: 0, stdout: '', stderr: '' });
      const shown = await gangway.exec(['network', 'inspect', '-v', 'mine', 'nope', 'sub']);
      t.is(shown.exitCode, 1);
      t.deepEqual(
        JSON.parse(shown.stdout).map(({ Name }: { Name: string }) => Name),
        ['mine', 'sub'],
      );
      t.regex(shown.stderr, /network nope not found/);
      const none = await gangway.exec(['network', 'inspect', 'nope']);
      t.like(none, { exitCode: 1, stdout: '[]\n' });
    });
  },
);

test.serial('prune asks, takes what nobody uses, and heeds its filters', async (t) => {
  await withGangway(t, async (gangway) => {
    await furnish(gangway);
    for (const name of ['one', 'two', 'three']) await gangway.run('network', 'create', '--label', `is=${name}`, name);
    const prune = (words: readonly string[], input = '') =>
      gangway.exec(['network', 'prune', ...words], input === '' ? {} : { input });
    const links = async () =>
      (await gangway.sh('ip -j link show type bridge')).match(/"br-[0-9a-f]{12}"/g)?.length ?? 0;
    const before = await links();
    for (const answer of ['n\n', '\n', 'yesterday\n']) {
      const asked = await prune([], answer);
      t.like(asked, { exitCode: 0, stdout: '' });
      t.regex(asked.stderr, /\[y\/N\]/);
    }
    t.like(await prune([]), { exitCode: 0, stdout: '' }, 'whoever can’t be asked has not said yes');
    t.is(await links(), before);
    t.like(await prune(['-f', '--filter', 'until=1h']), { exitCode: 0, stdout: '' }, 'all of them are younger');
    t.is((await prune(['-f', '--filter', 'label=is=one'])).stdout, 'Deleted Networks:\none\n\n');
    t.is((await prune(['--filter', 'label', '-f'])).exitCode, 1);
    t.is(
      (await prune(['--filter', 'label!=is=two', '--filter', 'label=is', '-f'])).stdout,
      'Deleted Networks:\nthree\n\n',
    );
    t.is((await prune([], 'y\n')).stdout, 'Deleted Networks:\nnamed\ntwo\n\n');
    t.like(await prune(['-f']), { exitCode: 0, stdout: '' });
    const told = await gangway.run('events', '--since', '1h', '--until', '0s', '--filter', 'event=prune');
    t.regex(told, /^\S+ network prune {2}\(reclaimed=0\)$/m);
    await gangway.run('network', 'create', 'spare');
    const plan = (await gangway.exec(['explain', 'network', 'prune'])).stdout;
    t.regex(plan, /ip link del/, 'what changes nothing asks nobody');
    await gangway.run('network', 'rm', 'spare');
    await waitFor('two bridges are left, mine and sub’s', async () => (await links()) === 2);
    t.is(await gangway.run('network', 'ls', '--format', '{{.Name}}'), 'bridge\nhost\nmine\nnone\nsub');
  });
});

test.serial('a network that was removed under a container that does not run can be left', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('network', 'create', 'brief');
    await gangway.run('create', '--name', 'sleeper', '--network', 'brief', 'true');
    await gangway.run('network', 'rm', 'brief');
    const started = await gangway.exec(['start', 'sleeper']);
    t.is(started.exitCode, 1);
    t.is(
      started.stderr,
      'gangway: network brief of container sleeper was removed; create it again, or `gangway network disconnect brief sleeper`\n',
    );
    await gangway.run('network', 'disconnect', 'brief', 'sleeper');
    t.is((await gangway.exec(['network', 'disconnect', '-f', 'brief', 'sleeper'])).exitCode, 1);
    await gangway.run('start', 'sleeper');
  });
});

test.serial('a link that is too small for IPv6 has none to be closed', async (t) => {
  await withGangway(t, async (gangway) => {
    await gangway.run('network', 'create', '-o', 'com.docker.network.driver.mtu=576', 'small');
    const links = await gangway.run('run', '--rm', '--network', 'small', 'ip', '-j', 'address', 'show', 'dev', 'eth0');
    const [{ mtu, addr_info }] = JSON.parse(links);
    t.is(mtu, 576);
    t.deepEqual(
      addr_info.map(({ family }: { family: string }) => family),
      ['inet'],
    );
  });
});
