/**
 * What is asked of V8 before the first module in TypeScript is loaded, where threads will be
 * started. Plain JavaScript, for the launcher imports it; the tests run under the same flags.
 *
 * Node strips types by WebAssembly. When an import of it has been called a thousand times, V8 (13.6
 * of Node 24) compiles a wrapper for that import in place of the generic one, and in a process
 * whose threads come and go it then may free code that is gone: SIGSEGV below
 * `Runtime_TierUpWasmToJSWrapper`, once in some thousand threads. With a budget that no program
 * uses up it keeps the generic one.
 *
 * Under other flags than those that Node was built with, V8 does not take the compiled code that
 * Node brings for its own modules, and compiles 76 of 100 of them anew: the first answer comes
 * after 1426 ms where it came after 1239 (2 cores, medians of 11). Hence only for `serve`, which is
 * the one command with threads.
 */
export const THREAD_FLAGS = ['--wasm-wrapper-tiering-budget=2147483647'];

/**
 * @param {string | undefined} command
 * @returns {readonly string[]}
 */
export function nodeFlags(command) {
  return command === 'serve' ? THREAD_FLAGS : [];
}
