// Replaces the command in a built tree by a bundle of its modules, because reading sixty small files takes Node longer
// than running them. Commands are loaded on demand, so what several of them share becomes a chunk of its own.
//
//     node scripts/bundle.js dist
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { build } from 'esbuild';

const sources = resolve('src');
const out = resolve(process.argv[2] ?? 'dist', 'cli');

/**
 * A module finds the files beside it (the ruleset, a worker) through `import.meta.url`, and its code moves into
 * dist/cli: there the expression becomes the address of the module's own file in dist.
 */
const ownAddress = {
  name: 'own-address',
  setup(bundle) {
    bundle.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (!path.startsWith(sources + sep)) return undefined;
      const text = await readFile(path, 'utf8');
      const compiled = relative(join(sources, 'cli'), path).replace(/\.ts$/, '.js');
      const address = `new URL(${JSON.stringify(compiled)}, import.meta.url).href`;
      return { loader: 'ts', contents: text.replaceAll('import.meta.url', address), resolveDir: dirname(path) };
    });
  },
};

await build({
  entryPoints: ['src/cli/gangway.ts'],
  outdir: out,
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Commander is CommonJS: its calls of require() must find one in an ES module.
  banner: {
    js: "import { createRequire as _createRequire } from 'node:module';const require = _createRequire(import.meta.url);",
  },
  external: ['koffi', 'netlink'],
  plugins: [ownAddress],
  logLevel: 'warning',
});
