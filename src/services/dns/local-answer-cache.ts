/**
 * Answers that gangway makes itself, kept ready for whoever asks the same again.
 *
 * An answer of ours follows from the zone and from the question's own bytes, all but the id. So the bytes are the key, and
 * a question that was seen before is neither read nor understood: what is left of an answer is the kernel's work. A program
 * that looks for `db` before each of its connections asks nothing else all day.
 *
 * Not kept are answers whose records come in an order of chance, and questions with options (a cookie is another one each
 * time). Their number is bounded, and so is what one weighs.
 */
const defaultLimit = 128;
/** A header, the longest name, type and class, and an OPT record without options. */
const longestQuestion = 12 + 255 + 4 + 11;

export class LocalAnswerCache {
  readonly #answers = new Map<string, Buffer>();

  constructor(readonly limit: number = defaultLimit) {}

  get size(): number {
    return this.#answers.size;
  }

  /** A copy of the answer, with this question's id. */
  get(question: Buffer): Buffer | undefined {
    if (question.length > longestQuestion) return undefined;
    const kept = this.#answers.get(key(question));
    if (kept === undefined) return undefined;
    const answer = Buffer.from(kept);
    question.copy(answer, 0, 0, 2);
    return answer;
  }

  put(question: Buffer, answer: Buffer): void {
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size < this.limit) break;
      this.#answers.delete(oldest);
    }
    this.#answers.set(key(question), answer);
  }

  clear(): void {
    this.#answers.clear();
  }
}

/** Everything behind the id; each byte is a character. */
function key(question: Buffer): string {
  return question.toString('latin1', 2);
}
