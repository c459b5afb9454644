/** What the kernel tells of a container, and what telling costs the container. */
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { type Gangway, withGangway } from '../support/gangway.ts';

const server = 'require("node:http").createServer((_, answer) => answer.end()).listen(80)';
const service = [process.execPath, '-e', server];

/** Begins to watch. A watch says nothing when it is ready: something is made to happen until it tells of it. */
async function watching(gangway: Gangway, namespace: string | undefined, ...words: readonly string[]) {
  const watch = gangway.spawn('watch', ...words);
  const place = namespace === undefined ? [] : ['-n', namespace];
  await waitFor('the watch tells', async () => {
    await gangway.lab.host.run(['ip', ...place, 'address', 'add', '192.0.2.1/32', 'dev', 'lo']);
    await gangway.lab.host.run(['ip', ...place, 'address', 'delete', '192.0.2.1/32', 'dev', 'lo']);
    return watch.stdout.includes('192.0.2.1/32');
  });
  return watch;
}

async function namespaceOf(gangway: Gangway, name: string): Promise<string> {
  const [{ Id: id }] = JSON.parse(await gangway.run('inspect', name));
  return `gangway-${String(id).slice(0, 12)}`;
}

test('a container is watched until it ends: its links, addresses, routes, and flows that the machine tracks', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', '-p', '8080:80', ...service);
    await gangway.run('run', '-d', '--name', 'other', '-p', '8081:80', ...service);
    const namespace = await namespaceOf(gangway, 'web');
    const watch = await watching(gangway, namespace, 'web');
    const world = gangway.lab.place('world');
    const { v4 } = gangway.lab.host.addresses;
    for (const port of [8081, 8080]) {
      await waitFor(`port ${port} answers`, async () => {
        const { exitCode } = await world.exec(['curl', '-sfo', '/dev/null', `http://${v4}:${port}/`]);
        return exitCode === 0;
      });
    }
    await gangway.lab.host.run(['ip', '-n', namespace, 'route', 'add', '198.51.100.0/24', 'via', '172.17.0.1']);
    await watch.waitForOutput(/\+ route 198\.51\.100\.0\/24 via 172\.17\.0\.1 on eth0\n/);
    t.regex(watch.stdout, /[-+] address 192\.0\.2\.1\/32 on lo\n/);
    await watch.waitForOutput(new RegExp(`\\+ flow tcp \\S+ > ${v4}:8080, answered by 172\\.17\\.\\S+:80\\n`));
    t.notRegex(watch.stdout, /8081/, 'what others do is not its affair');
    await gangway.run('rm', '-f', 'web');
    const { exitCode, stderr } = await watch.result;
    t.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: 'container web has exited\n' });
  }));

test('the machine is watched until somebody stops it, and links have names', (t) =>
  withGangway(t, async (gangway) => {
    const watch = await watching(gangway, undefined);
    await gangway.run('run', '--rm', 'true');
    await watch.waitForOutput(/\+ link \d+: veth\w+, up, a port of gangway0\n/);
    t.regex(watch.stdout, /\+ address 172\.17\.0\.1\/16 on gangway0\n/);
    t.is((await watch.kill('SIGINT')).stderr, '');
  }));

const holder = `
  const { createEngine } = await import(process.argv[1]);
  const watch = await createEngine().watch('web');
  process.stdout.write('watching\\n');
  setInterval(() => {}, 1000);
`;

test('a namespace does not outlive its container for the sake of a watch that nobody reads', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', 'sleep', '1000');
    const library = new URL('../../dist/index.js', import.meta.url).href;
    const watch = gangway.lab.host.spawn([process.execPath, '--input-type=module', '-e', holder, library]);
    await watch.waitForOutput(/watching/);
    // The bridge's end of the cable made the kernel number the namespace at the other end, as long as there is one.
    const numbered = async () => (await gangway.sh('ip netns list-id')).split('\n').length;
    const before = await numbered();
    await gangway.run('rm', '-f', 'web');
    await waitFor('the kernel has freed the namespace', async () => (await numbered()) === before - 1);
    t.is(watch.stderr, '');
    t.is((await watch.kill()).exitCode, 137, 'it was still running');
  }));

/** Elements with long comments, which come and go while nobody listens: more than the 16 MiB that are kept; then one change more. */
const overrun = `
const { watchRuleset } = await import(process.argv[1] + '/dist/kernel/nft-monitor.js');
const { execFileSync } = await import('node:child_process');
const nft = (input) => execFileSync('nft', ['-f', '-'], { input });
const changes = watchRuleset();
const comment = JSON.stringify('x'.repeat(120));
const loud = Array.from({ length: 20 }, (_, k) => {
  const elements = Array.from({ length: 5000 }, (_, i) => ['10', k, i >> 8, i & 255].join('.') + ' comment ' + comment);
  return 'add element inet x s { ' + elements.join(', ') + ' }';
});
nft(['add table inet x', 'add set inet x s { type ipv4_addr; }', ...loud].join('\\n'));
nft('flush set inet x s');
try {
  for await (const { tables } of changes) console.log(...tables);
} catch ({ errno }) {
  console.log(errno);
}
const again = watchRuleset();
setImmediate(nft, 'delete table inet x');
for await (const { tables } of again) {
  console.log(...tables);
  break;
}
`;

test('events that the kernel had to drop end the stream, and not the program', (t) =>
  withGangway(t, async (gangway) => {
    const words = [process.execPath, '--input-type=module', '-e', overrun, process.cwd()];
    t.deepEqual((await gangway.lab.host.run(words)).trim().split('\n'), ['ENOBUFS', 'x']);
  }));

/** More elements than are kept for a reader who does not take them yet; then what waits in the kernel, and at last all of it. */
const slow = `
const { EventStream, groups, openEvents } = await import(process.argv[1] + '/dist/netlink/events.js');
const { execFileSync } = await import('node:child_process');
const { readFileSync } = await import('node:fs');
const nft = (input) => execFileSync('nft', ['-f', '-'], { input });
const stream = new EventStream(openEvents('netfilter', [groups.netfilter.tables]));
const elements = Array.from({ length: 20000 }, (_, i) => '10.0.' + (i >> 8) + '.' + (i & 255));
nft('add table inet x; add set inet x s { type ipv4_addr; }; add element inet x s { ' + elements.join(', ') + ' }');
for (let turn = 0; turn < 1000; turn++) await new Promise(setImmediate);
const sockets = readFileSync('/proc/self/net/netlink', 'utf8').split('\\n').map((line) => line.trim().split(/ +/));
console.log(sockets.some(([, protocol, , groups, bytes]) => protocol === '12' && groups === '00000040' && Number(bytes) > 0));
nft('delete table inet x');
const [NFT_MSG_DELTABLE, NFT_MSG_NEWSETELEM] = [0xa02, 0xa0c];
let found = 0;
for await (const { type } of stream) {
  if (type === NFT_MSG_NEWSETELEM) found++;
  if (type === NFT_MSG_DELTABLE) break;
}
console.log(found);
`;

test('what a slow reader does not take yet waits in the kernel, and nothing is lost', (t) =>
  withGangway(t, async (gangway) => {
    const words = [process.execPath, '--input-type=module', '-e', slow, process.cwd()];
    t.deepEqual((await gangway.lab.host.run(words)).trim().split('\n'), ['true', '20000']);
  }));

/** RTM_NEWLINK with the name of no link, to everybody who listens for links: who rules a namespace may send that. */
const forgery = `
  socket(my $socket, 16, 3, 0) or die;
  my $message = pack('L S S L L C C S l L L S S Z8', 44, 16, 0, 0, 0, 0, 0, 1, 99, 0, 0, 12, 3, 'forged');
  send($socket, $message, 0, pack('S S L L', 16, 0, 0, 1)) or die "$!";
`;

test('what somebody else sends to those who listen is not believed', (t) =>
  withGangway(t, async (gangway) => {
    const watch = await watching(gangway, undefined);
    const witness = gangway.lab.host.spawn(['ip', 'monitor', 'link']);
    await waitFor('ip monitor takes it for the kernel’s', async () => {
      await gangway.lab.host.run(['perl', '-e', forgery]);
      return witness.stdout.includes('forged') || witness.stderr.includes('Sender address length');
    });
    await gangway.lab.host.run(['ip', 'link', 'add', 'real0', 'type', 'bridge']);
    await waitFor('the watch goes on', () => watch.stdout.includes('real0'));
    t.false(watch.stdout.includes('forged'));
    await witness.kill();
    await watch.kill();
  }));
