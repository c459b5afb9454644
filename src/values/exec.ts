/** A further command in a running container, as a person asks for it: `gangway exec`. */
export interface ExecRequest {
  readonly command: readonly string[];
  readonly terminal: boolean;
  readonly interactive: boolean;
  readonly detached: boolean;
  readonly user?: string;
  readonly environment: readonly string[];
  readonly workingDirectory?: string;
  readonly privileged: boolean;
}
