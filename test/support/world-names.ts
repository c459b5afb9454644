/** A name server, as a program for node that may be given its address: 192.0.2.1 for every name. Each question is a line of its output. */
export const worldNames = `
const types = { 1: 'A', 28: 'AAAA', 12: 'PTR', 16: 'TXT' };
const server = require('dgram').createSocket('udp4');
server.on('message', (message, peer) => {
  const labels = [];
  let at = 12;
  for (; message[at] > 0; at += message[at] + 1) labels.push(message.toString('latin1', at + 1, at + 1 + message[at]));
  const type = message.readUInt16BE(at + 1);
  console.log((types[type] ?? type) + ' ' + labels.join('.'));
  const record = Buffer.from('c00c00010001000000020004c0000201', 'hex');
  const answer = Buffer.concat([message.subarray(0, at + 5), ...(type === 1 ? [record] : [])]);
  answer.writeUInt16BE(0x8180, 2);
  answer.writeUInt32BE(0x00010000 + (type === 1 ? 1 : 0), 4);
  answer.writeUInt32BE(0, 8);
  server.send(answer, peer.port, peer.address);
});
server.bind(53, process.argv[1] ?? '0.0.0.0', () => console.log('ready'));
`;
