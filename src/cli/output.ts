/** Output without an end, to a reader who may be slow. */

/**
 * Writes, and waits while the reader has no room for more: what is not taken would be kept here, without a limit.
 *
 * A reader that has gone ends the program (gangway.ts): there is nothing to wait for but the reader.
 */
export async function write(out: NodeJS.WritableStream, text: string): Promise<void> {
  const flowing = out.write(text);
  if (!flowing) await new Promise<void>((resolve) => out.once('drain', resolve));
}
