/** Paths that people give: of a volume, and of the directory to start in. */
import { normalize } from 'node:path';
import type { Volume } from './container.ts';
import { GangwayError } from './errors.ts';

/** `-v /on/the/host:/in/the/container[:ro|rw]`. @throws GangwayError invalid-option */
export function parseVolume(text: string): Volume {
  const [source = '', target = '', mode = 'rw', ...more] = text.split(':');
  if ((mode !== 'rw' && mode !== 'ro') || more.length > 0) throw invalidVolume(text);
  return checkVolume({ source, target, readOnly: mode === 'ro' });
}

/**
 * What `..` means inside is known here already; a mount over the whole tree is refused in every spelling.
 *
 * @throws GangwayError invalid-option
 */
export function checkVolume({ source, target: written, readOnly }: Volume): Volume {
  const target = written === '' ? '' : normalize(written).replace(/(.)\/$/, '$1');
  if (isAbsolute(source) && isAbsolute(target) && target !== '/') return { source, target, readOnly };
  throw invalidVolume(`${source}:${written}`);
}

function invalidVolume(text: string): GangwayError {
  return new GangwayError('invalid-option', `invalid volume ${JSON.stringify(text)}`, {
    hint: 'write /on/the/host:/in/the/container, with :ro behind it to forbid writing',
  });
}

/** A directory inside the container. @throws GangwayError invalid-option */
export function parseWorkingDirectory(path: string): string {
  if (isAbsolute(path)) return path;
  throw new GangwayError('invalid-option', `--workdir ${JSON.stringify(path)} is no absolute path`, {
    hint: 'begin it with a slash',
  });
}

/** And nothing that ends it early: to the kernel, a zero byte does. */
export function isAbsolute(path: string): boolean {
  return path.startsWith('/') && !path.includes('\0');
}
