import test from 'ava';
import { readQuery } from '../../src/services/dns/message.ts';
import { encodeQuery, formatAnswer } from '../../src/services/dns/packet-text.ts';
import { answerTo, question } from '../support/dns.ts';

test('a question is one that the server reads', (t) => {
  t.like(readQuery(encodeQuery('Web', 'AAAA')), { question: { name: 'web', type: 28, class: 1 }, isPlain: true });
});

test('an answer is a line for each record', (t) => {
  const message = answerTo(question('x.test', 'ANY'), {
    answers: [
      { type: 'A', name: 'x.test', ttl: 60, data: '192.0.2.1' },
      { type: 'TXT', name: 'x.test', ttl: 60, data: ['v=1', 'a "b"'] },
      { type: 'MX', name: 'x.test', ttl: 60, data: { preference: 10, exchange: 'mail.test' } },
    ],
  });
  t.deepEqual(formatAnswer(message), {
    status: 'NOERROR',
    records: ['x.test 60 IN A 192.0.2.1', 'x.test 60 IN TXT "v=1" "a \\"b\\""', 'x.test 60 IN MX 10 mail.test'],
  });
  t.deepEqual(formatAnswer(answerTo(question('x.test'), { flags: 3 })), { status: 'NXDOMAIN', records: [] });
});
