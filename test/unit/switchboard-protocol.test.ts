import test from 'ava';
import {
  decodeError,
  decodePublication,
  encodeError,
  encodePublication,
  type Publication,
} from '../../src/engine/switchboard/protocol.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import { GangwayError } from '../../src/values/errors.ts';
import { forwardsKey } from '../../src/values/forward-set.ts';
import { LineSplitter } from '../../src/values/line-splitter.ts';

const web: Publication = {
  owner: '5e26',
  name: 'web',
  forwards: ['0.0.0.0', '::'].map((hostAddress) => ({
    protocol: 'tcp',
    hostAddress: parseAddress(hostAddress),
    target: parseAddress('172.17.0.2'),
    ports: [{ hostPort: 8080, containerPort: 80, count: 10_000 }],
  })),
};

test('a publication travels as JSON and arrives as it was', (t) => {
  const wire = JSON.stringify(encodePublication(web));
  const ports = '"target":"172.17.0.2","ports":[{"hostPort":8080,"containerPort":80,"count":10000}]';
  t.is(
    wire,
    '{"owner":"5e26","name":"web","forwards":[' +
      `{"protocol":"tcp","hostAddress":"0.0.0.0",${ports}},` +
      `{"protocol":"tcp","hostAddress":"::",${ports}}]}`,
  );
  t.deepEqual(decodePublication(JSON.parse(wire)), web);
});

test('forwards are told apart by all that they are made of', (t) => {
  const others = [
    web.forwards.slice(1),
    web.forwards.map((set) => ({ ...set, target: parseAddress('172.17.0.3') })),
    web.forwards.map((set) => ({ ...set, clientAddress: 'header' as const })),
    web.forwards.map((set) => ({ ...set, near: [parsePrefix('172.17.0.0/16')] })),
    web.forwards.map((set) => ({ ...set, ports: [{ hostPort: 8080, containerPort: 80, count: 9_999 }] })),
  ];
  t.is(new Set([web.forwards, ...others].map(forwardsKey)).size, 6);
  for (const forwards of others)
    t.deepEqual(decodePublication(encodePublication({ ...web, forwards })).forwards, forwards);
});

test('an error keeps its code, its sentence, its hint and what it is about', (t) => {
  const error = new GangwayError('port-in-use', 'port 80 is taken', { hint: 'take another', subject: '80' });
  const told = { code: 'port-in-use', message: 'port 80 is taken', hint: 'take another', subject: '80' };
  t.like(decodeError(JSON.parse(JSON.stringify(encodeError(error)))), told);
  t.like(decodeError(encodeError(new TypeError('x is not a function'))), {
    code: 'program-failed',
    message: 'switchboard: x is not a function',
  });
});

test('lines are found wherever the stream was cut', (t) => {
  const lines = new LineSplitter();
  t.deepEqual([lines.push('a\nb'), lines.push('c'), lines.push('\n\nd')], [['a'], [], ['bc', '']]);
});
