import test from 'ava';
import { breaches, readRules } from '../../scripts/layer-rules.ts';

const page = `
# Architecture

| layer | folder | what lives there |
|---|---|---|
| 0 | \`values/\` | things |
| 1 | \`sys/\` | calls |
| 6 | \`networks/\`, \`services/\` | the story |
| 7 | \`engine/\`, \`lab/\` | where the parts meet |
| 8 | \`cli/\` | doors |

## Chapters

1. \`none.ts\`: only lo
2. \`bridge.ts\`: a cable
3. [\`publish\`](src/networks/publish.ts): ports

## Rooms of the engine

1. \`store/\`: records
2. \`context\`: the lock
3. \`container/\`: start
4. \`engine\`: binds all

## Other things

1. \`later\`: no chapter
`;
const rules = readRules(page);

function breachesOf(tree: Record<string, string[]>): string[] {
  return breaches(new Map(Object.entries(tree)), rules);
}

test('the layer table and the list of chapters are read', (t) => {
  t.deepEqual(Object.fromEntries(rules.layers), {
    values: 0,
    sys: 1,
    networks: 6,
    services: 6,
    engine: 7,
    lab: 7,
    cli: 8,
  });
  t.deepEqual(rules.chapters, ['none', 'bridge', 'publish']);
  t.deepEqual(rules.rooms, ['store', 'context', 'container', 'engine']);
});

test('refuses a page without the table, the chapters or the rooms', (t) => {
  t.throws(() => readRules('# Architecture'), { message: /no table/ });
  t.throws(() => readRules(page.replace('Chapters', 'Verses')), { message: /no numbered list.*"Chapters"/ });
  t.throws(() => readRules(page.replace('Rooms', 'Cellars')), { message: /no numbered list.*"Rooms"/ });
});

test('imports of lower layers, of the own folder and by src/ itself are allowed', (t) => {
  t.deepEqual(
    breachesOf({
      'values/mac.ts': [],
      'values/port.ts': ['values/mac.ts'],
      'networks/none.ts': [],
      'networks/publish.ts': ['networks/none.ts', 'values/port.ts'],
      'services/proxy/proxy.ts': ['services/proxy/relay.ts'],
      'services/proxy/relay.ts': [],
      'engine/engine.ts': ['networks/none.ts', 'services/proxy/proxy.ts'],
      'index.ts': ['engine/engine.ts', 'cli/gangway.ts'],
      'cli/gangway.ts': ['engine/engine.ts'],
    }),
    [],
  );
});

test('an import of a higher layer, or of a neighbour on the same one, is a breach', (t) => {
  t.deepEqual(breachesOf({ 'networks/none.ts': ['engine/engine.ts'], 'lab/lab.ts': ['engine/engine.ts'] }), [
    'src/lab/lab.ts: imports src/engine/engine.ts (layer 7 → 7)',
    'src/networks/none.ts: imports src/engine/engine.ts (layer 6 → 7)',
  ]);
  t.deepEqual(breachesOf({ 'cli/gangway.ts': ['index.ts'] }), [
    'src/cli/gangway.ts: imports src/index.ts (src/ itself stands above all layers)',
  ]);
});

test('services do not import each other', (t) => {
  t.deepEqual(breachesOf({ 'services/proxy/proxy.ts': ['services/process/run.ts'] }), [
    'src/services/proxy/proxy.ts: imports src/services/process/run.ts (service proxy → process)',
  ]);
});

test('a chapter imports no later chapter', (t) => {
  t.deepEqual(breachesOf({ 'networks/none.ts': ['networks/bridge.ts'], 'networks/bridge.ts': [] }), [
    'src/networks/none.ts: imports src/networks/bridge.ts (chapter 1 → 2)',
  ]);
});

test('refuses an import of a later room of the engine', (t) => {
  t.deepEqual(
    breachesOf({
      'engine/store/record.ts': ['engine/store/codec.ts', 'engine/context.ts', 'engine/container/start.ts'],
      'engine/store/codec.ts': [],
      'engine/context.ts': ['engine/store/record.ts'],
      'engine/container/start.ts': ['engine/context.ts', 'engine/container/stop.ts'],
    }),
    [
      'src/engine/store/record.ts: imports src/engine/container/start.ts (room 1 → 3)',
      'src/engine/store/record.ts: imports src/engine/context.ts (room 1 → 2)',
      'src/engine/store/record.ts: imports src/engine/context.ts, which imports src/engine/store/record.ts (a circle)',
    ],
  );
});

test('a file without a place is a breach', (t) => {
  t.deepEqual(breachesOf({ 'web/page.ts': [], 'networks/macvlan.ts': [], 'engine/attic.ts': [] }), [
    'src/engine/attic.ts: is not in the list of rooms',
    'src/networks/macvlan.ts: is not in the list of chapters',
    'src/web/page.ts: its folder is not in the layer table',
  ]);
});

test('a circle is a breach, named once', (t) => {
  t.deepEqual(
    breachesOf({
      'sys/a.ts': ['sys/b.ts'],
      'sys/b.ts': ['sys/c.ts'],
      'sys/c.ts': ['sys/a.ts'],
      'sys/d.ts': ['sys/a.ts'],
    }),
    ['src/sys/a.ts: imports src/sys/b.ts, which imports src/sys/c.ts, which imports src/sys/a.ts (a circle)'],
  );
});
