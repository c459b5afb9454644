/** The switchboard's files. All of them are volatile, and none is believed: a socket that nobody listens on refuses. */
import { join } from 'node:path';
import { GangwayError } from '../../values/errors.ts';

/** sockaddr_un has 108 bytes for the path and its final zero byte. */
const longestSocketPath = 107;

export interface SwitchboardFiles {
  /** Where it listens, or systemd for it. Mode 0600: whoever may connect may publish. */
  readonly socket: string;
  /** Where it tells its numbers (metrics/server.ts). Always its own: while this file is there, a switchboard runs or was killed. */
  readonly metrics: string;
  /** Held as long as it lives, so that there is one. Empty, and left behind: to remove a lock file is to lose the lock. */
  readonly lock: string;
  /** What it says before it dies. Removed when it ends in order. */
  readonly log: string;
  /** FIFOs of those who stand in docker-proxy's place, who make them: what they ask, and of what they read the end. */
  readonly requests: string;
  readonly life: string;
}

/** @throws GangwayError invalid-option if the directory's name leaves no room for that of a socket */
export function switchboardFiles(runtimeDirectory: string): SwitchboardFiles {
  const socket = join(runtimeDirectory, 'switchboard.sock');
  if (Buffer.byteLength(socket) > longestSocketPath) {
    const hint = `choose one of at most ${longestSocketPath - '/switchboard.sock'.length} bytes`;
    throw new GangwayError('invalid-option', `runtime directory ${runtimeDirectory} is too long for a socket`, {
      hint,
    });
  }
  const file = (name: string) => join(runtimeDirectory, name);
  return {
    socket,
    metrics: file('metrics.sock'),
    lock: file('switchboard.lock'),
    log: file('switchboard.log'),
    requests: file('docker-proxy.requests'),
    life: file('docker-proxy.life'),
  };
}
