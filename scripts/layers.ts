/** Checks every import in src/ against the layers and chapters of ARCHITECTURE.md, and prints each breach on a line. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import typescript from 'typescript';
import { breaches, readRules } from './layer-rules.ts';

function importsOf(file: string): string[] {
  const { importedFiles } = typescript.preProcessFile(readFileSync(join('src', file), 'utf8'), true, true);
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => normalize(join(dirname(file), fileName)));
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const imports = new Map(files.sort().map((file) => [file, importsOf(file)]));
const found = breaches(imports, readRules(readFileSync('ARCHITECTURE.md', 'utf8')));
for (const breach of found) console.log(breach);
process.exitCode = found.length > 0 ? 1 : 0;
