/**
 * What an application's function threw, and nobody asked to hear of, goes where the browser puts what an event listener
 * throws:
 * `window.onerror` and the tools that listen there. Where there is no `reportError`, as in Node, to the console.
 */
export function tellUncaught(thrown: unknown): void {
  try {
    if (typeof reportError === 'function') reportError(thrown)
    else console.error(thrown)
  } catch {
    // Somebody has put a function of their own there, and it throws as well.
  }
}
