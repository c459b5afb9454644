/** Go templates of `--format`: output and errors. */
import test from 'ava';
import fc from 'fast-check';
import { parseTemplate, TemplateError } from '../../src/cli/template/template.ts';
import type { Value } from '../../src/cli/template/value.ts';

const data: Value = {
  Name: 'web',
  Count: 3,
  Share: 1.5,
  On: true,
  Off: false,
  Nothing: null,
  List: ['a', 'b'],
  Empty: [],
  Labels: new Map([
    ['b', '2'],
    ['a', '1'],
  ]),
  State: { Pid: 42, Status: 'running' },
  Label: ([key]: readonly Value[]) => `label ${key}`,
};

const render = (template: string, value: Value = data) => parseTemplate(template).execute(value);

const outputs: Readonly<Record<string, readonly (readonly [template: string, output: string])[]>> = {
  'fields, variables and methods': [
    ['{{.Name}} {{.State.Pid}} {{$.Name}}', 'web 42 web'],
    ['{{.Labels.a}} {{.Labels.none}} {{.Nothing}}', '1 <no value> <no value>'],
    ['{{$s := .State}}{{$s.Status}}{{$s = .Name}} {{$s}}', 'running web'],
    ['{{.Label "x"}} {{"y" | .Label}} {{printf "%s" (.Label "z")}}', 'label x label y label z'],
    ['{{(.State).Pid}} {{(index .List 1)}}', '42 b'],
  ],
  'values as Go prints them': [
    ['{{.List}} {{.Labels}} {{.State}} {{.Empty}} {{.On}} {{.Share}}', '[a b] map[a:1 b:2] {42 running} [] true 1.5'],
    ['{{print .Nothing}} {{print "a" 1 2 "b" "c" 3.5 true}}', '<nil> a1 2bc3.5 true'],
    [
      '{{json .Labels}} {{json .Name}} {{json .Nothing}} {{json .State}}',
      '{"a":"1","b":"2"} "web" null {"Pid":42,"Status":"running"}',
    ],
    ['{{println 1 "a" nil}}', '1 a <nil>\n'],
  ],
  'branches and loops': [
    ['{{if .On}}1{{end}}{{if .Off}}2{{else if .Empty}}3{{else if .Count}}4{{else}}5{{end}}', '14'],
    ['{{with .State}}{{.Pid}} {{$.Name}}{{else}}none{{end}}{{with .Nothing}}x{{else}} none{{end}}', '42 web none'],
    ['{{range .List}}<{{.}}>{{end}} {{range $i, $e := .List}}{{$i}}{{$e}} {{end}}', '<a><b> 0a 1b '],
    ['{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}{{range .Empty}}x{{else}}none{{end}}', 'a=1;b=2;none'],
    ['{{range $x := .Empty}}{{else}}{{$x}}{{end}}', '[]'],
    ['{{$a := 1}}{{if true}}{{$a := 2}}{{$a}}{{end}}{{$a}}{{if true}}{{$a = 3}}{{end}}{{$a}}', '213'],
    ['{{$n := true}}{{range .List}}{{if $n}}{{$n = false}}{{else}},{{end}}{{.}}{{end}}', 'a,b'],
    ['{{with $x := .Name}}{{$x}}{{end}}{{with .Off}}{{else with .Name}}{{.}}{{end}}', 'webweb'],
  ],
  'text without the spaces that - trims': [
    ['a {{- .Name -}} b', 'awebb'],
    ['{{- 3}} {{-3}} {{ .Name\n}}', '3 -3 web'],
    ['}} {', '}} {'],
  ],
  literals: [
    ['{{"a\\tb\\n\\"\\\\"}} {{`raw\\n`}}', 'a\tb\n"\\ raw\\n'],
    ['{{1}} {{1.5e3}} {{+3}} {{-0}} {{true}} {{false}} {{"}}"}}', '1 1500 3 0 true false }}'],
  ],
  comparison: [
    [
      '{{eq 1 1}} {{eq "a" "b" "a"}} {{ne 1 2}} {{lt 1 2}} {{le "b" "a"}} {{gt 2 1}} {{ge 2 2}}',
      'true true true true false true true',
    ],
    ['{{eq .Nothing nil}} {{eq .Name nil}} {{not .Name}}', 'true false false'],
    ['{{and 1 0 2}} {{or 0 "" "x"}} {{or .Name .Nope}} {{and .Off .Nope}} {{.Name | and true}}', '0 x web false web'],
  ],
  functions: [
    [
      '{{upper .Name}} {{lower "ÄB"}} {{title "hello wORLD-foo bar_baz"}} {{len .Name}} {{len "é"}}',
      'WEB äb Hello WORLD-Foo Bar_baz 3 2',
    ],
    ['{{split "a,b" ","}} {{join .List "-"}} {{join (split "abc" "") "."}}', '[a b] a-b a.b.c'],
    ['{{index .List 1}} {{index .Labels "a"}} {{index .Labels "none"}}. {{index .State "Pid"}}', 'b 1 . 42'],
  ],
  printf: [
    ['{{printf "%v %q %s %d%%" "a" "b" "hi" 3}}', 'a "b" hi 3%'],
    ['{{printf "%5d|%-5d|%5s|%-5s|%.2s|" 3 4 "é" "é" "éàü"}}', '    3|4    |    é|é    |éà|'],
    ['{{.Name | printf "%s-%s" "a"}} {{printf "%s %q" .List .List}}', 'a-web [a b] ["a" "b"]'],
  ],
};

for (const [subject, pairs] of Object.entries(outputs)) {
  test(`renders ${subject}`, (t) => {
    for (const [template, output] of pairs) t.is(render(template), output, template);
  });
}

test('reports the position of a mistake and a hint', (t) => {
  const errors: readonly (readonly [template: string, error: RegExp])[] = [
    ['{{.Name', /column 1: the action is not closed; write }}/],
    ['a\nbc {{nope}}', /line 2, column 6: function "nope" is not supported; a field has a dot: \.nope/],
    ['{{uper .Name}}', /column 3: function "uper" is not supported; did you mean 'upper'\?/],
    ['{{slice "abc" 1}}', /column 3: function "slice" is not supported; write {{json \.}} and use a tool such as jq/],
    ['{{.Nme}}', /column 3: no field \.Nme; did you mean '\.Name'\?/],
    ['{{.State.X}}', /no field \.X; the fields are \.Pid \.Status/],
    ['{{.Name.X}}', /"web" has no field \.X/],
    ['{{.Nothing.X}}', /nil has no field \.X; test the value first: {{with …}}/],
    ['{{$x}}', /no variable \$x; declare it first/],
    ['{{$x = 1}}', /no variable \$x; declare it first/],
    ['{{if true}}{{$x := 1}}{{end}}{{$x}}', /column 32: no variable \$x/],
    ['{{if .On}}x', /column 1: {{if}} without an {{end}}/],
    ['{{if}}x{{end}}', /a value is missing/],
    ['{{end}}', /{{end}} without a beginning/],
    ['{{else}}', /{{else}} without a beginning/],
    ['{{range .List}}{{else}}{{else}}{{end}}', /column 24: second {{else}}/],
    ['{{if .On}}{{end x}}', /unexpected x after end/],
    ['{{define "x"}}{{end}}', /{{define}} is not supported/],
    ['{{(.Name}}', /the \( is not closed/],
    ['{{.Name)}}', /unexpected \)/],
    ['{{}}', /a value is missing/],
    ['{{.Name|}}', /a value is missing/],
    ['{{print"a"}}', /put a space before it/],
    ['{{nil}}', /nil cannot be printed/],
    ['{{"a" | "b"}}', /column 9: "b" takes no arguments/],
    ['{{.Name "b"}}', /"web" takes no arguments; only functions do/],
    ['{{"a}}', /the " is not closed/],
    ['{{"\\z"}}', /invalid escape sequence \\z/],
    ["{{'a'}}", /unexpected "'"; put text between double quotes/],
    ['{{1a}}', /invalid number 1a/],
    ['{{0x1F}}', /invalid number 0x1F/],
    ['{{99999999999999999999}}', /is too large/],
    ['{{/* x */}}', /column 3: comments are not supported/],
    ['{{range .Count}}{{end}}', /range takes a list or a map/],
    ['{{range $a, $b, $c := .List}}{{end}}', /too many variables: 3/],
    ['{{upper}}', /column 3: upper: takes 1 value, not 0/],
    ['{{upper 1}}', /upper: 1 is not a string/],
    ['{{and}}', /and: takes at least 1 value/],
    ['{{index .List 9}}', /index: 9 is out of range; the list has 2 items/],
    ['{{index .Name 0}}', /index: cannot index "web" with 0/],
    ['{{len 3}}', /len: 3 has no length/],
    ['{{lt 1 "a"}}', /lt: cannot compare 1 with "a": the types differ/],
    ['{{eq .List .List}}', /eq: cannot compare a list/],
    ['{{lt true false}}', /lt: cannot order true and false/],
    ['{{printf "%d" "x"}}', /printf: %d does not fit "x"; %v fits everything/],
    ['{{printf "%d"}}', /%d has no value/],
    ['{{printf "a" 3}}', /3 has no verb/],
    ['{{printf "%z" 3}}', /%z is not supported; use %s, %d, %v or %q/],
    ['{{printf "%05d" 3}}', /%05d is not supported/],
    ['{{printf "%9999d" 3}}', /%9999d is not supported/],
    ['{{printf "%" 3}}', /% is not supported/],
  ];
  for (const [template, message] of errors) {
    const error = t.throws(() => render(template), { instanceOf: TemplateError }, template);
    t.regex(error.message, /^template, /);
    t.regex(error.message, message);
  }
});

const words = [
  '{{',
  '}}',
  '{{-',
  '-}}',
  ' ',
  '.Name',
  '.List',
  '.Labels',
  '.',
  '$',
  '$x',
  ':=',
  '=',
  '|',
  '(',
  ')',
  ',',
].concat(
  [
    'if',
    'else',
    'end',
    'range',
    'with',
    'print',
    'printf',
    'index',
    'json',
    'and',
    'or',
    'nil',
    'true',
    '.Label',
    '"a"',
  ],
  ["'", '"', '`', '/*', '*/', '%d', '1', '-1', '1e9', 'split', 'slice', '\n', '\\', 'é', '😀', '\ud800'],
);

test('renders any text or throws a TemplateError', (t) => {
  const template = fc.oneof(
    fc.string(),
    fc.string().map((text) => `{{${text}}}`),
    fc.array(fc.constantFrom(...words)).map((list) => list.join('')),
    fc.array(fc.constantFrom(...words)).map((list) => `{{${list.join(' ')}}}`),
  );
  fc.assert(
    fc.property(template, (source) => {
      try {
        render(source);
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
      }
    }),
    { numRuns: 5000 },
  );
  const deep = ['{{if 1}}', '{{(', '{{else if 1}}', '{{with 1}}{{else}}'];
  for (const part of deep) t.throws(() => render(part.repeat(20_000)), { instanceOf: TemplateError });
  t.throws(() => render(`{{if 1}}${'{{else if 1}}'.repeat(20_000)}{{end}}`), { instanceOf: TemplateError });
  t.throws(() => render(`{{${'('.repeat(20_000)}1${')'.repeat(20_000)}}}`), { instanceOf: TemplateError });
  t.is(render(`{{1${'|print'.repeat(20_000)}}}`), '1');
});

test('renders literals unchanged', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const escaped = text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
      t.is(render(`{{"${escaped}"}}`), text);
      t.is(JSON.parse(render('{{printf "%q" .}}', text)), text);
    }),
  );
  fc.assert(fc.property(fc.maxSafeInteger(), (number) => t.is(render(`{{${number}}}`), String(number))));
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-6, max: 1e15 }), (number) =>
      t.is(render(`{{${number}}}`), String(number)),
    ),
  );
});

test('renders text without actions unchanged', (t) => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes('{{')),
      (text) => t.is(render(text), text),
    ),
  );
});
