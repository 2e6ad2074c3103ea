/**
 * Reports an error that an application's function threw and that no listener receives. It goes where the browser
 * reports errors of event listeners: to `window.onerror` and the tools that listen there. Where there is no
 * `reportError`, as in Node, it goes to the console.
 */
export function tellUncaught(thrown: unknown): void {
  try {
    if (typeof reportError === 'function') reportError(thrown)
    else console.error(thrown)
  } catch {
    // The page may have replaced that function with one that throws as well.
  }
}
