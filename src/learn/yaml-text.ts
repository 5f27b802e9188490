/** Values as YAML writes them in a suggestion. */

export function flow(texts: readonly string[]): string {
  return `[${texts.map(quoted).join(', ')}]`;
}

/** Plain where it can only be read as text: JSON's strings are YAML's with quotes. */
export function quoted(text: string): string {
  const isPlain = /^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+$/.test(text);
  return isPlain ? text : JSON.stringify(text);
}
