/**
 * Reads the examples of the documentation, so that tests can compile and run them.
 *
 * A ```ts block is an example. An example that creates an engine or a lab runs in a lab, and begins with `// As root.`
 * A ```text block directly below it shows its output. An ```sh block has commands, and a ```console block has commands
 * (`$ …`) with their output.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

export interface Example {
  /** `docs/library.md:17` */
  readonly where: string;
  readonly code: string;
  /** The output that the page shows, if any. */
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

/** Returns the commands of a page, block by block. */
export function shellBlocks(page: string): readonly string[] {
  return [...readFileSync(page, 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

/** Returns the commands of a page's ```console block, and the output of all of them. */
export function session(page: string): { commands: readonly string[]; output: string } {
  const [, block = ''] = /^```console\n(.*?)^```$/ms.exec(readFileSync(page, 'utf8')) ?? [];
  const commands = [...block.matchAll(/^\$ (.*)$/gm)].map(([, command = '']) => command);
  return { commands, output: block.replace(/^\$ .*\n/gm, '') };
}

/** Returns the type errors of the examples, compiled against the library's sources. */
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
