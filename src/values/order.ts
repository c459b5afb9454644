/** For `sort`: which of two comes first, strings by their code units. */
export function order<T extends string | number | bigint>(a: T, b: T): number {
  return Number(a > b) - Number(a < b);
}
