// Two who speak netlink and share no line of code: ours, and the package `netlink`. What the one makes the other one reads.
//
//      gangway: gangway0 172.17.0.1/16, vethX, a container's eth0      the package: theirs0, a bridge
//                  └───────────────── one kernel ─────────────────────────┘
import test from 'ava';
import { withGangway } from '../support/gangway.ts';

const script = `
const { createRtNetlink } = await import('netlink');
const { Connection } = await import(process.argv[1] + '/dist/netlink/connection.js');
const { listLinks } = await import(process.argv[1] + '/dist/kernel/link.js');
const { listAddresses } = await import(process.argv[1] + '/dist/kernel/address.js');
const theirs = createRtNetlink();
const ours = Connection.open('route');
await theirs.newLink({}, { ifname: 'theirs0', linkinfo: Buffer.from('0b0001006272696467650000', 'hex') }, { flags: 0x600 });
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const links = (await theirs.getLinks()).map(({ data, attrs }) => [data.index, attrs.ifname, attrs.master ?? null, data.flags.up === true]);
const addresses = (await theirs.getAddresses({ family: 2 })).map(({ data, attrs }) => [data.index, data.prefixlen, hex(attrs.local)]);
console.log(JSON.stringify({
  theirs: { links, addresses },
  ours: {
    links: listLinks(ours).map(({ index, name, master, up }) => [index, name, master ?? null, up]),
    addresses: listAddresses(ours)
      .filter(({ prefix }) => prefix.address.family === 4)
      .map(({ linkIndex, prefix }) => [linkIndex, prefix.length, prefix.address.value.toString(16).padStart(8, '0')]),
  },
}));
process.exit();
`;

test('what gangway makes the package netlink reads as we do, and we what it makes', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', 'sleep', '1000');
    const words = [process.execPath, '--input-type=module', '-e', script, process.cwd()];
    const { theirs, ours } = JSON.parse(await gangway.lab.host.run(words));
    t.deepEqual(ours, theirs);
    const names = ours.links.map(([, name]: readonly [number, string]) => name.replace(/^veth.*/, 'veth'));
    t.true(
      ['lo', 'gangway0', 'veth', 'theirs0'].every((name) => names.includes(name)),
      names.join(' '),
    );
    t.true(JSON.stringify(ours.addresses).includes(',16,"ac110001"]'));
  }));
