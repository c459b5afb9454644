// Bundles each test, and each program that tests start, into one JavaScript file below compiled/. Loading many small sources
// takes most of a small program's time.
//
//     node scripts/bundle-tests.js FOLDER
//
// Processor time of test/support/plan-main.ts, which a test of macvlan starts ten times: 0.21 s, and 0.075 s as one file.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const place = (...folders) => resolve(root, ...folders) + sep;
/** Replacement directories for `import.meta.url`: the built library for src/, the compiled tests for test/. */
const moves = [
  [place('src'), place('dist')],
  [place('test'), place('compiled')],
];

const ownAddress = {
  name: 'own-address',
  setup(bundle) {
    bundle.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const [from, to] = moves.find(([folder]) => path.startsWith(folder)) ?? [];
      if (from === undefined) return undefined;
      const address = pathToFileURL(to + relative(from, path).replace(/\.ts$/, '.js')).href;
      const contents = readFileSync(path, 'utf8').replaceAll('import.meta.url', JSON.stringify(address));
      return { contents, loader: 'ts', resolveDir: dirname(path) };
    });
  },
};

const [, , folder] = process.argv;
process.chdir(root);
const inTests = readdirSync('test', { recursive: true, encoding: 'utf8' });
const tests = inTests.filter((name) => /^(unit|kernel|security)\/.*\.test\.ts$/.test(name));
/** Programs named by a call of testProgram (test/support/program.ts). */
const programs = new Set(
  inTests
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(`test/${name}`, 'utf8').matchAll(/testProgram\('(.*?)'\)/g)])
    .map(([, name]) => `support/${name}.ts`),
);

const { outputFiles } = await build({
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  logLevel: 'warning',
  entryPoints: [...tests, ...programs].map((name) => `test/${name}`),
  outbase: 'test',
  // Source maps refer from this directory to test/.
  outdir: 'compiled',
  write: false,
  sourcemap: true,
  sourcesContent: false,
  // Singletons of a process, native code, or seldom needed.
  external: ['ava', 'koffi', 'netlink', 'fast-check', 'typescript'],
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  plugins: [ownAddress],
});
for (const { path, contents } of outputFiles) {
  const file = resolve(folder, relative('compiled', path));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents);
}
for (const name of inTests.filter((file) => file.endsWith('.mjs'))) cpSync(`test/${name}`, `${folder}/${name}`);
