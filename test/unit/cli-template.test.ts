/** Templates: what they say about data, and what is said about templates. */
import test from 'ava';
import fc from 'fast-check';
import { parseNumber, quote, withoutEscapes } from '../../src/cli/template/literal.ts';
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

const say = (template: string, value: Value = data) => parseTemplate(template).execute(value);

const sayings: Readonly<Record<string, readonly (readonly [template: string, said: string])[]>> = {
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
    ['{{with $x := .Name}}{{$x}}{{end}}{{with .Off}}{{else with .Name}}{{.}}{{end}}', 'webweb'],
  ],
  'blanks and comments': [
    ['a {{- .Name -}} b', 'awebb'],
    ['a {{- /* no */ -}} b {{/* no */}} c', 'ab  c'],
    ['{{- 3}} {{-3}} {{ .Name\n}}', '3 -3 web'],
    ['{{/* a */}}{{.Name}}{{/* b */}}', 'web'],
    ['}} {', '}} {'],
  ],
  literals: [
    ['{{"a\\tb\\u00e9\\x41\\101"}} {{`raw\\n`}}', 'a\tbéAA raw\\n'],
    ["{{'a'}} {{0x1F}} {{0b11}} {{0o17}} {{017}} {{1_000}} {{1.5e3}} {{+3}} {{-0}}", '97 31 3 15 15 1000 1500 3 0'],
    ['{{true}} {{false}} {{"}}"}}', 'true false }}'],
  ],
  comparing: [
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
    ['{{truncate "héllo" 2}} {{truncate "a" 5}} {{pad "a" 1 2}}|{{pad "" 1 2}}|', 'hé a  a  ||'],
    ['{{index .List 1}} {{index .Labels "a"}} {{index .Labels "none"}}. {{index .State "Pid"}}', 'b 1 . 42'],
    ['{{slice "hello" 1 3}} {{slice .List 1}} {{slice "abc"}}', 'el [b] abc'],
    [
      '{{html "<a href=\\"x\\">&"}} {{js "it\'s <b>"}} {{urlquery "a b&c/d!"}}',
      "&lt;a href=&#34;x&#34;&gt;&amp; it\\'s \\u003Cb\\u003E a+b%26c%2Fd%21",
    ],
  ],
  printf: [
    ['{{printf "%v %q %x %5d|%-5d|%05d %t %c" "a" "b" "hi" 3 4 5 true 65}}', 'a "b" 6869     3|4    |00005 true A'],
    [
      '{{printf "%.2f %e %g %08.3f %+d % d %#x %X %o %b" 1.5 1.5 1.5 3.14159 5 5 255 255 8 2}}',
      '1.50 1.500000e+00 1.5 0003.142 +5  5 0xff FF 10 10',
    ],
    [
      '{{printf "%.1f %.1f %.0f %.0f %.0f %.2f %.2f %.1f %.0f" 1.25 1.75 0.5 1.5 -2.5 0.125 1.005 0.35 7.0}}',
      '1.2 1.8 0 2 -2 0.12 1.00 0.3 7',
    ],
    ['{{printf "%.1e %.2e %.2g %.3g %.0g" 1.25 12350.0 1.25 1.375 2.5}}', '1.2e+00 1.24e+04 1.2 1.38 2'],
    [
      '{{.Name | printf "%s-%s" "a"}} {{printf "%.2s|%5s|%-5s|" "éàü" "é" "é"}} {{printf "%s %q 100%%" .List .List}}',
      'a-web éà|    é|é    | [a b] ["a" "b"] 100%',
    ],
  ],
};

for (const [what, pairs] of Object.entries(sayings)) {
  test(`templates: ${what}`, (t) => {
    for (const [template, said] of pairs) t.is(say(template), said, template);
  });
}

test('a mistake is told with its place and the remedy', (t) => {
  const complaints: readonly (readonly [template: string, complaint: RegExp])[] = [
    ['{{.Name', /column 1: the action is not closed; write }}/],
    ['a\nbc {{nope}}', /line 2, column 6: there is no function nope; a field has a dot: \.nope/],
    ['{{uper .Name}}', /column 3: there is no function uper; did you mean 'upper'\?/],
    ['{{.Nme}}', /column 3: there is no field \.Nme; did you mean '\.Name'\?/],
    ['{{.State.X}}', /there is no field \.X; the fields are \.Pid \.Status/],
    ['{{.Name.X}}', /"web" has no field \.X/],
    ['{{.Nothing.X}}', /nothing has no field \.X; ask first: {{with …}}/],
    ['{{$x}}', /there is no variable \$x; declare it first/],
    ['{{if true}}{{$x := 1}}{{end}}{{$x}}', /column 32: there is no variable \$x/],
    ['{{if .On}}x', /column 1: {{if}} has no end/],
    ['{{if}}x{{end}}', /a value is missing/],
    ['{{end}}', /{{end}} has no beginning/],
    ['{{else}}', /{{else}} has no beginning/],
    ['{{range .List}}{{else}}{{else}}{{end}}', /column 24: a second {{else}}/],
    ['{{define "x"}}{{end}}', /{{define}} is not supported/],
    ['{{(.Name}}', /the \( is not closed/],
    ['{{.Name)}}', /\) can't stand here/],
    ['{{}}', /a value is missing/],
    ['{{.Name|}}', /a value is missing/],
    ['{{print"a"}}', /put a blank between them/],
    ['{{nil}}', /nil alone is nothing to print/],
    ['{{"a" | "b"}}', /column 9: what stands behind \| takes no value/],
    ['{{.Name "b"}}', /"web" takes no values; only functions do/],
    ['{{"a}}', /the " has no partner/],
    ['{{"\\z"}}', /\\z is no character/],
    ["{{'ab'}}", /'ab' is not one character/],
    ['{{1a}}', /1a is no number/],
    ['{{99999999999999999999}}', /is too large/],
    ['{{/* x }}', /the comment is not closed/],
    ['{{range .Count}}{{end}}', /range can't walk along 3/],
    ['{{range $a, $b, $c := .List}}{{end}}', /3 variables are too many/],
    ['{{upper}}', /column 3: upper: takes 1 value, not 0/],
    ['{{upper 1}}', /upper: 1 is no text/],
    ['{{and}}', /and: takes at least 1 value/],
    ['{{index .List 9}}', /index: 9 is outside; it has 0 to 1/],
    ['{{lt 1 "a"}}', /lt: 1 and "a" are of different kinds/],
    ['{{eq .List .List}}', /eq: a list can't be compared/],
    ['{{printf "%d" "x"}}', /printf: %d does not fit "x"; %v fits everything/],
    ['{{printf "%d"}}', /%d has no value/],
    ['{{printf "a" 3}}', /3 has no verb/],
    ['{{printf "%z" 3}}', /%z is no verb/],
    ['{{printf "%9999d" 3}}', /%9999d is too wide/],
    ['{{pad "a" 99999999 0}}', /no widths/],
  ];
  for (const [template, complaint] of complaints) {
    const error = t.throws(() => say(template), { instanceOf: TemplateError }, template);
    t.regex(error.message, /^template, /);
    t.regex(error.message, complaint);
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
  ["'", '"', '`', '/*', '*/', '%d', '1', '-1', '1e9', 'slice', 'pad', 'truncate', '\n', '\\', 'é', '😀', '\ud800'],
);

test('whatever is typed, it is a text or a sentence', (t) => {
  const template = fc.oneof(
    fc.string(),
    fc.string().map((text) => `{{${text}}}`),
    fc.array(fc.constantFrom(...words)).map((list) => list.join('')),
    fc.array(fc.constantFrom(...words)).map((list) => `{{${list.join(' ')}}}`),
  );
  fc.assert(
    fc.property(template, (source) => {
      try {
        say(source);
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
      }
    }),
    { numRuns: 5000 },
  );
  const deep = ['{{if 1}}', '{{(', '{{else if 1}}', '{{with 1}}{{else}}'];
  for (const part of deep) t.throws(() => say(part.repeat(20_000)), { instanceOf: TemplateError });
  t.throws(() => say(`{{if 1}}${'{{else if 1}}'.repeat(20_000)}{{end}}`), { instanceOf: TemplateError });
  t.throws(() => say(`{{${'('.repeat(20_000)}1${')'.repeat(20_000)}}}`), { instanceOf: TemplateError });
});

test('a literal that is printed reads the same again', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const literal = quote(text);
      t.is(withoutEscapes(literal.slice(1, -1)), text);
      t.is(say(`{{${literal}}}`), text);
      t.is(say('{{printf "%q" .}}', text), literal);
    }),
  );
  fc.assert(fc.property(fc.maxSafeInteger(), (number) => t.is(parseNumber(String(number)), number)));
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-6, max: 1e15 }), (number) =>
      t.is(say(`{{${number}}}`), String(number)),
    ),
  );
});

test('text without actions stays as it is', (t) => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes('{{')),
      (text) => t.is(say(text), text),
    ),
  );
});
