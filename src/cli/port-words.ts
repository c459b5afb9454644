/** What `publish` and `unpublish` are given: a container and its ports, with or without `-p`. */
import type { PublishedPort } from '../values/port.ts';
import { parsePublish } from '../values/port-grammar.ts';
import { type Given, UsageError } from './grammar.ts';
import type { unpublishOptions } from './options.ts';

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
