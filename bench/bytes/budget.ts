import type { Sizes } from './sizes.js'

/**
 * The most bytes that each entry may weigh: minified, gzipped, with everything it depends on. If you make an entry
 * lighter, lower its line. If you raise one, the commit message says why.
 */
export const BUDGET: Sizes = {
  createLiveSocket: 33_700,
  'core: without getToken, fold, stream, schemas, requests, signals': 26_315,
  // All FEATURES of features.ts together.
  'what the core does beyond messages': 1_115,
  'core with tokens': 30_810,
  'all of livesocket': 39_400,
  // `over the core`: only what the entry adds to createLiveSocket.
  'React hooks, over the core': 1_949,
  'usePresence, over the core': 1_470,
  LiveWebSocket: 34_892,
  'CoreWebSocket: without getToken': 30_445,
  'bind, over the core': 1_242,
  'history, over the core': 160,
  'presence, over the core': 1_205,
  'query, over the core': 1_113,
  'spans, over the core and @opentelemetry/api': 530,
  'all presets': 20_060,
  'devtools in plain JS': 10_990,
  'devtools for React': 12_140,
  // Contains LiveWebSocket, bind, presence and history, so that a page without a bundler loads one file.
  'the script tag’s one file': 46_260,
}

/** A sentence for each entry that is over its budget or has none. */
export function overBudget(sizes: Sizes, budget: Sizes = BUDGET): string[] {
  return Object.entries(sizes).flatMap(([name, bytes]) => {
    const most = budget[name]
    if (most === undefined)
      return [`${name} has no budget: give it one in bench/bytes/budget.ts (it weighs ${bytes} B)`]
    return bytes > most ? [`${name} weighs ${bytes} B, ${bytes - most} over its budget of ${most} B`] : []
  })
}
