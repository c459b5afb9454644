/**
 * Where a switchboard is asked: a listening socket, and its file.
 *
 * It has made both, or systemd has, which goes on listening when the switchboard ends: then the file is not its to remove.
 * Somebody may put another socket in the place of its own; nobody finds it any more then.
 */
import { fstatSync, rmSync, statSync, watch } from 'node:fs';
import { listensAt } from '../../kernel/unix-listeners.ts';
import { listenAt } from '../../sys/unix-listener.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';

export class Listener {
  readonly #inode: number | undefined;
  #closeWatch: () => void = () => {};

  private constructor(
    readonly path: string,
    /** The listening socket. Whoever accepts clients closes it. */
    readonly fd: number,
    readonly isPassed: boolean,
  ) {
    this.#inode = inodeOf(path);
  }

  /** Makes it; of one that was killed the file is in the way. Only its owner may connect if the umask is 0177. */
  static make(path: string): Listener {
    rmSync(path, { force: true });
    return new Listener(path, listenAt(path), false);
  }

  /**
   * Takes it over. A socket unit may have more than one, under one name: what the file says holds for its own socket alone.
   *
   * @throws GangwayError invalid-option if others may connect to it, or it stands somewhere else
   */
  static passed(path: string, fd: number): Listener {
    const found = statSync(path, { throwIfNoEntry: false });
    const isPrivate = found?.isSocket() === true && found.uid === process.geteuid?.() && (found.mode & 0o077) === 0;
    if (isPrivate && listensAt(path, fstatSync(fd).ino)) return new Listener(path, fd, true);
    throw new GangwayError('invalid-option', `whoever may connect to ${path} may publish, and it is not root's alone`, {
      hint: `the socket unit needs ListenStream=${path} and SocketMode=0600`,
    });
  }

  /** Tells when another file stands there, or none. Where the kernel has no room for one more watch, nothing is told. */
  watch(onReplaced: () => void): void {
    const watcher = ignoring(['ENOSPC', 'EMFILE'], () => watch(this.path, { persistent: false }));
    watcher?.on('change', () => {
      if (!this.#stands()) onReplaced();
    });
    this.#closeWatch = () => watcher?.close();
  }

  /** Removes what was made. */
  close(): void {
    this.#closeWatch();
    if (!this.isPassed && this.#stands()) rmSync(this.path);
  }

  #stands(): boolean {
    return inodeOf(this.path) === this.#inode;
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
