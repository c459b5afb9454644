/** Texts as others want them: titles, HTML, JavaScript, addresses of pages. */

/** The first letter of each word large. */
export function titleCase(text: string): string {
  return text.replace(/(?<![\p{L}\p{N}_])\p{L}/gu, (letter) => letter.toUpperCase());
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\0': '\uFFFD',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'\0]/g, (character) => entities[character] ?? character);
}

/** For the inside of a string of JavaScript. */
export function escapeScript(text: string): string {
  return text.replace(/[\\'"<>&=\p{Cc}]/gu, (character) => {
    if (character === '\\' || character === "'" || character === '"') return `\\${character}`;
    return `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  });
}

/** For a value in the query of a URL. Half a character becomes its replacement. */
export function escapeQuery(text: string): string {
  const whole = Buffer.from(text).toString();
  return encodeURIComponent(whole)
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
