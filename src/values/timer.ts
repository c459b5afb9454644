/** 24 days. A timer of more than 31 bits would fire at once. @see setTimeout() in Node's documentation */
export const longestTimeoutMilliseconds = 2 ** 31 - 1;
