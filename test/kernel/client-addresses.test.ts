// Who asks, as the container is told of it: by a header, on each way that leads to a published port.
//
//      web 172.17.0.2             sibling 172.17.0.3
//      81 prints what it is told       |
//           |                          |
//     +-----+-----------+--------------+-----+          +-----------------------+
//     |      gangway0 172.17.0.1/16     host |---cable--| world 203.0.113.2     |
//     |                  up0 203.0.113.1/24  |          |       2001:db8:f::2   |
//     +--------------------------------------+          +-----------------------+
import test from 'ava';
import type { Result } from '../../src/lab/background.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { formatAddress, fromBytes } from '../../src/values/address.ts';
import { quiet } from '../support/gangway.ts';
import { lacksProgram, skipUnless } from '../support/skip.ts';
import { type Container, refused, type Story, withStory } from '../support/story-lab.ts';

const patience = { timeoutMilliseconds: 20_000 };

type Place = (command: string) => Promise<Result>;

/** A server that answers with the bytes that it was told, in hexadecimal. */
const echo = (port: number) => `socat -T5 TCP-LISTEN:${port},reuseaddr,fork 'SYSTEM:od -An -v -tx1'`;
const serve = (...ports: readonly number[]) => ['sh', '-c', `${ports.map((port) => `${echo(port)} &`).join(' ')} wait`];

/** A server that answers with the address that it sees. */
const seen = (port: number, family = 4) =>
  `socat -T5 TCP${family}-LISTEN:${port},reuseaddr,fork 'SYSTEM:echo $SOCAT_PEERADDR'`;

/** What a client hears that says nothing but its end; `refused` or `silence` where nobody answers. */
async function told(place: Place, target: string): Promise<string> {
  const { stdout, stderr } = await place(`socat -t5 - TCP:${target},connect-timeout=2 </dev/null`);
  if (stdout !== '') return read(Buffer.from(stdout.replaceAll(/\s/g, ''), 'hex'));
  return /refused/.test(stderr) ? 'refused' : /timed out/.test(stderr) ? 'silence' : 'nobody';
}

/** A header of version 2: who asks, and what was asked. */
function read(header: Buffer): string {
  const width = header.readUInt8(13) === 0x11 ? 4 : 16;
  const address = (from: number) => formatAddress(fromBytes(header.subarray(from, from + width)));
  return `${address(16)} at ${address(16 + width)} ${header.readUInt16BE(header.length - 2)}`;
}

const on =
  (machine: Lab['host']): Place =>
  (command) =>
    machine.exec(['sh', '-c', command]);
const within =
  (story: Story, container: Container): Place =>
  (command) =>
    story.inside(container, command);

async function startWeb(story: Story, backend: string, ...options: readonly string[]): Promise<Container> {
  await story.run(`--firewall-backend=${backend}`, 'network', 'create', '--subnet', '172.30.0.0/16', 'other');
  const web = await story.start('--name', 'web', ...options, ...serve(81, 82));
  await waitFor('the container listens', async () => {
    const { stdout } = await story.inside(web, 'ss -Hltn');
    return [81, 82].every((port) => stdout.includes(`:${port} `));
  });
  return web;
}

for (const backend of ['nftables', 'iptables'])
  test(`${backend}: every client is introduced, from wherever it comes`, async (t) => {
    if (skipUnless(t, lacksProgram({ socat: 'socat' }))) return;
    await withStory(t, {}, async (story) => {
      const web = await startWeb(story, backend, '-p', '8081:81', '-p', '8082:82', '--proxy-protocol', '81');
      const sibling = await story.start('--name', 'sibling', 'sleep', '100');
      const stranger = await story.start('--name', 'stranger', '--network', 'other', 'sleep', '100');
      const [host, world] = [on(story.lab.host), on(story.lab.world)];
      const [fromSibling, itself, fromOther] = [within(story, sibling), within(story, web), within(story, stranger)];

      t.is(await told(world, '203.0.113.1:8081'), '203.0.113.2 at 203.0.113.1 8081');
      t.is(await told(world, '[2001:db8:f::1]:8081'), '2001:db8:f::2 at 2001:db8:f::1 8081');
      t.is(await told(host, '127.0.0.1:8081'), '127.0.0.1 at 127.0.0.1 8081', 'nor does the hook lead past the relay');
      t.is(await told(host, '[::1]:8081'), '::1 at ::1 8081');
      t.is(await told(host, '203.0.113.1:8081'), '203.0.113.1 at 203.0.113.1 8081');
      t.is(await told(fromSibling, '203.0.113.1:8081'), '172.17.0.3 at 203.0.113.1 8081');
      t.is(await told(fromSibling, '172.17.0.1:8081'), '172.17.0.3 at 172.17.0.1 8081');
      t.is(await told(itself, '203.0.113.1:8081'), '172.17.0.2 at 203.0.113.1 8081');
      t.is(await told(fromOther, '203.0.113.1:8081'), '172.30.0.2 at 203.0.113.1 8081');
      t.is(await told(world, '203.0.113.1:8082'), 'nobody', 'the control: its other port has no header');
      await story.lab.world.run(['ip', 'route', 'add', '172.17.0.0/16', 'via', '203.0.113.1']);
      t.is(await told(world, '172.17.0.2:81'), 'silence', 'and the container itself is as closed as ever');
    });
  });

for (const backend of ['nftables', 'iptables'])
  test(`${backend}: the container sees whoever asks as the source of the connection`, async (t) => {
    if (skipUnless(t, lacksProgram({ socat: 'socat' }))) return;
    await withStory(t, {}, async (story) => {
      const before = await quiet(() => story.state());
      for (const words of [
        '--ipv6 --subnet 172.30.0.0/16 --subnet fd00:30::/64 front',
        '--ipv6 --subnet 172.31.0.0/16 --subnet fd00:31::/64 other',
      ])
        await story.run(`--firewall-backend=${backend}`, 'network', 'create', ...words.split(' '));
      const server = [
        'sh',
        '-c',
        `${seen(81)} & ${seen(82)} & ${seen(81, 6).replace('TCP6-LISTEN:81', 'TCP6-LISTEN:81,ipv6only')} & wait`,
      ];
      const options = ['--network', 'front', '-p', '8081:81', '-p', '8082:82', '--transparent-source', '81'];
      const web = await story.start('--name', 'web', ...options, ...server);
      await waitFor('the container listens', async () => {
        const { stdout } = await story.inside(web, 'ss -Hltn');
        return ['0.0.0.0:81 ', '0.0.0.0:82 ', '[::]:81 '].every((address) => stdout.includes(address));
      });
      const sibling = await story.start('--name', 'sibling', '--network', 'front', 'sleep', '100');
      const stranger = await story.start('--name', 'stranger', '--network', 'other', 'sleep', '100');
      const [host, world] = [on(story.lab.host), on(story.lab.world)];
      const [fromSibling, itself, fromOther] = [within(story, sibling), within(story, web), within(story, stranger)];
      const sees = async (place: Place, target: string) =>
        (await place(`socat -t5 - TCP:${target},connect-timeout=2 </dev/null`)).stdout.trim();
      t.is(await sees(world, '203.0.113.1:8081'), '203.0.113.2');
      t.is(await sees(world, '[2001:db8:f::1]:8081'), '[2001:0db8:000f:0000:0000:0000:0000:0002]');
      t.is(await sees(fromOther, '203.0.113.1:8081'), '172.31.0.2');
      t.is(await sees(fromOther, '203.0.113.1:8082'), '172.30.0.1', 'the control: translated, it has the gateway’s');
      t.is(await sees(host, '203.0.113.1:8081'), '203.0.113.1');
      t.is(await sees(host, '127.0.0.1:8081'), '172.30.0.1');
      t.is(await sees(fromSibling, '203.0.113.1:8081'), '172.30.0.1', 'a sibling would hear the answer itself');
      t.is(await sees(itself, '203.0.113.1:8081'), '172.30.0.1');

      await story.sh(
        'nft delete table inet gangway-transparent; ip rule delete pref 642; ip -6 route flush table 268435457',
      );
      await waitFor('it is put back', async () => (await sees(world, '203.0.113.1:8081')) === '203.0.113.2', patience);
      await waitFor(
        'in IPv6, too',
        async () => (await sees(world, '[2001:db8:f::1]:8081')).includes(':0002'),
        patience,
      );

      await story.run('rm', '-f', 'web', 'sibling', 'stranger');
      await story.run('network', 'rm', 'front', 'other');
      await story.run('gc');
      t.is(
        await story.sh('nft list tables | grep transparent || ip rule | grep 642 || ip -6 rule | grep 642 || true'),
        '',
      );
      t.is(
        await story.sh('ip route show table all type local default; ip -6 route show table all type local default'),
        '',
      );
      // iptables leaves its tables, empty.
      if (backend === 'nftables') await story.settlesAt(t, before);
    });
  });

test('delivers packets on the return path only to proxies', async (t) => {
  if (skipUnless(t, lacksProgram({ socat: 'socat' }))) return;
  await withStory(t, {}, async (story) => {
    const options = ['--name', 'web', '-p', '8081:81', '--transparent-source', '81'];
    const web = await story.start(...options, 'sleep', '100');
    t.regex(await story.sh('nft list tables'), /inet gangway-transparent/);
    story.lab.host.spawn(['socat', 'TCP-LISTEN:2222,reuseaddr,fork,ip-transparent', 'SYSTEM:echo machine']);
    await waitFor('it listens', async () => (await story.sh('ss -Hltn')).includes(':2222 '));
    const ask = async () =>
      (await within(story, web)('socat -t2 - TCP:198.51.100.7:2222,connect-timeout=1 </dev/null')).stdout;
    t.is(await ask(), '', 'it is asked under an address of somebody else');
    await story.sh(`
      nft add table inet control
      nft add chain inet control before '{ type filter hook prerouting priority mangle - 20; }'
      nft add rule inet control before tcp dport 2222 meta mark set 0x10000001`);
    t.is(await ask(), 'machine\n', 'the control: the same, if every packet were taken for an answer');
  });
});

test('what publishing says of it, while the container runs', async (t) => {
  if (skipUnless(t, lacksProgram({ socat: 'socat' }))) return;
  await withStory(t, {}, async (story) => {
    const before = await quiet(() => story.state());
    await startWeb(story, 'nftables', '-p', '8082:82');
    const [host, world] = [on(story.lab.host), on(story.lab.world)];
    t.regex(
      await refused(story, 'publish --proxy-protocol 82 web 8083:82'),
      /^125 .* 82\/tcp of container web is published already, and its clients are introduced otherwise; `gangway unpublish web 82` first/,
    );
    t.regex(
      await refused(story, 'publish --proxy-protocol 83 web 8083:82'),
      /--proxy-protocol 83\/tcp: no published port leads there; publish it as well, as in -p 8080:83/,
    );
    t.regex(
      await refused(story, 'publish --proxy-protocol 82/udp web 8083:82/udp'),
      /clients are introduced over tcp, and --proxy-protocol 82\/udp is udp/,
    );
    await story.run('publish', '--proxy-protocol', '81', 'web', '8081:81');
    t.is(await told(world, '203.0.113.1:8081'), '203.0.113.2 at 203.0.113.1 8081');
    t.is(await told(host, '127.0.0.1:8081'), '127.0.0.1 at 127.0.0.1 8081');
    await story.run('publish', 'web', '9081:81');
    t.is(
      await told(world, '203.0.113.1:9081'),
      '203.0.113.2 at 203.0.113.1 9081',
      'it is the container’s port that is named',
    );

    const [{ HostConfig, NetworkSettings }] = JSON.parse(await story.run('inspect', 'web'));
    t.deepEqual(HostConfig.ProxyProtocol, ['81/tcp']);
    t.deepEqual(NetworkSettings.Ports['81/tcp'][0], { HostIp: '0.0.0.0', HostPort: '8081', ClientAddress: 'header' });
    t.deepEqual(NetworkSettings.Ports['82/tcp'][0], { HostIp: '0.0.0.0', HostPort: '8082' });
    t.regex(
      await story.run('rules', '8081'),
      /carried_ports \{ ipv4 \. tcp \. 8081-8082 \}'\n.*gangway run -p 8081:81 --proxy-protocol 81 -p 8082:82 web/,
    );
    t.notRegex(await story.sh('nft list map inet gangway ports4'), /8081/);

    await story.run('restart', '-t', '0', 'web');
    await waitFor('it is served again', async () => (await told(world, '203.0.113.1:8081')) !== 'nobody');
    t.is(await told(world, '203.0.113.1:8081'), '203.0.113.2 at 203.0.113.1 8081');

    await story.run('unpublish', 'web', '81');
    t.is(await told(world, '203.0.113.1:8081'), 'refused');
    await story.run('publish', 'web', '8081:81');
    t.is(await told(world, '203.0.113.1:8081'), 'nobody', 'who is published anew is asked anew');
    await story.run('rm', '-f', 'web');
    await story.run('network', 'rm', 'other');
    await story.run('gc');
    await story.settlesAt(t, before);
  });
});

test('where clients come by themselves nobody introduces them', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.run('network', 'create', '-o', 'com.docker.network.bridge.gateway_mode_ipv4=routed', 'open');
    t.regex(
      await refused(story, 'run -d --name web --network open -p 8081:81 --proxy-protocol 81 sleep 100'),
      /clients of port 81\/tcp of container web can’t be introduced: in a routed network they reach it by themselves/,
    );
    t.is(await story.run('ps', '-aq'), '');
  });
});
