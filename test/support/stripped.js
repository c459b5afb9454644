// Loads TypeScript without its types, which each file loses once and not in every process anew.
//
// A test file is a process of its own, and so is many a program that it starts. Loading the compiler and stripping a hundred
// files takes each of them two seconds of processor time, reading what another one has stripped takes 0.2.
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const cache = new URL('node_modules/.cache/gangway/stripped/', root);
/** Whatever changes what the compiler writes. */
const compiler = ['package-lock.json', 'tsconfig.json'].map((file) => readFileSync(new URL(file, root), 'utf8')).join();

export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return nextLoad(url, context);
  // The file's name is part of what is written: stack traces lead to it.
  const key = createHash('sha256')
    .update(compiler)
    .update(url)
    .update(readFileSync(fileURLToPath(url)));
  const stripped = new URL(`${key.digest('hex')}.js`, cache);
  const known = read(stripped);
  if (known !== undefined) return { format: 'module', source: known, shortCircuit: true };
  const { load: strip } = await import('ts-node/esm/transpile-only');
  const loaded = await strip(url, context, nextLoad);
  keep(stripped, String(loaded.source));
  return { ...loaded, shortCircuit: true };
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'EACCES') return undefined;
    throw error;
  }
}

/**
 * Under another name first: another process may be reading. It is nobody else's: tests in machines of their own share the
 * folder, and have the same process numbers. Who may not write strips for itself.
 */
function keep(file, source) {
  try {
    mkdirSync(cache, { recursive: true });
    const draft = new URL(`${file.href}.${randomUUID()}`);
    writeFileSync(draft, source);
    renameSync(draft, file);
  } catch (error) {
    if (!['EACCES', 'EROFS', 'ENOSPC'].includes(error.code)) throw error;
  }
}
