/** The programs that we start, found before anything is changed. */
import { accessSync, constants } from 'node:fs';
import { GangwayError, ignoring } from '../../values/errors.ts';

/** The Debian package that brings each program. */
const packages = {
  catatonit: 'catatonit',
  conmon: 'conmon',
  crun: 'crun',
  flock: 'util-linux',
  mount: 'mount',
  nsenter: 'util-linux',
  setsid: 'util-linux',
  tar: 'tar',
  unshare: 'util-linux',
} as const;

export type Program = keyof typeof packages;

/** Where Debian puts programs; a PATH without /usr/sbin is no reason to fail. */
const usual = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The absolute path of a program.
 *
 * @throws GangwayError missing-program, with the command that installs it
 */
export function requireProgram(program: Program, path: string = process.env.PATH ?? ''): string {
  for (const directory of `${path}:${usual}`.split(':')) {
    if (!directory.startsWith('/')) continue;
    const file = `${directory}/${program}`;
    const found = ignoring(['ENOENT', 'EACCES', 'ENOTDIR'], () => {
      accessSync(file, constants.X_OK);
      return true;
    });
    if (found) return file;
  }
  throw new GangwayError('missing-program', `${program} is not installed`, {
    hint: `apt install ${packages[program]}`,
  });
}
