import test from 'ava';
import {
  decodeError,
  decodePublication,
  encodeError,
  encodePublication,
  forwardKey,
  LineSplitter,
  type Publication,
} from '../../src/engine/switchboard/protocol.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import { GangwayError } from '../../src/values/errors.ts';

const web: Publication = {
  owner: '5e26',
  name: 'web',
  forwards: ['0.0.0.0', '::'].map((hostAddress) => ({
    binding: { protocol: 'tcp', hostAddress: parseAddress(hostAddress), hostPort: 8080, containerPort: 80 },
    target: parseAddress('172.17.0.2'),
  })),
};

test('a publication travels as JSON and arrives as it was', (t) => {
  const wire = JSON.stringify(encodePublication(web));
  t.is(
    wire,
    '{"owner":"5e26","name":"web","ports":[' +
      '{"protocol":"tcp","hostAddress":"0.0.0.0","hostPort":8080,"containerPort":80,"target":"172.17.0.2"},' +
      '{"protocol":"tcp","hostAddress":"::","hostPort":8080,"containerPort":80,"target":"172.17.0.2"}]}',
  );
  t.deepEqual(decodePublication(JSON.parse(wire)), web);
});

test('forwards are told apart by all that they are made of', (t) => {
  const [first, second] = web.forwards.map(forwardKey);
  t.is(first, JSON.stringify(encodePublication(web).ports[0]));
  t.not(first, second);
  const moved = web.forwards.map((forward) => ({ ...forward, target: parseAddress('172.17.0.3') }));
  t.not(moved.map(forwardKey)[0], first);
  const introduced = web.forwards.map(({ binding, target }) => ({
    binding: { ...binding, clientAddress: 'header' as const },
    target,
  }));
  t.not(introduced.map(forwardKey)[0], first);
  t.deepEqual(decodePublication(encodePublication({ ...web, forwards: introduced })).forwards, introduced);
  const near = web.forwards.map((forward) => ({ ...forward, near: [parsePrefix('172.17.0.0/16')] }));
  t.not(near.map(forwardKey)[0], first);
  t.deepEqual(decodePublication(encodePublication({ ...web, forwards: near })).forwards, near);
});

test('an error keeps its code, its sentence and its hint', (t) => {
  const error = new GangwayError('port-in-use', 'port 80 is taken', { hint: 'take another' });
  const { code, message, hint } = decodeError(encodeError(error));
  t.deepEqual({ code, message, hint }, { code: 'port-in-use', message: 'port 80 is taken', hint: 'take another' });
  t.like(decodeError(encodeError(new TypeError('x is not a function'))), {
    code: 'program-failed',
    message: 'switchboard: x is not a function',
  });
});

test('lines are found wherever the stream was cut', (t) => {
  const lines = new LineSplitter();
  t.deepEqual([lines.push('a\nb'), lines.push('c'), lines.push('\n\nd')], [['a'], [], ['bc', '']]);
});
