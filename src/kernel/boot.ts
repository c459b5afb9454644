import { readFileSync } from 'node:fs';

/** Which boot this is. What lies in /run from another boot says nothing about this kernel. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
