/** The beginning of an id: what people type, and what the kernel's names are made of. */
export function shortId(id: string, whole = false): string {
  return whole ? id : id.slice(0, 12);
}
