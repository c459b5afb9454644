/** What `publish` and `unpublish` are given: a container and its ports, with or without `-p`; and how their clients are introduced. */
import { type IntroducedPorts, parseIntroduced } from '../values/client-address.ts';
import type { PublishedPort } from '../values/port.ts';
import { parsePublish } from '../values/port-grammar.ts';
import { type Given, UsageError } from './grammar.ts';
import type { publishOptions, unpublishOptions } from './options.ts';

interface ContainerPorts {
  readonly container: string;
  readonly ports: readonly PublishedPort[];
}

/** @throws UsageError; GangwayError invalid-port, invalid-address, not-supported */
export function givenPorts(name: string, { options, words }: Given<typeof unpublishOptions>): ContainerPorts {
  const [container = '', ...rest] = words;
  const texts = [...options.publish, ...rest];
  if (texts.length === 0) throw new UsageError(`"gangway ${name}" requires at least 2 arguments`, 1, true);
  return { container, ports: texts.map(parsePublish) };
}

type Introducing = Pick<Given<typeof publishOptions>['options'], 'proxy-protocol' | 'transparent-source'>;

/** @throws GangwayError invalid-port, not-supported */
export function introducedPorts(options: Introducing): IntroducedPorts {
  return parseIntroduced({
    proxyProtocol: options['proxy-protocol'],
    transparentSource: options['transparent-source'],
  });
}
