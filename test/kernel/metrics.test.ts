// What is told of published ports is what clients and container have sent and heard themselves.
//
//      web 172.17.0.2, tcp and udp 80, takes all and answers 200,003 bytes, or a datagram as it came
//           |
//     +-----+-------+------------------+          +---------------------+
//     | gangway0    host               |---cable--| world 203.0.113.2   |
//     |             up0 203.0.113.1/24 |          +---------------------+
//     +--------------------------------+
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { parseExposition, type Series, sampleOf } from '../support/exposition.ts';
import { withHook } from '../support/hook-scene.ts';
import { answers, untilAnswering } from '../support/probe.ts';
import { type Story, withStory } from '../support/story-lab.ts';

const answerBytes = 200_003;

const serving = `
const { createServer } = require('node:net');
const { createSocket } = require('node:dgram');
createServer({ allowHalfOpen: true }, (client) =>
  client.on('error', () => {}).resume().on('end', () => client.end(Buffer.alloc(${answerBytes}))),
).listen(80);
const socket = createSocket('udp4').on('message', (data, peer) => socket.send(data, peer.port, peer.address)).bind(80);
`;

/** What it has sent and heard. Bound, so that nobody leads it past the relay. */
const asking = `
import socket, sys
address, port, source, count, protocol = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]
if protocol == 'udp':
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.bind((source, 0))
    asker.settimeout(30)
    asker.sendto(bytes(count), (address, port))
    print(count, len(asker.recv(65536)))
    sys.exit()
asker = socket.create_connection((address, port), 30, (source, 0))
asker.sendall(bytes(count))
asker.shutdown(socket.SHUT_WR)
heard = 0
while data := asker.recv(65536):
    heard += len(data)
print(count, heard)
`;

async function ask(
  story: Story,
  from: 'host' | 'world',
  ...words: readonly (string | number)[]
): Promise<readonly number[]> {
  const output = await story.lab[from].run(['python3', '-c', asking, ...words.map(String)]);
  return output.trim().split(' ').map(Number);
}

/** Serves; is asked 3 times through the relay, twice through the firewall; is refused once. */
async function busy(story: Story): Promise<{ readonly sent: number; readonly heard: number }> {
  const published = ['-p', '8080:80', '-p', '8080:80/udp', '-p', '127.0.0.1:9090:90'];
  const web = await story.start('--name', 'web', ...published, process.execPath, '-e', serving);
  await untilAnswering(story, web, 80);
  let [sent, heard] = [0, 0];
  for (const count of [0, 1, 3_000_001]) {
    const [out = 0, back = 0] = await ask(story, 'host', '127.0.0.1', 8080, '127.0.0.1', count, 'tcp');
    sent += out;
    heard += back;
  }
  for (const count of [10, 20]) await ask(story, 'world', '203.0.113.1', 8080, '203.0.113.2', count, 'tcp');
  for (const count of [100, 1400]) await ask(story, 'host', '127.0.0.1', 8080, '127.0.0.1', count, 'udp');
  const refused = await story.lab.host.exec(['curl', '-s', '--interface', '127.0.0.1', 'http://127.0.0.1:9090/']);
  if (refused.exitCode === 0) throw new Error('it was not refused');
  return { sent, heard };
}

test('stats and inspect tell what the relay carried, to the byte, beside what the firewall translated', async (t) => {
  await withStory(t, {}, async (story) => {
    const { sent, heard } = await busy(story);
    t.deepEqual([sent, heard], [3_000_002, 3 * answerBytes]);
    const lines = (await story.run('stats', '--ports', '--no-stream', '--format', 'json')).split('\n');
    const rows = lines.map((line) => JSON.parse(line));
    const none = { Open: '0', Errors: '0', Drops: '0' };
    t.is(rows.length, 3);
    t.like(rows[0], { ...none, Port: '*:8080->80/tcp', Translated: '2', Relayed: '3', IO: '3MB / 600kB' });
    t.like(rows[1], { Port: '*:8080->80/udp', Translated: '0', Relayed: '2', Datagrams: '2 / 2', IO: '1.5kB / 1.5kB' });
    t.like(rows[2], { ...none, Port: '127.0.0.1:9090->90/tcp', Relayed: '1', Errors: '1', ErrorKinds: 'refused: 1' });
    const [{ Traffic }] = JSON.parse(await story.run('inspect', 'web'));
    t.is(Traffic.Relayed['80/tcp'].length, 1);
    t.like(Traffic.Relayed['80/tcp'][0], { HostPort: '8080', Connections: 3, BytesIn: sent, BytesOut: heard });
    t.like(Traffic.Relayed['80/udp'][0], { BytesIn: 1500, BytesOut: 1500, DatagramsIn: 2, DatagramsOut: 2 });
    t.is(Traffic.Relayed['90/tcp'][0].Errors.Refused, 1);
    await story.run('rm', '-f', 'web');
    t.is((await story.run('stats', '--ports', '--no-stream')).split('\n').length, 1, 'the heading alone');
  });
});

const socket = '/run/gangway/metrics.sock';

async function scrape(story: Story): Promise<readonly Series[]> {
  const words = ['-sSf', '--unix-socket', socket, 'http://localhost/metrics'];
  return parseExposition(await story.lab.host.run(['curl', ...words]));
}

test('Prometheus is told the same, by a socket that is root’s alone and goes with the switchboard', async (t) => {
  await withStory(t, {}, async (story) => {
    const { sent, heard } = await busy(story);
    const all = await scrape(story);
    const port = (name: string, labels: Readonly<Record<string, string>>) =>
      sampleOf(all, `gangway_port_${name}`, { container: 'web', ...labels });
    const tcp = { host: '*', port: '8080', container_port: '80', protocol: 'tcp' };
    t.is(port('connections_total', { ...tcp, path: 'relay' }), 3);
    t.is(port('connections_total', { ...tcp, path: 'firewall' }), 2);
    t.is(port('receive_bytes_total', tcp), sent);
    t.is(port('transmit_bytes_total', tcp), heard);
    t.is(port('open_connections', tcp), 0);
    t.is(port('receive_datagrams_total', { protocol: 'udp' }), 2);
    t.is(port('errors_total', { host: '127.0.0.1', port: '9090', kind: 'refused' }), 1);
    t.is(port('errors_total', { ...tcp, kind: 'refused' }), 0);
    const [{ Traffic }] = JSON.parse(await story.run('network', 'inspect', 'bridge'));
    t.is(sampleOf(all, 'gangway_network_receive_packets_total', { network: 'bridge' }), Traffic.In.Packets);
    t.is(sampleOf(all, 'gangway_published_ports'), 3);
    t.is(await story.sh(`stat -c '%a %U' ${socket}`), '600 root');
    await story.run('rm', '-f', 'web');
    await waitFor('the sockets are gone', async () => (await story.sh('ls /run/gangway')).search(/\.sock/) < 0);
  });
});

test('the socket of a switchboard that was killed is taken over by the next one', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.start('--name', 'web', '-p', '8080:80', 'sleep', '100');
    const before = sampleOf(await scrape(story), 'process_start_time_seconds');
    await story.sh('kill -9 $(ss -Hltnp sport = :8080 | grep -o "pid=[0-9]*" | cut -d= -f2 | sort -u)');
    await waitFor('nobody is there any more', async () => {
      const words = ['-s', '--unix-socket', socket, 'http://localhost/metrics'];
      return (await story.lab.host.exec(['curl', ...words])).exitCode === 7;
    });
    t.is(await story.sh(`stat -c %F ${socket}`), 'socket', 'control: it has left it behind');
    await story.start('--name', 'other', '-p', '8081:80', 'sleep', '100');
    const all = await scrape(story);
    t.true(sampleOf(all, 'process_start_time_seconds') > before);
    t.is(sampleOf(all, 'gangway_published_ports'), 2);
    await story.run('rm', '-f', 'web', 'other');
  });
});

for (const way of ['led', 'relayed'] as const) {
  test(`${way}: connections from the machine itself are counted on the way that they took, and a socket of UDP once`, async (t) => {
    await withHook(t, way, async (scene) => {
      const web = await scene.start('--name', 'web', '-p', '8080:80', '-p', '5300:80/udp', ...answers(80));
      await untilAnswering(scene, web, 80);
      await scene.settled(3);
      const asked = { protocol: 'tcp', port: 8080 } as const;
      await scene.asks(
        { ...asked, to: ['127.0.0.1'] },
        { ...asked, to: ['127.0.0.2'] },
        { ...asked, to: ['::1'] },
        { ...asked, to: ['127.0.0.1'], from: '127.0.0.1' },
        { protocol: 'udp', port: 5300, to: ['127.0.0.1', '127.0.0.1', '127.0.0.1'] },
      );
      const lines = (await scene.run('stats', '--ports', '--no-stream', '--format', 'json')).split('\n');
      const [udp, tcp] = lines.map((line) => JSON.parse(line));
      t.like(tcp, { Port: '*:8080->80/tcp', ...scene.either({ Led: '3', Relayed: '1' }, { Led: '0', Relayed: '4' }) });
      t.like(udp, { Port: '*:5300->80/udp', ...scene.either({ Led: '1', Relayed: '0' }, { Led: '0', Relayed: '1' }) });
      const labels = { path: 'hook', protocol: 'tcp' };
      t.is(sampleOf(await scrape(scene), 'gangway_port_connections_total', labels), scene.either(3, 0));
    });
  });
}
