// Replaces the programs of a built tree by one CommonJS file each, compiled. A program is a source that begins with `#!`.
//
//     node scripts/bundle.js dist
//
// Node's own start is most of what a command costs, and how its code is loaded is most of the rest. Measured for
// `gangway network ls`, least of 25 runs, Node alone 60 ms: a hundred ES modules 117 ms, ES modules bundled and split by
// command 104 ms, one CommonJS file 77 ms. The loader for ES modules works asynchronously and asks the disk about each
// of them; the one for CommonJS reads a file.
//
// V8 compiles what it meets, in every process anew: 17 ms of processor time for `gangway run`. So the code is compiled here
// (rehearse.cjs), and what V8 makes of it lies beside it. Another Node than the one that built it finds that out and
// compiles as ever.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { build } from 'esbuild';

const sources = resolve('src');
const out = resolve(process.argv[2] ?? 'dist');
const common = {
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  logLevel: 'warning',
  // A third less to read; names stay, for whoever sends us the stack of an internal error.
  minifyWhitespace: true,
  minifySyntax: true,
  // `import()` becomes `require()`: what is compiled here and run elsewhere has no loader of its own.
  supported: { 'dynamic-import': false },
};

/**
 * A module finds the files beside it (the ruleset, a program) through `import.meta.url`, but its code moves into the
 * program's file: there the expression becomes the address of the module's own place in the tree.
 */
const ownAddress = (folder) => ({
  name: 'own-address',
  setup(bundle) {
    bundle.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (!path.startsWith(sources + sep)) return undefined;
      const compiled = relative(folder, path).replace(/\.ts$/, '.js');
      const address = `new URL(${JSON.stringify(compiled)}, programAddress).href`;
      // Here `require` is there without being made, and esbuild sees what it asks for: koffi becomes part of the program.
      const contents = readFileSync(path, 'utf8')
        .replace(/^const require = createRequire\(import\.meta\.url\);$/m, '')
        .replaceAll('import.meta.url', address);
      return { contents, loader: 'ts', resolveDir: dirname(path) };
    });
  },
});

/** execa is as large as gangway and seldom needed: a file of its own, read when the first program is started. */
const execaBeside = {
  name: 'execa-beside',
  setup: (bundle) => bundle.onResolve({ filter: /^execa$/ }, () => ({ path: './execa.cjs', external: true })),
};

/**
 * What starts the program: it reads the code and what was compiled of it, and goes on there under its own name.
 *
 * Options of V8 on the command line, or in NODE_OPTIONS, would be others than the code was compiled with, and V8 would compile it anew, 40 ms of
 * processor time. The only one that is used (src/engine/create-engine.ts) is done when the memory is laid out: it can be forgotten.
 */
const start = (interpreter, code) => `${interpreter}
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');
if (process.execArgv.length > 0 || process.env.NODE_OPTIONS) require('node:v8').setFlagsFromString('--max-semi-space-size=0');
const code = \`\${__dirname}/${code}\`;
const cachedData = readFileSync(\`\${code}.compiled\`);
const program = new Script(readFileSync(code, 'latin1'), { filename: '${code}', cachedData });
program.runInThisContext()(exports, require, module, __filename, __dirname);
`;

/**
 * What is done most, as far as it changes nothing: what is compiled for these is compiled beforehand. All functions would be
 * three times as much to read, 10 ms of every command.
 */
const rehearsals = [
  ['explain', 'run', '-d', '--name', 'web', '-p', '8080:80', 'sleep', '1'],
  ['explain', 'network', 'create', 'front'],
  ['network', 'ls'],
  ['network', 'inspect', 'bridge'],
  ['ps', '-a'],
  ['inspect', 'nobody'],
  ['rm', 'nobody'],
];

/**
 * Makes of the program three files: its code, what is compiled of it, and what starts it.
 *
 * One letter that is not of ASCII makes the whole text two bytes a letter, and 10 ms of processor time to read instead of 3.
 *
 * V8 believes that a text of the same length is the same text: the first two belong together, and one build writes both.
 */
function compile(program) {
  const code = program.replace(/\.js$/, '.code.js');
  const [interpreter, ...lines] = readFileSync(program, 'utf8').split('\n');
  if (lines.some((line) => Buffer.byteLength(line) !== line.length)) throw new Error(`${code} is not all ASCII`);
  writeFileSync(code, `(function (exports, require, module, __filename, __dirname) {\n${lines.join('\n')}})\n`);
  writeFileSync(program, start(interpreter, basename(code)));
}

/**
 * In directories of its own, where a socket's name is not too long. Who is not root is refused early, and has less
 * compiled: that is no error.
 */
function rehearse(program) {
  const place = mkdtempSync(join(tmpdir(), 'gangway-'));
  const nowhere = ['--state-directory', join(place, 'state'), '--runtime-directory', join(place, 'run')];
  for (const words of rehearsals) {
    spawnSync(process.execPath, ['scripts/rehearse.cjs', program, ...nowhere, ...words], { stdio: 'ignore' });
  }
  rmSync(place, { recursive: true });
  if (!existsSync(program.replace(/\.js$/, '.code.js.compiled'))) throw new Error(`${program} could not be started`);
}

async function bundle(program) {
  const folder = dirname(join(sources, program));
  const target = join(out, program.replace(/\.ts$/, '.js'));
  const place = dirname(target);
  rmSync(place, { recursive: true });
  await build({
    ...common,
    entryPoints: [join(sources, program)],
    outfile: target,
    banner: { js: "const programAddress = require('node:url').pathToFileURL(__filename).href;" },
    external: ['@koromix/*'],
    plugins: [ownAddress(folder), execaBeside],
  });
  await build({
    ...common,
    stdin: { contents: "export * from 'execa'", resolveDir: '.' },
    outfile: join(place, 'execa.cjs'),
  });
  compile(target);
  writeFileSync(join(place, 'package.json'), '{ "type": "commonjs" }\n');
  chmodSync(target, 0o755);
  rehearse(target);
}

const programs = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && readFileSync(join(sources, name), 'utf8').startsWith('#!'),
);
try {
  for (const program of programs) await bundle(program);
} catch (error) {
  // Its own errors esbuild has told, with the line.
  if (!('errors' in error)) console.error(`bundle: ${error.message}`);
  process.exitCode = 1;
}
