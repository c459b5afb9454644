/** Compares templates and lists with Docker's client on the same data. */
import anyTest, { type TestFn } from 'ava';
import { parseTemplate, TemplateError } from '../../src/cli/template/template.ts';
import type { Value } from '../../src/cli/template/value.ts';
import { gangway } from '../support/cli.ts';
import { type DockerClient, dockerClient, missingDocker } from '../support/docker-client.ts';
import { container, networks } from '../support/fake-engine.ts';
import { skipUnless } from '../support/skip.ts';

const missing = missingDocker();
const created = '2026-01-02T13:23:37.5Z';

/** A field that Docker's client does not know: it keeps maps, lists and numbers as they are. */
const extra = {
  name: 'web',
  count: 3,
  share: 1.5,
  big: 1234567890123,
  on: true,
  off: false,
  nothing: null,
  list: [1, 'a', [true, null]],
  empty: [],
  labels: { b: '2', a: '1' },
  text: 'héllo <b>& "quoted"\n',
};

const asValue = (data: unknown): Value => {
  if (Array.isArray(data)) return data.map(asValue);
  if (typeof data !== 'object' || data === null) return data as Value;
  return new Map(Object.entries(data).map(([key, item]) => [key, asValue(item)]));
};

const test = anyTest as TestFn<DockerClient>;

test.before(async (t) => {
  if (missing !== undefined) return;
  const listed = networks.map(({ id, name, driver, scope }) => {
    return { Id: id, Name: name, Driver: driver, Scope: scope, Created: created, Labels: {} };
  });
  const { id, name, command, status, state, ports } = container;
  t.context = await dockerClient({
    '/networks': listed,
    '/networks/bridge': { ...listed[0], Extra: extra },
    '/containers/json': [
      {
        Id: id,
        Names: [`/${name}`],
        Command: command.join(' '),
        Created: Math.floor(container.createdAt.getTime() / 1000),
        Ports: ports,
        State: state,
        Status: status,
        NetworkSettings: { Networks: { bridge: {} } },
      },
    ],
  });
});

test.after.always((t) => t.context.close?.());

const same = [
  '{{.Extra}}',
  '{{.Extra.list}} {{index .Extra.list 1}} {{.Extra.big}} {{.Extra.share}} {{.Extra.nothing}} {{.Extra.empty}}',
  '{{json .Extra.text}} {{json .Extra.labels}} {{json .Extra.list}} {{json .Extra.nothing}}',
  '{{range $k, $v := .Extra}}{{$k}}={{$v}};{{end}}',
  '{{range $i, $e := .Extra.list}}{{$i}}={{$e}};{{else}}none{{end}} {{range .Extra.empty}}x{{else}}none{{end}}',
  '{{range $x := .Extra.nothing}}x{{else}}{{$x}}{{end}}',
  '{{with .Extra}}{{.name}} {{$.Name}}{{end}} {{with .Extra.off}}x{{else}}y{{end}}',
  '{{$a := 1}}{{$a}}{{if true}}{{$a := 2}}{{$a}}{{end}}{{$a}}{{if true}}{{$a = 3}}{{end}}{{$a}}',
  '{{if .Extra.nothing}}x{{else if .Extra.count}}y{{else}}z{{end}}',
  'a {{- .Name -}} b',
  'x {{- 3}} {{-3}} {{(.Extra).count}} {{.Extra | len}} {{1 | printf "%d-%d" 2}}',
  '{{len "héllo"}}',
  '{{print "a" 1 2 "b" "c" 3.5 nil true}} {{println "a" 1 2 nil}}|',
  '{{printf "%v %q %s %5d|%-5d|%d|%-8s|" "a" "b" "hi" 3 4 5 "ab"}}',
  '{{"é" | printf "%5s|"}} {{printf "%.2s" "éàü"}} {{printf "%q" "a\\tbé"}} {{printf "%v%%" nil}}',
  '{{1.0}} {{true}} {{"a\\tb"}} {{`raw\\n`}} {{+3}} {{1.25}}',
  '{{eq "a" "b" "a"}} {{ne 1 2}} {{lt "a" "b"}} {{ge 2 2}} {{le 3 2}} {{gt 1.5 0.5}} {{eq .Extra.nothing nil}}',
  '{{not 0}} {{and 1 0 2}} {{or 0 "" "x"}} {{and true (eq 1 1)}} {{.Name | and true}}',
  '{{upper .Name}} {{lower "ÄB"}} {{title "hello wORLD-foo bar_baz"}}',
  '{{split "a,b" ","}} {{join (split "abc" "") "-"}} {{index .Extra "none"}}',
];

const refused: readonly string[] = [
  '{{.Name',
  '{{nope}}',
  '{{$x}}',
  '{{end}}',
  '{{if}}x{{end}}',
  '{{"a" | "b"}}',
  '{{(.Name}}',
  '{{1a}}',
  '{{"a}}',
];
const refusedLater = [
  '{{.Name.X}}',
  '{{upper}}',
  '{{upper 1}}',
  '{{len 3}}',
  '{{lt 1 "a"}}',
  '{{.Name "b"}}',
  '{{index .Extra.list 9}}',
];

test('renders templates as Docker does', async (t) => {
  if (skipUnless(t, missing)) return;
  const mark = '\n--\n';
  const { status, stdout, stderr } = await t.context.run('network', 'inspect', '-f', same.join(mark), 'bridge');
  t.is(status, 0, stderr);
  const data: Value = { Name: 'bridge', Extra: asValue(extra) };
  const outputs = stdout.slice(0, -1).split(mark);
  t.is(outputs.length, same.length);
  for (const [index, template] of same.entries())
    t.is(parseTemplate(template).execute(data), outputs[index] ?? '', template);
});

test('rejects the templates that Docker rejects, with the same exit status', async (t) => {
  if (skipUnless(t, missing)) return;
  const data: Value = { Name: 'bridge', Extra: asValue(extra) };
  for (const template of [...refused, ...refusedLater]) {
    const docker = await t.context.run('network', 'inspect', '-f', template, 'bridge');
    const ours = await gangway(['network', 'inspect', '-f', template, 'bridge']);
    t.is(docker.status, ours.status, template);
    t.throws(() => parseTemplate(template).execute(data), { instanceOf: TemplateError }, template);
  }
});

const lists: readonly (readonly [command: readonly string[], format: string])[] = [
  ...[
    '{{.Name}}',
    '{{.ID}} {{.Driver}}\\t{{.Scope}}\\n',
    'table {{.Name}}\\t{{.ID}}',
    'table {{upper .Name}}\\t{{lower .Driver}}\\t{{.Scope}}',
    'table {{.Name}} {{.IPv6}} {{.Internal}} {{.Labels}}{{.Label "com.x.y_z"}}-',
    'table {{.Label "com.x.y_z"}}\\t{{.Name}}',
    'table {{.Name}}\\n{{.ID}}',
    'table {{$x := .Name}}{{$x}} {{join (split .Name "i") "-"}}',
    ' {{json .Name}} ',
    'table',
    '',
    '{{.Label}}',
    '{{.Nope}}',
    'table {{.Nope}}',
    '{{.Name',
  ].map((format) => [['network', 'ls'], format] as const),
  [['network', 'ls', '-q'], '{{.Name}}'],
  [['network', 'ls', '--no-trunc'], '{{.ID}}'],
  ...[
    '{{.ID}} {{.Names}} {{.Status}}',
    'table {{.ID}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.State}}\\t{{.Ports}}\\t{{.Status}}\\t{{.Networks}}\\t{{.Names}}',
    '{{.Nope',
  ].map((format) => [['ps'], format] as const),
];

test('formats lists as Docker does', async (t) => {
  if (skipUnless(t, missing)) return;
  for (const [command, format] of lists) {
    const docker = await t.context.run(...command, '--format', format);
    const ours = await gangway([...command, '--format', format]);
    t.is(ours.status, docker.status ?? -1, format);
    t.is(ours.stdout, docker.stdout.replaceAll(/ +$/gm, ''), format);
    t.is(ours.stderr === '', docker.stderr === '', format);
  }
});
