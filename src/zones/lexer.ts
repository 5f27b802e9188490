/**
 * Lexer of master files (RFC 1035 section 5.1): text to entries of words with their places.
 *
 * An entry is one logical line: parentheses are folded, comments gone. Escapes are kept as written,
 * because what they mean depends on the field (`\.` in a name, `\;` in a text). It knows neither
 * directives nor records.
 *
 * Every character stands for one octet (the file is read as ISO 8859-1), so any octet survives.
 */

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34; // '"'
const OPEN = 40; // '('
const CLOSE = 41; // ')'
const SEMICOLON = 59; // ';'
const EQUALS = 61; // '='
const BACKSLASH = 92; // '\'

export interface Token {
  /** As written, without the quotes around it; escapes are not resolved. */
  readonly raw: string;
  /** Whether the whole word stood in quotes. */
  readonly quoted: boolean;
  /** 1-based. */
  readonly line: number;
  readonly col: number;
}

export interface Entry {
  /** One or more. */
  readonly tokens: readonly Token[];
  /** The line began with a blank: the owner is that of the record before. */
  readonly blank: boolean;
}

/** Told of each thing that is wrong; the lexer goes on with the next line. */
export type LexerFail = (line: number, col: number, message: string) => void;

export class Lexer {
  readonly #text: string;
  readonly #fail: LexerFail;
  #at = 0;
  #line = 1;
  #lineStart = 0;
  #good = true;

  constructor(text: string, fail: LexerFail) {
    this.#text = text;
    this.#fail = fail;
  }

  /** The next entry without a problem of its own; null at the end. */
  next(): Entry | null {
    while (this.#at < this.#text.length) {
      this.#good = true;
      const blank = isBlank(this.#text.charCodeAt(this.#at));
      const tokens = this.#readLine();
      if (this.#good && tokens.length > 0) return { tokens, blank };
    }
    return null;
  }

  #readLine(): Token[] {
    const tokens: Token[] = [];
    const open: { line: number; col: number }[] = [];
    while (this.#at < this.#text.length) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === LF) {
        this.#endLine();
        if (open.length === 0) return tokens;
      } else if (code === SEMICOLON) {
        this.#skipComment();
      } else if (code === OPEN) {
        open.push({ line: this.#line, col: this.#col() });
        this.#at++;
      } else if (code === CLOSE) {
        if (open.pop() === undefined) this.#problem('")" without "("');
        this.#at++;
      } else if (isBlank(code)) {
        this.#at++;
      } else {
        tokens.push(code === QUOTE ? this.#readQuoted() : this.#readWord());
      }
    }
    const unclosed = open[0];
    if (unclosed !== undefined) {
      this.#good = false;
      this.#fail(unclosed.line, unclosed.col, '"(" is never closed by ")"');
    }
    return tokens;
  }

  #readWord(): Token {
    const start = this.#at;
    const place = { line: this.#line, col: this.#col() };
    while (this.#at < this.#text.length) {
      const code = this.#text.charCodeAt(this.#at);
      if (isBlank(code) || code === LF || code === SEMICOLON) break;
      if (code === OPEN || code === CLOSE) break;
      if (code === QUOTE) {
        // RFC 9460 appendix A: key="value" is one word.
        if (this.#text.charCodeAt(this.#at - 1) !== EQUALS) break;
        this.#skipQuoted();
      } else {
        this.#skipCharacter(code);
      }
    }
    return { raw: this.#text.slice(start, this.#at), quoted: false, ...place };
  }

  #readQuoted(): Token {
    const start = this.#at + 1;
    const place = { line: this.#line, col: this.#col() };
    const end = this.#skipQuoted();
    return { raw: this.#text.slice(start, end), quoted: true, ...place };
  }

  /** @returns where the closing quote stands, or the end of the line when there is none */
  #skipQuoted(): number {
    const col = this.#col();
    this.#at++;
    while (this.#at < this.#text.length) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === QUOTE) return this.#at++;
      if (code === LF) break;
      this.#skipCharacter(code);
    }
    this.#good = false;
    this.#fail(this.#line, col, 'the quote is not closed on its line');
    return this.#at;
  }

  /** One character or one escape; `\DDD` is checked where it is resolved. */
  #skipCharacter(code: number): void {
    if (code > 255) this.#problem('not an octet; write \\DDD for each octet');
    else if (isControl(code)) this.#problem('control octet; write it as \\DDD');
    this.#at++;
    if (code !== BACKSLASH) return;
    const next = this.#text.charCodeAt(this.#at);
    if (Number.isNaN(next) || next === LF || next === CR) {
      this.#problem('"\\" at the end of a line; an escape is \\DDD or \\ and a character');
    } else {
      this.#at++;
    }
  }

  #skipComment(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end === -1 ? this.#text.length : end;
  }

  #endLine(): void {
    this.#at++;
    this.#line++;
    this.#lineStart = this.#at;
  }

  #col(): number {
    return this.#at - this.#lineStart + 1;
  }

  #problem(message: string): void {
    this.#good = false;
    this.#fail(this.#line, this.#col(), message);
  }
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB || code === CR;
}

function isControl(code: number): boolean {
  return (code < SPACE && code !== TAB && code !== CR) || code === 127;
}
