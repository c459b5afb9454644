import test from 'ava';
import { parseTime } from '../../src/cli/parse-time.ts';
import type { EngineEvent } from '../../src/values/event.ts';
import { gangway } from '../support/cli.ts';

const time = new Date('2026-11-27T04:36:00.188Z');
const web = 'a'.repeat(64);
const back = 'b'.repeat(64);

const sampleEvents: readonly EngineEvent[] = [
  { type: 'network', action: 'connect', id: back, attributes: { container: web, name: 'back', type: 'bridge' }, time },
  { type: 'container', action: 'die', id: web, attributes: { execDuration: '2', exitCode: '0', name: 'web' }, time },
];

const events = async function* () {
  yield* sampleEvents;
};

async function printed(...words: readonly string[]): Promise<string> {
  return (await gangway(['events', ...words], { events })).stdout;
}

test.serial('prints events in Docker’s format, in local time', async (t) => {
  const zone = process.env.TZ;
  t.teardown(() => {
    process.env.TZ = zone ?? 'UTC';
  });
  process.env.TZ = 'America/St_Johns';
  t.regex(await printed(), /^2026-11-27T01:06:00\.188000000-03:30 network/);
  process.env.TZ = 'UTC';
  t.is(
    await printed(),
    `2026-11-27T04:36:00.188000000Z network connect ${back} (container=${web}, name=back, type=bridge)\n` +
      `2026-11-27T04:36:00.188000000Z container die ${web} (execDuration=2, exitCode=0, name=web)\n`,
  );
});

test('prints Docker’s JSON, and renders templates with Docker’s fields', async (t) => {
  const [first = '', second = ''] = (await printed('--format', 'json')).split('\n');
  t.deepEqual(JSON.parse(first).Actor, { ID: back, Attributes: { container: web, name: 'back', type: 'bridge' } });
  t.true(second.endsWith('"scope":"local","time":1795754160,"timeNano":1795754160188000000}'), second);
  t.is(await printed('--format', '{{json .}}'), await printed('--format', 'json'));
  const format =
    '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}} {{.Scope}} {{.TimeNano}}';
  t.is(
    await printed('--format', format),
    'network connect back <no value> local 1795754160188000000\ncontainer die web 0 local 1795754160188000000\n',
  );
});

test('passes filters and times to the engine', async (t) => {
  const words = '--since 5 --until 2026-01-01T00:00:00Z -f type=container -f event=die -f event=start -f container=web';
  const { calls } = await gangway(['events', ...words.split(' ')]);
  t.deepEqual(calls, [
    [
      'events',
      {
        since: new Date(5000),
        until: new Date('2026-01-01T00:00:00Z'),
        filters: { types: ['container'], actions: ['die', 'start'], containers: ['web'] },
      },
    ],
  ]);
});

test('rejects invalid options before it calls the engine', async (t) => {
  for (const [words, status, message] of [
    [['--since', '5', '--until', '3'], 1, /^gangway: --since 5 is after --until 3\n/],
    [['--since', 'x'], 125, /^gangway: invalid --since "x"; /],
    [['--filter', 'foo=bar'], 1, /^gangway: invalid filter "foo=bar"; .* container, event, network, type\n/],
    [['--filter', 'type=contaner'], 1, /^gangway: invalid filter "type=contaner"; /],
    [['web'], 1, /^gangway: /],
    [['--format', '{{.Actr}}'], 1, /^gangway: template, column 3: no field \.Actr; did you mean '\.Actor'\?/],
    [['--format', '{{.Host}}'], 1, /the fields are \.Type \.Action \.Actor \.Scope \.Time \.TimeNano\n/],
  ] as const) {
    const outcome = await gangway(['events', ...words]);
    t.is(outcome.status, status, words.join(' '));
    t.regex(outcome.stderr, message);
    t.deepEqual(outcome.calls, []);
  }
  t.is((await gangway(['events', '--filter', 'type=volume'])).status, 0, 'a type of Docker without events in gangway');
});

test('parses times as Docker does', (t) => {
  const at = (text: string) => parseTime(text, '--since')?.toISOString();
  t.is(at('1795754160'), '2026-11-27T04:36:00.000Z');
  t.is(at('1795754160.188442075'), '2026-11-27T04:36:00.188Z');
  t.is(at('2026-11-27T04:36:00.188442075Z'), '2026-11-27T04:36:00.188Z');
  t.is(at('2026-11-27T05:36:00+01:00'), '2026-11-27T04:36:00.000Z');
  t.is(at('2026-11-27Z'), '2026-11-27T00:00:00.000Z');
  t.is(at('2026-11-27T05+01:00'), '2026-11-27T04:00:00.000Z');
  t.is(at('2026-11-27'), new Date(2026, 10, 27).toISOString(), 'midnight in local time');
  t.is(at('2026-11-27T04:36'), new Date(2026, 10, 27, 4, 36).toISOString());
  const ago = (text: string) => Math.round((Date.now() - (parseTime(text, '--since')?.getTime() ?? 0)) / 1000);
  t.deepEqual(['10m', '1h30m', '-10s', '+10s'].map(ago), [600, 5400, -10, 10]);
  for (const text of ['', 'x', '2026-13-01', '2026-11-27T25:00', '-5', '10m '])
    t.throws(() => parseTime(text, '--since'), { code: 'invalid-option' }, text);
});
