/**
 * The examples of the documentation, so that tests can compile and run them.
 *
 * A block ```ts is an example. One that has an engine or a lab changes the machine and belongs in a lab, and says so by
 * `// As root.` A block ```text right below it is what it prints. A block ```sh is typed by a person.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

export interface Example {
  /** `docs/library.md:17` */
  readonly where: string;
  readonly code: string;
  /** Absent where the page does not say. */
  readonly prints?: string;
  readonly needsRoot: boolean;
}

export const pages = ['README.md', 'docs/library.md', 'docs/lab.md'];

export function examples(page: string): readonly Example[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms)].map(
    ({ index, 1: code = '', 2: prints }) => ({
      where: `${page}:${text.slice(0, index).split('\n').length}`,
      code,
      needsRoot: /\bcreate(Engine|Lab)\(/.test(code),
      ...(prints === undefined ? {} : { prints }),
    }),
  );
}

/** What a page tells a person to type, block by block. */
export function shellBlocks(page: string): readonly string[] {
  return [...readFileSync(page, 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

/** Type errors of the examples, against the library's sources. */
export function typeErrors(all: readonly Example[]): readonly string[] {
  const files = new Map(all.map((example, index) => [`${process.cwd()}/example-${index}.mts`, example]));
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, process.cwd());
  const paths = { 'gangway-net': ['./src/index.ts'], 'gangway-net/testing': ['./src/lab/testing.ts'] };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name)?.code ?? readFile(name);
  host.getSourceFile = (name, language, ...rest) => {
    const example = files.get(name);
    if (example === undefined) return getSourceFile(name, language, ...rest);
    return ts.createSourceFile(name, example.code, language);
  };
  const program = ts.createProgram([...files.keys()], { ...options, paths, noUnusedLocals: false }, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const example = files.get(file?.fileName ?? '');
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${example?.where ?? file?.fileName} (line ${line}): ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

/** Compiles an example to a module for `node --input-type=module`, which imports the built library instead of `gangway-net`. */
export function runnable({ code }: Example): string {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  return ts
    .transpileModule(code, { compilerOptions })
    .outputText.replaceAll(`from 'gangway-net'`, `from '${pathToFileURL('dist/index.js')}'`)
    .replaceAll(`from 'gangway-net/testing'`, `from '${pathToFileURL('dist/lab/testing.js')}'`);
}
