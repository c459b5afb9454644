/** Step kinds of the file system: directory, file, archive. */
import { chmodSync, chownSync, closeSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { makeDirectory } from '../../kernel/directory.ts';
import { runProgram } from '../../kernel/run-program.ts';
import { openAtOnce } from '../../sys/open-leased.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';
import { quote } from '../../values/quote.ts';
import type { ActionKind } from '../kind.ts';
import type { ArchiveStep, DirectoryStep, FileStep } from '../step.ts';

export const directory: ActionKind<DirectoryStep> = {
  apply({ path, mode, group }) {
    makeDirectory(path, mode);
    // An existing directory may have wider permissions.
    chmodSync(path, mode);
    if (group !== undefined) chownSync(path, -1, group);
  },
  commands: ({ path, mode, group }) => [
    `install -d -m ${mode.toString(8)}${group === undefined ? '' : ` -g ${group}`} ${quote(path)}`,
  ],
  undoCommands: (step) => [`rm -rf ${quote(step.path)}`],
  undo: (step) => rmSync(step.path, { recursive: true, force: true }),
  holds: (step) => existsSync(step.path),
};

export const file: ActionKind<FileStep> = {
  apply({ path, content, mode, was }) {
    write(path, content, mode);
    // open(2) applies the umask. A rewritten file keeps its mode.
    if (was === undefined) chmodSync(path, mode);
  },
  commands: (step) => [
    writing(step.path, step.content),
    ...(step.mode === 0o644 || step.was !== undefined ? [] : [`chmod ${step.mode.toString(8)} ${quote(step.path)}`]),
  ],
  undoCommands: ({ path, was }) => [was === undefined ? `rm -f ${quote(path)}` : writing(path, was)],
  undo({ path, was, mode }) {
    if (was === undefined) return rmSync(path, { force: true });
    if (existsSync(path)) write(path, was, mode);
  },
  holds: (step) => ignoring('ENOENT', () => readFileSync(step.path, 'utf8')) === step.content,
};

/**
 * Overwrites the content. A container's lease or execution of the file makes this fail, but never wait. @throws
 * KernelError EAGAIN, Error ETXTBSY
 */
function write(path: string, content: string, mode: number): void {
  const { O_WRONLY, O_CREAT, O_TRUNC } = constants;
  const fd = openAtOnce(`write ${path}`, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  try {
    writeFileSync(fd, content);
  } finally {
    closeSync(fd);
  }
}

/**
 * Control characters, direction marks and NUL, which a shell drops: with one inside, a line could equal the
 * here-document's end.
 */
const unprintable = /(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/u;

/**
 * The command that writes exactly this content. A container may have written it, and root's shell reads the command.
 */
function writing(path: string, content: string): string {
  const isLines = content === '' || content.endsWith('\n');
  if (isLines && !unprintable.test(content)) return hereDocument(path, content);
  return `printf '%b' '${content.replace(/(?![\n\t])[\p{C}\p{Zl}\p{Zp}\\']/gu, octal)}' > ${quote(path)}`;
}

/** Uses an end marker that is not a line of the content. */
function hereDocument(path: string, content: string): string {
  const lines = content.split('\n');
  let end = 'END';
  while (lines.includes(end)) end += '_';
  return `cat > ${quote(path)} <<'${end}'\n${content}${end}`;
}

/** Escapes the bytes of a character for %b of printf(1): `\0033`. */
function octal(character: string): string {
  return Array.from(Buffer.from(character), (byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('');
}

export const archive: ActionKind<ArchiveStep> = {
  async apply(step) {
    makeDirectory(step.path, 0o755);
    const { failed, complaint } = await runProgram('tar', [
      '--extract',
      '--numeric-owner',
      '--file',
      step.archive,
      '--directory',
      step.path,
    ]);
    if (failed) throw notUnpacked(step.archive, complaint);
  },
  commands: (step) => [
    `mkdir -p ${quote(step.path)}`,
    `tar --extract --numeric-owner --file ${quote(step.archive)} --directory ${quote(step.path)}`,
  ],
  undoCommands: (step) => [`rm -rf ${quote(step.path)}`],
  undo: (step) => rmSync(step.path, { recursive: true, force: true }),
  holds: (step) => existsSync(step.path),
};

/** The first line of tar's output has the reason; the others say that tar gives up. */
function notUnpacked(archive: string, complaint: string): GangwayError {
  const [first = ''] = complaint.split('\n');
  const tool = /^tar \(child\): (\S+): Cannot exec/.exec(first)?.[1];
  const reason = tool === undefined ? first.replace(/^tar: /, '') : `${tool} is not installed`;
  const hint =
    tool !== undefined
      ? `install ${tool}, or unpack it yourself and give the directory`
      : /No space left/.test(complaint)
        ? 'make room on the disk of the state directory'
        : 'it must be a tar archive, plain or compressed, of a root directory';
  return new GangwayError('program-failed', `root file system "${archive}" could not be unpacked: ${reason}`, { hint });
}
