/**
 * Scenarios: actions and observations for Docker's world and gangway's. Scenarios are data.
 *
 * A command is a line of docker's grammar without its first word; `IMAGE` stands where docker wants an image, and
 * `<id of web>` and `<web>` for the long and the short id of what the scenario made under that name. A place is `host`, a place of the lab's outside, or a container by its name.
 */

/** An action or an observation. */
export type Step =
  | { readonly kind: 'command'; readonly line: string }
  /** A shell command for both worlds, which must succeed. */
  | { readonly kind: 'at'; readonly place: string; readonly script: string }
  /** A server in a container that returns the client's address: HTTP on port 80, UDP on 7. */
  | { readonly kind: 'serve'; readonly container: string }
  /** A name server in a container, like the external one. */
  | { readonly kind: 'serveNames'; readonly container: string }
  | { readonly kind: 'links'; readonly place: string }
  | { readonly kind: 'routes'; readonly place: string }
  | { readonly kind: 'mac'; readonly place: string }
  | { readonly kind: 'file'; readonly container: string; readonly path: string }
  | { readonly kind: 'sysctl'; readonly place: string; readonly key: string }
  | { readonly kind: 'ping'; readonly from: string; readonly to: string }
  | { readonly kind: 'fetch'; readonly from: string; readonly to: string }
  | { readonly kind: 'datagram'; readonly from: string; readonly to: string }
  | { readonly kind: 'dig'; readonly from: string; readonly question: string }
  /** Queries at the external name server since the last observation, with their clients. */
  | { readonly kind: 'asked' }
  | { readonly kind: 'inspect'; readonly what: string; readonly path: string };

export interface Scenario {
  readonly title: string;
  /** Tested facts: sections of golden.md and behaviour.md, and tests of behaviour.md 5. */
  readonly cites: readonly string[];
  /** Outside hosts of the lab in addition to the world. */
  readonly outside?: readonly string[];
  /** Options of dockerd that make 26.1.5 more similar to 29. */
  readonly daemon?: readonly string[];
  /** Shell command on the host before the start of dockerd. */
  readonly setting?: string;
  /** Required feature, with a shell command that checks for it on the host of a lab. */
  readonly needs?: { readonly what: string; readonly check: string };
  readonly steps: readonly Step[];
}

/** Returns the name of an observation in the table and in the lists of known differences. */
export function label(step: Step): string {
  switch (step.kind) {
    case 'command':
      return step.line;
    case 'at':
      return `${step.place}: ${step.script}`;
    case 'serve':
      return `${step.container} serves`;
    case 'serveNames':
      return `${step.container} serves names`;
    case 'file':
      return `${step.container} ${step.path}`;
    case 'sysctl':
      return `${step.place} ${step.key}`;
    case 'ping':
    case 'fetch':
    case 'datagram':
      return `${step.kind} ${step.from} → ${step.to}`;
    case 'dig':
      return `dig ${step.question} from ${step.from}`;
    case 'asked':
      return 'asked of the world';
    case 'inspect':
      return `inspect ${step.what} ${step.path}`;
    default:
      return `${step.place} ${step.kind}`;
  }
}

export const command = (line: string): Step => ({ kind: 'command', line });
export const at = (place: string, script: string): Step => ({ kind: 'at', place, script });
export const serve = (container: string): Step => ({ kind: 'serve', container });
export const serveNames = (container: string): Step => ({ kind: 'serveNames', container });
export const links = (place: string): Step => ({ kind: 'links', place });
export const routes = (place: string): Step => ({ kind: 'routes', place });
export const mac = (place: string): Step => ({ kind: 'mac', place });
export const file = (container: string, path: string): Step => ({ kind: 'file', container, path });
export const sysctl = (place: string, key: string): Step => ({ kind: 'sysctl', place, key });
export const ping = (from: string, to: string): Step => ({ kind: 'ping', from, to });
export const fetch = (from: string, to: string): Step => ({ kind: 'fetch', from, to });
export const datagram = (from: string, to: string): Step => ({ kind: 'datagram', from, to });
export const dig = (from: string, question: string): Step => ({ kind: 'dig', from, question });
export const asked: Step = { kind: 'asked' };
export const inspect = (what: string, path: string): Step => ({ kind: 'inspect', what, path });

/** Returns an idle container. */
export const idle = (options: string): Step => command(`run -d ${options} IMAGE sleep 1000`);

/** Returns a container with a server. */
export function server(name: string, options = ''): readonly Step[] {
  return [idle(`--name ${name} ${options}`.trimEnd()), serve(name)];
}

/** Returns observations of a container's network. */
export function view(container: string): readonly Step[] {
  return [
    links(container),
    routes(container),
    file(container, '/etc/resolv.conf'),
    file(container, '/etc/hosts'),
    file(container, '/etc/hostname'),
  ];
}

/** Returns connections from each place to each address. */
export function everyPair(
  look: (from: string, to: string) => Step,
  from: readonly string[],
  to: readonly string[],
): readonly Step[] {
  return from.flatMap((asker) => to.map((target) => look(asker, target)));
}
