// Bundles each program of a built tree into one compiled CommonJS file. A program is a source that begins with `#!`.
//
//     node scripts/bundle.js dist
//
// Most of a command's time is the start of Node, and most of the rest is loading code. Measured for `gangway network ls`,
// least of 25 runs: Node alone 60 ms, a hundred ES modules 117 ms, ES modules bundled and split by command 104 ms, one
// CommonJS file 77 ms. The ES module loader is asynchronous and reads the disk for each module; CommonJS reads one file.
//
// V8 compiles functions in every process: 17 ms of processor time for `gangway run`. So the build compiles the code
// (rehearse.cjs) and stores V8's result beside it. Another version of Node detects the difference and compiles as usual.
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
  // A third less to read. Names stay, for the stack of an internal error.
  minifyWhitespace: true,
  minifySyntax: true,
  // `import()` becomes `require()`, because compiled code has no module loader.
  supported: { 'dynamic-import': false },
};

/**
 * Replaces `import.meta.url` by the module's place in the tree. A module uses it to find files beside it (the ruleset, a
 * program), but the bundle moves its code into the program's file.
 */
const ownAddress = (folder) => ({
  name: 'own-address',
  setup(bundle) {
    bundle.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (!path.startsWith(sources + sep)) return undefined;
      const compiled = relative(folder, path).replace(/\.ts$/, '.js');
      const address = `new URL(${JSON.stringify(compiled)}, programAddress).href`;
      // The bundle has `require`, so esbuild sees the request and includes koffi.
      const contents = readFileSync(path, 'utf8')
        .replace(/^const require = createRequire\(import\.meta\.url\);$/m, '')
        .replaceAll('import.meta.url', address);
      return { contents, loader: 'ts', resolveDir: dirname(path) };
    });
  },
});

/** execa is as large as gangway and seldom needed, so it is a separate file, read at the first program start. */
const execaBeside = {
  name: 'execa-beside',
  setup: (bundle) => bundle.onResolve({ filter: /^execa$/ }, () => ({ path: './execa.cjs', external: true })),
};

/**
 * Returns the start file of a program: it reads the code and the compiled code, and runs them under the program's name.
 *
 * V8 rejects compiled code if its options differ (command line or NODE_OPTIONS), and compiles again: 40 ms of processor
 * time. The only option in use (src/engine/create-engine.ts) has its effect at start, so the start file resets it.
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
 * Frequent commands without changes. The build compiles only the functions that these commands call. All functions would be
 * three times as much to read: 10 ms of every command.
 */
const rehearsals = [
  ['explain', 'run', '-d', '--name', 'web', '-p', '8080:80', 'sleep', '1'],
  ['explain', 'network', 'create', 'front'],
  ['network', 'ls'],
  ['network', 'inspect', 'bridge'],
  ['ps', '-a'],
  ['inspect', 'missing'],
  ['rm', 'missing'],
];

/**
 * Splits a program into three files: its code, the compiled code, and the start file.
 *
 * A single non-ASCII letter makes the whole text two bytes a letter, which takes 10 ms of processor time to read instead of 3.
 *
 * V8 accepts compiled code for any text of the same length, so one build must write the code and the compiled code.
 */
function compile(program) {
  const code = program.replace(/\.js$/, '.code.js');
  const [interpreter, ...lines] = readFileSync(program, 'utf8').split('\n');
  if (lines.some((line) => Buffer.byteLength(line) !== line.length)) throw new Error(`${code} is not all ASCII`);
  writeFileSync(code, `(function (exports, require, module, __filename, __dirname) {\n${lines.join('\n')}})\n`);
  writeFileSync(program, start(interpreter, basename(code)));
}

/**
 * Runs the rehearsals in temporary directories with short socket paths. Without root the commands fail early, and fewer
 * functions are compiled.
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
  // esbuild has already printed its errors.
  if (!('errors' in error)) console.error(`bundle: ${error.message}`);
  process.exitCode = 1;
}
