/** An event as a line of JSON, with docker's fields, so that what reads docker's events reads these. */
import type { EngineEvent } from '../../values/event.ts';

/** Docker's fields, in docker's order. */
export function dockerEvent({ type, action, id, attributes, time }: EngineEvent) {
  const milliseconds = time.getTime();
  return {
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: 'local',
    time: Math.floor(milliseconds / 1000),
    // Thirteen digits and zeros: JSON has them as they are, though JavaScript would round other numbers of this size.
    timeNano: milliseconds * 1e6,
  };
}

export function formatEventLine(event: EngineEvent): string {
  return `${JSON.stringify(dockerEvent(event))}\n`;
}

/** @returns undefined for anything else: a disk that was full leaves half a line */
export function parseEventLine(line: string): EngineEvent | undefined {
  const found = parseJson(line) as Partial<ReturnType<typeof dockerEvent>> | null | undefined;
  const { ID: id, Attributes: attributes } = found?.Actor ?? {};
  const { Type: type, Action: action, timeNano } = found ?? {};
  if (typeof id !== 'string' || typeof attributes !== 'object' || typeof timeNano !== 'number') return undefined;
  if (typeof action !== 'string' || (type !== 'container' && type !== 'network')) return undefined;
  return { type, action, id, attributes, time: new Date(Math.round(timeNano / 1e6)) } as EngineEvent;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
