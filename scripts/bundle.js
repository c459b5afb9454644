// Replaces the programs of a built tree by bundles of their modules: loading a module costs Node half a millisecond, and
// a command consists of sixty (measured: 104 ms file by file, 66 ms as a bundle, 66 ms for Node alone). A program is a
// source that begins with `#!`. What it loads on demand lies beside it in files of its own.
//
//     node scripts/bundle.js dist
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { build } from 'esbuild';

const sources = resolve('src');
const out = resolve(process.argv[2] ?? 'dist');

/**
 * A module finds the files beside it (the ruleset, a program) through `import.meta.url`, but its code moves into the
 * program's folder: there the expression becomes the address of the module's own file.
 */
const ownAddress = (folder) => ({
  name: 'own-address',
  setup(bundle) {
    bundle.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (!path.startsWith(sources + sep)) return undefined;
      const compiled = relative(folder, path).replace(/\.ts$/, '.js');
      const address = `new URL(${JSON.stringify(compiled)}, import.meta.url).href`;
      const contents = readFileSync(path, 'utf8').replaceAll('import.meta.url', address);
      return { contents, loader: 'ts', resolveDir: dirname(path) };
    });
  },
});

async function bundle(program) {
  const outdir = dirname(join(out, program));
  await build({
    entryPoints: [join(sources, program)],
    outdir,
    allowOverwrite: true,
    bundle: true,
    splitting: true,
    chunkNames: '[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // In an ES module, the CommonJS packages inside have no require() but this one.
    banner: {
      js: "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);",
    },
    external: ['koffi', 'netlink'],
    plugins: [ownAddress(dirname(join(sources, program)))],
    logLevel: 'warning',
  });
  chmodSync(join(out, program.replace(/\.ts$/, '.js')), 0o755);
}

const programs = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && readFileSync(join(sources, name), 'utf8').startsWith('#!'),
);
try {
  for (const program of programs) await bundle(program);
} catch {
  // esbuild has said what is wrong, with the line.
  process.exitCode = 1;
}
