import test from 'ava';
import { echoRequest, isEchoReply } from '../../src/kernel/icmp-echo.ts';

test('an echo request as ping(8) sends it', (t) => {
  t.is(Buffer.from(echoRequest(4, 0x1234)).toString('hex'), '0800e5ca12340001');
  t.is(Buffer.from(echoRequest(6, 0x1234)).toString('hex'), '8000000012340001');
});

test('its reply, behind the header of IPv4, and nobody else’s', (t) => {
  const header = `45${'00'.repeat(19)}`;
  const four = (hex: string) => Buffer.from(`${header}${hex}`, 'hex');
  t.true(isEchoReply(4, 0x1234, four('0000edca12340001')));
  t.false(isEchoReply(4, 0x1234, four('0000edca12350001')));
  t.false(isEchoReply(4, 0x1234, four('0800e5ca12340001')), 'a request');
  t.false(isEchoReply(4, 0x1234, four('')), 'cut off');
  t.true(isEchoReply(6, 0x1234, Buffer.from('8100000012340001', 'hex')));
  t.false(isEchoReply(6, 0x1234, Buffer.from('8000000012340001', 'hex')));
});
