/** Where a Unix socket stands, as the kernel is told of it: struct sockaddr_un. @see unix(7) */

export const AF_UNIX = 1;
const SUN_PATH_BYTES = 108;

/**
 * The family in the machine's byte order, then the path. With an @ in front it is in no file system but in the abstract
 * namespace, where the kernel wants a zero byte in its place, and no byte behind the name.
 */
export function unixAddress(path: string): Buffer {
  const isAbstract = path.startsWith('@');
  const bytes = isAbstract ? Buffer.byteLength(path) : SUN_PATH_BYTES;
  const address = Buffer.alloc(2 + bytes);
  new Uint16Array(address.buffer, address.byteOffset, 1)[0] = AF_UNIX;
  Buffer.from(path).copy(address, 2, 0, SUN_PATH_BYTES - 1);
  if (isAbstract) address[2] = 0;
  return address;
}
