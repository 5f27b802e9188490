/**
 * What every process asks of V8 before it loads the first module in TypeScript. Plain JavaScript,
 * for the launcher imports it; the tests run under the same flags.
 *
 * Node strips types by WebAssembly. When an import of it has been called a thousand times, V8 (13.6
 * of Node 24) compiles a wrapper for that import in place of the generic one, and in a process
 * whose threads come and go it then may free code that is gone: SIGSEGV below
 * `Runtime_TierUpWasmToJSWrapper`, once in some thousand threads. With a budget that no program
 * uses up it keeps the generic one.
 */
export const NODE_FLAGS = ['--wasm-wrapper-tiering-budget=2147483647'];
