/**
 * mount(2) and umount(2).
 *
 * @see mount(2), MS_* in linux/mount.h
 */
import { call } from './libc.ts';

const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_SHARED = 0x100000;
const MNT_DETACH = 2;

const mountPrototype =
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)';

/** `mount --bind SOURCE TARGET`; both exist. */
export function bindMount(source: string, target: string): void {
  call(`mount --bind ${source} ${target}`, mountPrototype, source, target, 'none', MS_BIND, null);
}

/** `mount --bind DIRECTORY DIRECTORY`, with everything below: makes a directory a mount point of its own. */
export function bindToItself(directory: string): void {
  call(`mount --rbind ${directory} ${directory}`, mountPrototype, directory, directory, 'none', MS_BIND | MS_REC, null);
}

/** `mount --make-rshared DIRECTORY`: mounts made below are seen in copies of this mount namespace. */
export function makeShared(directory: string): void {
  call(`mount --make-rshared ${directory}`, mountPrototype, '', directory, 'none', MS_SHARED | MS_REC, null);
}

/** `umount --lazy TARGET`: gone from the tree at once, freed when its last user leaves. */
export function unmount(target: string): void {
  call(`umount ${target}`, 'int umount2(const char *target, int flags)', target, MNT_DETACH);
}
