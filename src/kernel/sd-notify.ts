/**
 * What systemd gives to a service, and what it wants to hear from it.
 *
 * A socket unit's sockets stand open when the service starts, from descriptor 3 on: LISTEN_FDS says how many, LISTEN_FDNAMES
 * what the unit calls them, and LISTEN_PID for whom they are. Who starts programs of his own passes on neither, so the
 * environment is taken, and not read. Node has closed all descriptors but the standard ones to programs that it starts.
 *
 * @see sd_listen_fds(3), sd_notify(3), systemd.socket(5)
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { sendDatagram } from '../sys/unix-datagram.ts';
import { requireProgram } from './run-program.ts';

const firstDescriptor = 3;

/** It is there where systemd is the first process. @see sd_booted(3) */
export const bootedPath = '/run/systemd/system';

/** What this process has of systemd. Where nobody waits for a word, `notify` says none. */
export interface Service {
  /** Descriptors by their names. A socket unit that names none of its own has its own name. */
  readonly sockets: ReadonlyMap<string, number>;
  /** `READY=1`: what was to be started is there. `STOPPING=1`: the end has begun. */
  readonly notify: (state: 'READY=1' | 'STOPPING=1') => void;
}

/** Takes it out of the environment: it is for this process, once, and for nobody that this one starts. */
export function takeService(environment: NodeJS.ProcessEnv = process.env, pid = process.pid): Service {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, NOTIFY_SOCKET } = environment;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID', 'NOTIFY_SOCKET'])
    delete environment[name];
  const count = LISTEN_PID === String(pid) ? Number(LISTEN_FDS) : 0;
  const names = (LISTEN_FDNAMES ?? '').split(':');
  return {
    sockets: new Map(Array.from({ length: count }, (_, index) => [names[index] || 'unknown', firstDescriptor + index])),
    notify: (state) => {
      if (NOTIFY_SOCKET !== undefined) sendDatagram(NOTIFY_SOCKET, state);
    },
  };
}

/** Is systemd taking the machine down? Where somebody else is the first process, nobody can tell. */
export function isMachineStopping(): boolean {
  if (!existsSync(bootedPath)) return false;
  const { stdout } = spawnSync(requireProgram('systemctl'), ['is-system-running'], { encoding: 'utf8' });
  return stdout === 'stopping\n';
}
