/** The two directories in which gangway keeps things. */

export interface Directories {
  readonly state: string;
  readonly runtime: string;
}

/** Where things are kept, unless somebody says otherwise. */
export function directoriesOf(options: {
  readonly stateDirectory?: string;
  readonly runtimeDirectory?: string;
}): Directories {
  return { state: options.stateDirectory ?? '/var/lib/gangway', runtime: options.runtimeDirectory ?? '/run/gangway' };
}
