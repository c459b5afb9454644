/** The two directories in which gangway keeps things. */
import { GangwayError } from '../../values/errors.ts';
import { isAbsolute } from '../../values/path.ts';

export interface Directories {
  readonly state: string;
  readonly runtime: string;
}

/**
 * Where things are kept, unless somebody says otherwise. Programs that we start know them, too, wherever they are.
 *
 * @throws GangwayError invalid-option for what is no absolute path
 */
export function directoriesOf(options: {
  readonly stateDirectory?: string;
  readonly runtimeDirectory?: string;
}): Directories {
  const { stateDirectory = '/var/lib/gangway', runtimeDirectory = '/run/gangway' } = options;
  return {
    state: checkDirectory('--state-directory', stateDirectory),
    runtime: checkDirectory('--runtime-directory', runtimeDirectory),
  };
}

function checkDirectory(option: string, path: string): string {
  if (isAbsolute(path)) return path;
  throw new GangwayError('invalid-option', `${option} ${JSON.stringify(path)} is no absolute path`, {
    hint: 'begin it with a slash',
  });
}
