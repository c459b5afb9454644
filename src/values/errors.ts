/**
 * The three ways in which gangway fails.
 *
 * `KernelError` says that the kernel refused one call, in the kernel's own words. `GangwayError` says that a request
 * can't be carried out, in the words of the person who made it, with the remedy; its `cause` is often a `KernelError`.
 * `TeardownError` collects what went wrong while everything else was still taken away.
 *
 * Messages are lower case, without a final stop, and begin with their subject: `network "web" not found`.
 */

/** The kernel said no. */
export class KernelError extends Error {
  override readonly name = 'KernelError';

  /**
   * @param operation what was attempted, and on what: `add link veth1 (veth)`
   * @param errno the C name, `EEXIST`; one of `os.constants.errno`, or `E` and the number where Node knows no name
   * @param detail the kernel's extended ACK sentence, word for word
   * @param attribute the attribute that the kernel objects to, by the name that our tables give it
   */
  constructor(
    readonly operation: string,
    readonly errno: string,
    readonly detail?: string,
    readonly attribute?: string,
  ) {
    const sentence = detail === undefined ? '' : `: ${detail}`;
    const where = attribute === undefined ? '' : ` (${attribute})`;
    super(`${operation}: ${errno}${sentence}${where}`);
  }
}

/** Every reason for which gangway itself refuses a request. The CLI turns each into an exit code, in one table. */
export type ErrorCode =
  | 'usage'
  | 'invalid-name'
  | 'invalid-address'
  | 'invalid-port'
  | 'invalid-option'
  | 'conflicting-options'
  | 'not-root'
  | 'not-supported'
  | 'missing-program'
  | 'container-not-found'
  | 'container-exists'
  | 'container-running'
  | 'container-not-running'
  | 'network-not-found'
  | 'invalid-network'
  | 'network-exists'
  | 'network-in-use'
  | 'already-connected'
  | 'not-connected'
  | 'pool-exhausted'
  | 'pool-overlaps'
  | 'address-in-use'
  | 'no-name-server'
  | 'port-in-use'
  | 'port-not-published'
  | 'rootfs-not-found'
  | 'command-not-found'
  | 'command-not-executable'
  | 'program-failed'
  | 'record-unreadable'
  | 'disk-full'
  | 'switchboard-unreachable'
  | 'lab-not-found'
  | 'lab-exists';

/** The request can't be carried out: what and why in the message, what to do about it in the hint. */
export class GangwayError extends Error {
  override readonly name = 'GangwayError';
  readonly hint?: string;
  /** What it is about, as data: of port-in-use the port, in the words of `formatBinding`. */
  readonly subject?: string;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { readonly hint?: string; readonly subject?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    if (options.hint !== undefined) this.hint = options.hint;
    if (options.subject !== undefined) this.subject = options.subject;
  }
}

/** Teardown went on to its end; these are the things that could not be taken away. */
export class TeardownError extends AggregateError {
  override readonly name = 'TeardownError';

  constructor(subject: string, errors: readonly unknown[]) {
    const sentences = errors.map(messageOf);
    super(errors, `${subject} left something behind: ${sentences.join('; ')}`);
  }
}

/** What an error says; anything may be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Does this error carry that errno? Works for our own errors and for Node's (`error.code`). */
export function hasErrno(error: unknown, ...errnos: readonly string[]): boolean {
  if (error instanceof KernelError) return errnos.includes(error.errno);
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && errnos.includes(code);
}

/**
 * Runs `action` and lets the named errnos pass as success. The one way in this house to ignore an error: by name.
 *
 * @returns the result, or undefined where a named errno was met
 */
export function ignoring<T>(errnos: string | readonly string[], action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (hasErrno(error, ...(typeof errnos === 'string' ? [errnos] : errnos))) return undefined;
    throw error;
  }
}
