/** An explanation as a sentence, for `gangway dns query`. */
import { formatAddress } from '../../values/address.ts';
import type { Upstream } from '../../values/resolver.ts';
import type { Explanation } from './explain.ts';

/** @param name as it was asked */
export function formatExplanation(name: string, explanation: Explanation): string {
  switch (explanation.by) {
    case 'network':
      return `gangway answers: ${name} is ${ways[explanation.via]} network ${explanation.network}${
        explanation.records.length === 0 ? ', but has no record of this type; the question goes no further' : ''
      }`;
    case 'silence':
      return saySilence(name, explanation);
    case 'nobody':
      return `nobody answers: ${nobodys[explanation.because](name)}`;
    case 'upstream':
      return `asked outside: ${name} is no name in this container's networks; servers: ${explanation.upstreams.map(formatUpstream).join(', ')}`;
  }
}

function saySilence(name: string, explanation: Extract<Explanation, { by: 'silence' }>): string {
  switch (explanation.because) {
    case 'elsewhere':
      return `gangway answers that it knows nothing: ${name} belongs to network ${explanation.network}, which this container is not in`;
    case 'absent':
      return `gangway answers that there is no such name: nobody in network ${explanation.network} is called ${name}, and the names of other networks are not asked outside`;
    case 'egress':
      return `gangway answers that there is no such name: the egress policy of network ${explanation.network} lets no question for ${name} out`;
    case 'ndots':
      return `gangway answers that it knows nothing: with ndots set, a name without a dot is not asked outside`;
  }
}

const nobodys = {
  internal: (name: string) => `the container has internal networks only, and ${name} is not a name in them`,
  within: () =>
    'the servers that could be asked are containers to which names open addresses, and would open them to themselves',
  'no-server': () => 'no name server is known that could be asked',
} as const;

const ways = {
  name: 'a name in',
  link: 'a link of this container in',
  wildcard: 'covered by a wildcard alias in',
  address: 'the address of a container in',
} as const;

function formatUpstream({ address, place }: Upstream): string {
  return `${formatAddress(address)} (asked from the ${place})`;
}
