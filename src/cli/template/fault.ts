/** What is wrong with a template, before anyone knows on which line that is. */

export class TemplateFault extends Error {
  override readonly name = 'TemplateFault';

  constructor(
    message: string,
    readonly hint?: string,
    /** Where in the template, counted in UTF-16 units; the innermost place that knows it says so. */
    readonly at?: number,
  ) {
    super(message);
  }
}

/** Does `work`, and tells where it was where a fault in it does not. */
export function placed<T>(at: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TemplateFault && error.at === undefined) {
      throw new TemplateFault(error.message, error.hint, at);
    }
    throw error;
  }
}
