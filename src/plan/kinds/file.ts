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
    // One that another version has left, or a life that could not be taken away, may be open to more.
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
    // The mode above obeys the caller's umask; that of a file which is rewritten is somebody's by now.
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

/** Over what is there. A container may keep us from it, but not waiting. @throws KernelError EAGAIN, Error ETXTBSY */
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
 * What steers a terminal, turns the direction of writing, or is dropped by a shell, as NUL is: with one inside, the word that
 * ends a here-document looks like any other line until the shell reads it.
 */
const unprintable = /(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/u;

/** Writes exactly the content. Who lives in a container may have written it, and root's shell reads the command. */
function writing(path: string, content: string): string {
  const isLines = content === '' || content.endsWith('\n');
  if (isLines && !unprintable.test(content)) return hereDocument(path, content);
  return `printf '%b' '${content.replace(/(?![\n\t])[\p{C}\p{Zl}\p{Zp}\\']/gu, octal)}' > ${quote(path)}`;
}

/** Ends at a word that is no line of the content. */
function hereDocument(path: string, content: string): string {
  const lines = content.split('\n');
  let end = 'END';
  while (lines.includes(end)) end += '_';
  return `cat > ${quote(path)} <<'${end}'\n${content}${end}`;
}

/** The bytes of a character as the %b of printf(1) takes them: `\0033`. */
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

/** Of tar's words the first line tells what is wrong; the others tell that tar gives up. */
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
