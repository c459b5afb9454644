import test from 'ava';
import {
  decodeError,
  decodePublication,
  encodeError,
  encodePublication,
  LineSplitter,
  type Publication,
  samePublication,
} from '../../src/engine/switchboard/protocol.ts';
import { parseAddress } from '../../src/values/address.ts';
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

test('the same ports under another name are the same publication', (t) => {
  t.true(samePublication(web, { ...web, name: 'www' }));
  t.false(samePublication(web, { ...web, forwards: web.forwards.slice(1) }));
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
