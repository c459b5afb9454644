/**
 * What `crun --log=FILE --log-format=json exec` leaves in its log.
 *
 *     {"msg":"executable file `/no/such` not found: …","level":"error","time":"…"}     its own complaint
 *     /dev/pts/0␍␊␊                                                                    what the command has said
 *
 * With a terminal, crun copies what the command says; but if that has ended before crun has come to it, crun takes the rest for
 * the words of a command that could not start, and puts it into the log (`flush_fd_to_err` in its container.c): by up to 255
 * bytes, with a line feed behind each. The terminal ends lines with CR LF, so such a line feed is known.
 */
export interface CrunLog {
  /** Empty where crun has none. */
  readonly error: string;
  /** What is the command's, as it should have come. */
  readonly output: Buffer;
}

/** @param log as it is in the file */
export function readCrunLog(log: Buffer): CrunLog {
  // Latin-1 is the bytes themselves.
  const lines = log.toString('latin1').split('\n');
  const complaints = lines.map(readComplaint);
  const output = lines.filter((_, index) => complaints[index] === undefined).join('\n');
  return {
    error: complaints.filter((each) => each !== undefined).join('\n'),
    output: Buffer.from(output.replace(/(?<!\r)\n/g, ''), 'latin1'),
  };
}

/** A line of a terminal ends with CR. */
function readComplaint(line: string): string | undefined {
  return /^\{"msg":"(.*)","level":"error","time":"[^"]*"\}$/.exec(line)?.[1];
}
