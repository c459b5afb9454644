/**
 * What recvmsg(2), sendmsg(2) and their kin for many read and write, as offsets in memory, of the 64-bit ABIs.
 *
 * @see struct msghdr and struct mmsghdr in linux/socket.h; struct cmsghdr, which takes 16 bytes before its data
 */

/** `bytes` is what struct mmsghdr adds: how many were carried. */
export const header = {
  name: 0,
  nameLength: 8,
  vector: 16,
  vectorCount: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  bytes: 56,
} as const;

/** in_pktinfo {u32 interface; ip local, header} or in6_pktinfo {ip6 address; u32 interface}; a second message stands behind the first. */
export const packetInformation = {
  interface4: 16,
  local4: 20,
  header4: 24,
  address6: 16,
  interface6: 32,
  second: 40,
} as const;

/** @param address as koffi tells it: a number below 2 ** 53, which a user's address is */
export function writePointer(view: DataView, where: number, address: number): void {
  view.setUint32(where, address % 2 ** 32, true);
  view.setUint32(where + 4, Math.floor(address / 2 ** 32), true);
}
