/** The programs that we start, found before anything is changed. */
import { accessSync, constants } from 'node:fs';
import { systemPath } from '../../kernel/program.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';

/** The Debian package that brings each program. */
const packages = {
  catatonit: 'catatonit',
  conmon: 'conmon',
  crun: 'crun',
} as const;

export type Program = keyof typeof packages;

/**
 * The absolute path of a program.
 *
 * @throws GangwayError missing-program, with the command that installs it
 */
export function requireProgram(program: Program, path: string = systemPath): string {
  for (const directory of path.split(':')) {
    const file = `${directory}/${program}`;
    const found = ignoring(['ENOENT', 'EACCES', 'ENOTDIR'], () => {
      accessSync(file, constants.X_OK);
      return true;
    });
    if (found) return file;
  }
  throw new GangwayError('missing-program', `${program} is not installed`, {
    hint: `apt-get install ${packages[program]}`,
  });
}
