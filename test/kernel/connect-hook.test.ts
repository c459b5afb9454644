// Processes of the machine that ask published ports of its loopback: led to the container, or relayed, and none the wiser.
//
//      client ── 127.0.0.1:8080 ── hook or relay ── gangway0 172.17.0.1 ══ eth0 172.17.0.2:80, web
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { type HookScene, withHook } from '../support/hook-scene.ts';
import { type Ask, asking } from '../support/loopback-client.ts';
import { answers, untilAnswering } from '../support/probe.ts';
import type { Container } from '../support/story-lab.ts';

const tcp = (host: string, port = 8080, from?: string): Ask => ({
  protocol: 'tcp',
  to: [host],
  port,
  ...(from === undefined ? {} : { from }),
});
const udp = (port: number, ...to: readonly string[]): Ask => ({ protocol: 'udp', to, port });

async function startWeb(scene: HookScene, ports: number, ...words: readonly string[]): Promise<Container> {
  const web = await scene.start('--name', 'web', ...words, ...answers(80, 81));
  await untilAnswering(scene, web, 81);
  await scene.settled(ports);
  return web;
}

/** A socket that was led to a port where nobody listens, refused, and connected to somebody else. */
const goesElsewhere = `
  use Socket;
  socket(my $socket, PF_INET, SOCK_STREAM, 0) or die;
  connect($socket, sockaddr_in(7009, inet_aton('127.0.0.1'))) and die 'somebody listens';
  connect($socket, sockaddr_in(7, inet_aton('172.17.0.2'))) or die $!;
  while (sysread(STDIN, my $said, 100)) {
    syswrite($socket, $said);
    sysread($socket, my $heard, 100) or die 'cut';
    syswrite(STDOUT, $heard);
  }
`;

for (const way of ['led', 'relayed'] as const) {
  test(`${way}: whatever address of loopback is asked, it answers, and the container sees the same client`, async (t) => {
    await withHook(t, way, async (scene) => {
      await startWeb(scene, 3, '-p', '8080:80', '-p', '127.0.0.3:8083:81');
      const asked = ['127.0.0.1', '127.9.8.7', '::1', '::ffff:127.0.0.1'];
      for (const host of asked) {
        const [answer] = await scene.asks(tcp(host));
        const own = host.includes(':') ? '::ffff:172.17.0.1' : '172.17.0.1';
        t.like(answer, { said: '172.17.0.1', peer: `${host} 8080` }, host);
        t.is(answer?.own === own, scene.either(true, false), `${host}: ${answer?.own}`);
      }
      const [any, one, other] = await scene.asks(tcp('0.0.0.0'), tcp('127.0.0.3', 8083), tcp('127.0.0.4', 8083));
      t.like(any, { said: '172.17.0.1', peer: '127.0.0.1 8080' });
      t.like(one, { said: '172.17.0.1', peer: '127.0.0.3 8083' });
      t.like(other, { error: 'ECONNREFUSED' });
      const reason = 'no cgroup v2 is mounted below /sys/fs/cgroup';
      t.like((await scene.status())?.hook, scene.either<object>({ state: 'on', ports: 3 }, { state: 'off', reason }));
    });
  });

  test(`${way}: a datagram is answered by whom it was sent to, also where one socket asks several`, async (t) => {
    await withHook(t, way, async (scene) => {
      await startWeb(scene, 2, '-p', '5300:80/udp', '-p', '127.0.0.1:5301:81/udp');
      const relays = () => scene.lab.host.run(['ss', '-Hun', 'dst', '172.17.0.2']);
      t.deepEqual(await scene.asks(udp(5300, '127.0.0.1')), [{ said: '172.17.0.1', peer: '127.0.0.1 5300' }]);
      t.is((await relays()) === '', scene.either(true, false), 'the relay has a socket for each whom it serves');
      t.deepEqual(await scene.asks(udp(5301, '127.0.0.1'), udp(5300, '127.0.0.1', '127.0.0.2', '127.0.0.1')), [
        { said: '172.17.0.1', peer: '127.0.0.1 5301' },
        { said: '172.17.0.1', peer: '127.0.0.1 5300' },
        { said: '172.17.0.1', peer: '127.0.0.2 5300' },
        { said: '172.17.0.1', peer: '127.0.0.1 5300' },
      ]);
      t.deepEqual(await scene.asks(udp(5300, '::ffff:127.0.0.1')), [
        { said: '172.17.0.1', peer: '::ffff:127.0.0.1 5300' },
      ]);
      t.deepEqual(await scene.asks(udp(5300, '::1')), [{ said: '172.17.0.1', peer: '::1 5300' }]);
    });
  });

  test(`${way}: a port that is taken back ends with its connections, and with no others`, async (t) => {
    await withHook(t, way, async (scene) => {
      const echo = 'socat TCP4-LISTEN:7,fork,reuseaddr PIPE & exec socat TCP4-LISTEN:8,fork,reuseaddr PIPE';
      const web = await scene.start('--name', 'web', '-p', '7007:7', '-p', '8008:8', 'sh', '-c', echo);
      await untilAnswering(scene, web, 7);
      await untilAnswering(scene, web, 8);
      await scene.settled(4);
      const talk = async (address: string) => {
        const client = scene.lab.host.spawn(['socat', '-', address]);
        client.stdin.write('hello\n');
        await client.waitForOutput(/hello/);
        return client;
      };
      const [lost, lost6] = [await talk('TCP4:127.0.0.1:7007'), await talk('TCP6:[::1]:7007')];
      const [kept, direct] = [await talk('TCP4:127.0.0.1:8008'), await talk('TCP4:172.17.0.2:7')];
      t.is((await scene.connectionsTo('172.17.0.2', 7)).length, 3);
      await scene.run('unpublish', 'web', '7007:7');
      t.deepEqual([(await lost.result).exitCode, (await lost6.result).exitCode], [1, 1]);
      for (const client of [kept, direct]) {
        client.stdin.write('still there?\n');
        await client.waitForOutput(/still there/);
      }
      t.deepEqual(await scene.asks(tcp('127.0.0.1', 7007), tcp('::1', 7007)), [
        { error: 'ECONNREFUSED' },
        { error: 'ECONNREFUSED' },
      ]);
      await scene.settled(2);
      await scene.run('rm', '-f', 'web');
      t.deepEqual(await scene.asks(tcp('127.0.0.1', 8008)), [{ error: 'ECONNREFUSED' }]);
      await kept.result;
      await waitFor('the switchboard has ended', async () => (await scene.status()) === undefined);
      await direct.kill();
    });
  });

  test(`${way}: a container that begins again is asked by whoever asked it before`, async (t) => {
    await withHook(t, way, async (scene) => {
      const web = await startWeb(scene, 3, '-p', '5300:80/udp', '-p', '8080:80');
      // A datagram socket that is connected, as those of most programs are.
      const client = scene.lab.host.spawn(['socat', '-', 'UDP4:127.0.0.1:5300']);
      client.stdin.write('who am I?\n');
      await client.waitForOutput(/^172\.17\.0\.1/);
      await scene.run('rm', '-f', 'web');
      await scene.start('--name', 'other', 'sleep', '100');
      const again = await scene.start('--name', 'web', '-p', '5300:80/udp', '-p', '8080:80', ...answers(80, 81));
      t.not(again.id, web.id);
      await untilAnswering(scene, again, 81);
      await scene.settled(3);
      const [eth0] = await scene.ip(again, '-4', 'address', 'show', 'eth0');
      t.not(eth0?.addr_info[0].local, '172.17.0.2', 'at another address');
      await waitFor('it is answered again', () => {
        client.stdin.write('who am I?\n');
        return /172\.17\.0\.1.*172\.17\.0\.1/s.test(client.stdout);
      });
      t.like((await scene.asks(tcp('127.0.0.1')))[0], { said: '172.17.0.1', peer: '127.0.0.1 8080' });
      await client.kill();
    });
  });
}

test('who has bound itself, speaks IPv6 alone, or is routed by a link or a mark is left to the relay', async (t) => {
  await withHook(t, 'led', async (scene) => {
    await startWeb(scene, 2, '-p', '8080:80');
    const [bound, free] = await scene.asks(tcp('127.0.0.1', 8080, '127.0.0.5'), tcp('127.0.0.1'));
    t.deepEqual(bound, { said: '172.17.0.1', peer: '127.0.0.1 8080', own: '127.0.0.5' });
    t.is(free?.own, '172.17.0.1', 'the control');
    const own = async (address: string) => {
      const client = scene.lab.host.spawn(['socat', '-d', '-d', 'STDOUT', address]);
      await client.result;
      t.is(client.stdout, '172.17.0.1', address);
      return / local address AF=\d+ \[?(.*?)\]?:\d+$/m.exec(client.stderr)?.[1];
    };
    t.is(await own('TCP4:127.0.0.1:8080'), '172.17.0.1', 'the control');
    t.is(await own('TCP4:127.0.0.1:8080,so-bindtodevice=lo'), '127.0.0.1');
    t.is(await own('TCP4:127.0.0.1:8080,setsockopt-socket=1:36:i7'), '127.0.0.1', 'SO_MARK');
    t.regex((await own('TCP6:[::1]:8080')) ?? '', /172\.17\.0\.1|ac11:0*1/, 'the control');
    t.regex((await own('TCP6:[::1]:8080,ipv6-v6only=1')) ?? '', /^(::|0000:.*:000)1$/);
  });
});

test('what is loopback of a container, of another network namespace, or asked from outside of the lab is nobody’s to lead', async (t) => {
  await withHook(t, 'led', async (scene) => {
    const web = await startWeb(scene, 2, '-p', '8080:80');
    const options = { environment: { NODE_OPTIONS: undefined }, workingDirectory: '/' };
    const asks = asking([tcp('127.0.0.1'), tcp('::1')]);
    const refused = [{ error: 'ECONNREFUSED' }, { error: 'ECONNREFUSED' }];
    // All of them are below the cgroup to which the hook is linked.
    t.deepEqual(JSON.parse(await scene.run('exec', 'web', ...asks)), refused);
    const within = ['nsenter', `--net=/run/netns/${web.namespace}`, ...asks];
    t.deepEqual(JSON.parse(await scene.lab.host.run(within, options)), refused);
    t.deepEqual(JSON.parse(await scene.lab.world.run(asks, options)), refused);
    t.like(await scene.asks(tcp('127.0.0.1')), [{ own: '172.17.0.1' }], 'the control');
    // In the lab's network, and not below its cgroups: this process itself.
    const { stdout } = await promisify(execFile)('nsenter', [`--net=${scene.lab.host.networkNamespacePath}`, ...asks]);
    t.like(JSON.parse(stdout), [{ said: '172.17.0.1', own: '127.0.0.1' }, { said: '172.17.0.1' }]);
  });
});

test('killed, the switchboard takes the hook along; who was led goes on, and the next one leads again', async (t) => {
  await withHook(t, 'led', async (scene) => {
    const echo = 'exec socat TCP4-LISTEN:7,fork,reuseaddr PIPE';
    const web = await scene.start('--name', 'web', '-p', '7007:7', 'sh', '-c', echo);
    await untilAnswering(scene, web, 7);
    await scene.settled(2);
    const client = scene.lab.host.spawn(['socat', '-', 'TCP4:127.0.0.1:7007']);
    client.stdin.write('hello\n');
    await client.waitForOutput(/hello/);
    await scene.sh('kill -9 "$1"', String((await scene.status())?.pid));
    await waitFor('nobody is led', async () => (await scene.asks(tcp('127.0.0.1', 7007)))[0]?.error !== undefined);
    client.stdin.write('still there?\n');
    await client.waitForOutput(/still there/);
    // Any command that changes something starts the next one.
    await scene.run('run', '--rm', 'true');
    await scene.settled(2);
    client.stdin.write('and now?\n');
    await client.waitForOutput(/and now/);
    const again = scene.lab.host.spawn(['socat', '-', 'TCP4:127.0.0.1:7007']);
    again.stdin.write('hello\n');
    await again.waitForOutput(/hello/);
    t.is((await scene.connectionsTo('172.17.0.2', 7)).length, 2);
    await Promise.all([client.kill(), again.kill()]);
  });
});

test('where the owner of the machine doesn’t want it, nobody is led, and the log says why', async (t) => {
  await withHook(t, 'led', async (scene) => {
    await scene.sh('touch /etc/gangway/no-connect-hook');
    const web = await scene.start('--name', 'web', '-p', '8080:80', ...answers(80));
    await untilAnswering(scene, web, 80);
    const reason = '/etc/gangway/no-connect-hook is there';
    await waitFor('it is off', async () => JSON.stringify(await scene.status()).includes(reason));
    t.regex(await scene.sh('cat /run/gangway/switchboard.log'), new RegExp(`not the connect hook: ${reason}`));
    t.like(await scene.asks(tcp('127.0.0.1')), [{ said: '172.17.0.1', peer: '127.0.0.1 8080', own: '127.0.0.1' }]);
  });
});

test('nobody listens: refused at once, where the relay would take the connection and reset it', async (t) => {
  for (const way of ['led', 'relayed'] as const)
    await withHook(t, way, async (scene) => {
      await scene.start('--name', 'web', '-p', '8080:80', 'sleep', '100');
      await scene.settled(2);
      t.like(await scene.asks(tcp('127.0.0.1')), [{ error: scene.either('ECONNREFUSED', 'ECONNRESET') }]);
    });
});

test('who was refused where it was led to, and went elsewhere, does not end with the port', (t) =>
  withHook(t, 'led', async (scene) => {
    const web = await scene.start('--name', 'web', '-p', '7009:9', 'socat', 'TCP4-LISTEN:7,fork,reuseaddr', 'PIPE');
    await untilAnswering(scene, web, 7);
    await scene.settled(2);
    const moved = scene.lab.host.spawn(['perl', '-e', goesElsewhere]);
    for (const change of ['', 'unpublish']) {
      if (change !== '') await scene.run('unpublish', 'web', '7009:9');
      moved.stdin.write(`hello ${change}\n`);
      await moved.waitForOutput(new RegExp(`hello ${change}\n`));
    }
    await moved.kill();
    t.is(moved.stdout, 'hello \nhello unpublish\n');
  }));

test('a container of IPv6 is led to by ::1, datagrams, too', async (t) => {
  await withHook(t, 'led', async (scene) => {
    await scene.run('network', 'create', '--ipv6', '--subnet', 'fd00:7::/64', 'six');
    const serve = 'socat UDP6-RECVFROM:53,fork SYSTEM:"read -r line; echo \\$SOCAT_PEERADDR" & exec "$@"';
    const command = ['sh', '-c', serve, 'sh', ...answers(80, 81)];
    const words = ['--network', 'six', '-p', '8080:80', '-p', '5300:53/udp'];
    const web = await scene.start('--name', 'web', ...words, ...command);
    await untilAnswering(scene, web, 81);
    await scene.settled(4);
    const [stream] = await scene.asks(tcp('::1'));
    t.like(stream, { peer: '::1 8080', own: 'fd00:7::1', said: 'fd00:7::1' });
    const [datagram] = await scene.asks(udp(5300, '::1'));
    t.is(datagram?.peer, '::1 5300');
    t.is(await scene.lab.host.run(['ss', '-Hun', 'dst', '[fd00:7::2]']), '', 'no relay');
  });
});
