/**
 * A name server, as a program for node: `node -e zoneServer '{"x.test":["60 A 192.0.2.1"],"*.y.test":["60 CNAME x.test"]}'`.
 *
 * Each question is a line of its output. An alias is answered with what it leads to; what it does not know is no name.
 */
export const zoneServer = `
'use strict';
const zone = JSON.parse(process.argv[1]);
const types = { 1: 'A', 28: 'AAAA', 12: 'PTR', 16: 'TXT' };
const nameBytes = (name) => Buffer.concat([
  ...name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')])),
  Buffer.of(0),
]);
const sixBytes = (text) => {
  const [head, tail = ''] = text.split('::');
  const words = (part) => part.split(':').filter(Boolean).map((word) => parseInt(word, 16));
  const middle = text.includes('::') ? Array(8 - words(head).length - words(tail).length).fill(0) : [];
  const all = Buffer.alloc(16);
  [...words(head), ...middle, ...words(tail)].forEach((word, index) => all.writeUInt16BE(word, 2 * index));
  return all;
};
const find = (name) => zone[name] ?? zone['*' + name.slice(name.indexOf('.'))];
const record = (owner, text) => {
  const [ttl, kind, value] = text.split(' ');
  const type = { A: 1, AAAA: 28, CNAME: 5 }[kind];
  const data = kind === 'A' ? Buffer.from(value.split('.').map(Number)) : kind === 'CNAME' ? nameBytes(value) : sixBytes(value);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(Number(ttl), 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([nameBytes(owner), head, data]);
};
const answersTo = (name, kind) => {
  const found = find(name);
  if (found === undefined) return undefined;
  return found.flatMap((text) => {
    const [, type, value] = text.split(' ');
    if (type === 'CNAME') return [record(name, text), ...(answersTo(value, kind) ?? [])];
    return type === kind ? [record(name, text)] : [];
  });
};
const reply = (message) => {
  const labels = [];
  let at = 12;
  for (; message[at] > 0; at += message[at] + 1) labels.push(message.toString('latin1', at + 1, at + 1 + message[at]));
  const kind = types[message.readUInt16BE(at + 1)] ?? 'another type';
  const name = labels.join('.').toLowerCase();
  console.log(kind + ' ' + name);
  const records = answersTo(name, kind);
  const answer = Buffer.concat([message.subarray(0, at + 5), ...(records ?? [])]);
  answer.writeUInt16BE(records === undefined ? 0x8183 : 0x8180, 2);
  answer.writeUInt32BE(0x00010000 + (records ?? []).length, 4);
  answer.writeUInt32BE(0, 8);
  return answer;
};
const server = require('node:dgram').createSocket('udp4');
server.on('message', (message, peer) => server.send(reply(message), peer.port, peer.address));
server.bind(53, '0.0.0.0', () => console.log('ready'));
`;
