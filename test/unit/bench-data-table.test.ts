import test from 'ava';
import { markdown } from '../../bench/data-table.ts';
import { Log } from '../../bench/log.ts';
import { report } from '../../bench/report.ts';

const machine = { processor: 'CPU', cores: 2, memoryGibibytes: 24, kernel: '6.18', node: 'v20', load: 0.5 };

test('writes carriers as columns, compared round by round with the first one', (t) => {
  const log = new Log();
  for (const [round, slow] of [1, 10, 1].entries()) {
    log.add('stream', 'gangway, relay', 30 / slow, 'Gbit/s');
    log.add('stream', 'docker-proxy', 20 / slow, 'Gbit/s');
    log.add('stream, processor', 'gangway, relay', 0, 's/GB');
    log.add('stream, processor', 'docker-proxy', 0.5, 's/GB');
    if (round === 0) log.add('of 100,000 connections', 'gangway, relay', 0, 'failed');
    log.add('container to container', 'on', 1_200, 'Gbit/s');
    log.add('container to container', 'off', 1_000, 'Gbit/s');
  }
  const absent = [{ name: 'socat', skipped: 'apt install socat' }];
  const text = markdown(report(machine, [], absent, log.measurements), ['docker-proxy', 'off']);
  t.deepEqual(text.split('\n').slice(1), [
    '',
    '|  | docker-proxy | gangway, relay |',
    '|---|---|---|',
    '| stream, Gbit/s | 20.0 | 30.0 (1.5) |',
    '| stream, processor, s/GB | 0.500 | 0 |',
    '| of 100,000 connections, failed | n/a | 0 |',
    '',
    '|  | off | on |',
    '|---|---|---|',
    '| container to container, Gbit/s | 1,000 | 1,200 (1.2) |',
    '',
    '* n/a, socat: apt install socat',
    '',
  ]);
});
