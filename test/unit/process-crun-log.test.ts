/** What is whose in crun's log. */
import test from 'ava';
import { readCrunLog } from '../../src/services/process/crun-log.ts';

const complaint = 'executable file `/no/such` not found: No such file or directory';
const line = `{"msg":"${complaint}","level":"error","time":"2026-11-30T06:56:31.302704Z"}`;

function read(log: string) {
  const { error: found, output } = readCrunLog(Buffer.from(log, 'latin1'));
  return { complaint: found, output: output.toString('latin1') };
}

test('a log that is empty says nothing', (t) => {
  t.deepEqual(read(''), { complaint: '', output: '' });
});

test('a complaint is crun’s', (t) => {
  t.deepEqual(read(`${line}\n`), { complaint, output: '' });
});

test('what the command said is its own, without the line feed behind each piece', (t) => {
  t.is(read('/dev/pts/0\r\n\n').output, '/dev/pts/0\r\n');
  t.is(read('no line\n').output, 'no line');
  t.is(read('one\r\n\r\nthree\r\n\n').output, 'one\r\n\r\nthree\r\n', 'an empty line');
  t.is(read('\x80\xff\x01\r\n\n').output, '\x80\xff\x01\r\n', 'any byte');
  const long = 'x'.repeat(300);
  t.is(read(`${long.slice(0, 255)}\n${long.slice(255)}\r\n\n`).output, `${long}\r\n`);
  t.is(read(`${'x'.repeat(254)}\r\n\nnext\r\n\n`).output, `${'x'.repeat(254)}\r\nnext\r\n`, 'between CR and LF');
});

test('a command may say what crun would, and is not taken for it', (t) => {
  t.deepEqual(read(`${line}\r\n\n`), { complaint: '', output: `${line}\r\n` });
});
