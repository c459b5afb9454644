import test from 'ava';
import {
  parseBlockWeight,
  parseDeviceRate,
  parseDuration,
  parseMemory,
  parseProcessLimit,
  parseProcessors,
  parseShares,
  parseSize,
} from '../../src/values/quantity.ts';

test('sizes count by 1024 in docker’s spellings', (t) => {
  const sizes: Record<string, number> = {
    '512': 512,
    '32b': 32,
    '32k': 32_768,
    '32K': 32_768,
    '32kb': 32_768,
    '32kib': 32_768,
    '32 KiB': 32_768,
    '64m': 67_108_864,
    '1.5g': 1_610_612_736,
    '1t': 1024 ** 4,
    '0': 0,
  };
  for (const [text, bytes] of Object.entries(sizes)) t.is(parseSize(text, '--memory'), bytes, text);
});

test('what is no size is refused with the option and the text', (t) => {
  for (const text of ['', 'abc', '-1m', '1x', '1mm', '1 m m', '0x10', '1e3', '9999999p', '1.m']) {
    t.throws(
      () => parseSize(text, '--memory'),
      { code: 'invalid-option', message: new RegExp(`^--memory "${text}"`) },
      text,
    );
  }
});

test('memory: no limit is none, and less than 6m is too little', (t) => {
  t.is(parseMemory('0'), undefined);
  t.is(parseMemory('6m'), 6 * 1024 ** 2);
  t.throws(() => parseMemory('4m'), { message: '--memory "4m" is below the minimum, 6m' });
});

test('processors are thousandths, and not more than there are', (t) => {
  t.is(parseProcessors('1.5', 2), 1500);
  t.is(parseProcessors('.5', 2), 500);
  t.is(parseProcessors('0', 2), undefined);
  t.throws(() => parseProcessors('3', 2), { message: '--cpus "3" is out of range, from 0.01 to 2' });
  t.throws(() => parseProcessors('0.001', 2), { code: 'invalid-option' });
  for (const text of ['', 'abc', '-1', '1e1', '1/2', '.'])
    t.throws(() => parseProcessors(text, 2), { code: 'invalid-option' });
});

test('weights keep to the kernel’s ranges, and 0 is none', (t) => {
  t.is(parseShares('512'), 512);
  t.is(parseShares('0'), undefined);
  t.throws(() => parseShares('1'), { message: '--cpu-shares "1" is out of range, from 2 to 262144' });
  t.is(parseBlockWeight('10'), 10);
  t.throws(() => parseBlockWeight('1001'), { code: 'invalid-option' });
  t.is(parseProcessLimit('-1'), undefined);
  t.is(parseProcessLimit('100'), 100);
  t.throws(() => parseProcessLimit('-2'), { code: 'invalid-option' });
});

test('a device rate is a path below /dev and bytes per second', (t) => {
  t.deepEqual(parseDeviceRate('/dev/vda:1mb', '--device-write-bps'), { path: '/dev/vda', bytesPerSecond: 1_048_576 });
  for (const text of ['/dev/vda', 'vda:1mb', '/dev/vda:', '/dev/vda:-1', '/dev/vda:0', '/etc/passwd:1mb', ':1mb']) {
    t.throws(() => parseDeviceRate(text, '--device-write-bps'), { code: 'invalid-option' }, text);
  }
});

test('durations are Go’s, in milliseconds', (t) => {
  t.is(parseDuration('1m30s', '--since'), 90_000);
  t.is(parseDuration('1.5h', '--since'), 5_400_000);
  t.is(parseDuration('250ms', '--since'), 250);
  t.is(parseDuration('0', '--since'), 0);
  for (const text of ['', '10', '-1s', '1s2', 'm', '1d'])
    t.throws(() => parseDuration(text, '--since'), { code: 'invalid-option' });
});
