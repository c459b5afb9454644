/** Collects samples by kind of work and contender. */

export type Unit = 'ms' | 'µs' | 'queries/s' | 'MiB' | 'Gbit/s' | 's/GB' | '/s' | '%' | 'failed';

/** All samples of one contender for one kind of work, by round. Times in milliseconds are stored as nanoseconds. */
export interface Measurement {
  readonly work: string;
  readonly contender: string;
  readonly unit: Unit;
  readonly samples: number[];
}

export class Log {
  readonly measurements: Measurement[] = [];

  add(work: string, contender: string, sample: number, unit: Unit = 'ms'): void {
    const known = this.measurements.find((one) => one.work === work && one.contender === contender);
    if (known === undefined) this.measurements.push({ work, contender, unit, samples: [sample] });
    else known.samples.push(sample);
  }
}
