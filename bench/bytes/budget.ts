import type { Sizes } from './sizes.js'

/** The most that each entry may weigh, in bytes: minified, gzip, with all it depends on. Who makes one lighter lowers its line; who raises one says why. */
export const BUDGET: Sizes = {
  // 0.06 kB of it, and of all that has it: a publish with a live leg is an append, and looks for nothing that waits.
  // 10 bytes of it: a leg that serves again has its own place in a spread, and who signs out from a late getToken is out.
  createLiveSocket: 33_700,
  'core: without getToken, fold, stream, schemas, requests, signals': 26_315,
  // What FEATURES of features.ts cost it together.
  'what the core does beyond messages': 1_115,
  'core with tokens': 30_810,
  // 0.07 kB of it, and of all that has rawProtocol: bytes are copied there, and refused where they would become JSON.
  'all of livesocket': 39_400,
  // 0.2 kB of it: a topic begins at the first render, also where React shows that much later. What the core
  // loses these have to say themselves: 0.07 kB of hooks, 0.06 kB of usePresence are gzip's.
  // 0.06 kB of it: an own publish is there until its message, also where the topic's numbering starts over.
  // 0.01 kB of it: what options say for a log, or for a shared socket, is nothing to the other hooks that are given them.
  // 3 bytes are gzip's: the core is lighter by more.
  'React hooks, over the core': 1_949,
  'usePresence, over the core': 1_470,
  // 0.21 kB of it, and of all that has presets: each message of a foreign server's handover waits for its own time,
  // and for no leg that was not asked. 0.15 kB of it, and of all that has presets: what one leg had of a topic before the
  // other one began with it is told for no newer, and a name as often as it was told.
  LiveWebSocket: 34_890,
  'CoreWebSocket: without getToken': 30_445,
  // 0.17 kB of it: what a session has shown goes from the page with it. 20 bytes are gzip's: the core lost what bind says too.
  // 0.13 kB of it: what stands in the wrong place is refused, the button that was pressed is published, and what nobody is
  // shown is an uncaught error.
  // 2 bytes of it: a form without a topic, and a number that is none, are refused before anything is bound.
  'bind, over the core': 1_242,
  'history, over the core': 160,
  // 0.02 kB of it: who is closed says it when it is live again. 2 bytes are gzip's.
  'presence, over the core': 1_205,
  // 6 bytes of it: who has stopped is not called any more.
  'query, over the core': 1_107,
  'spans, over the core and @opentelemetry/api': 530,
  // 0.15 kB of it: qos and a will's delay that MQTT has no number for are refused, and no text that is none counts as an id.
  // 0.29 kB of it: when a leg is late or left, which the core said for them before, and lost more by it.
  // 0.07 kB of it: what stands for requests and signals in front of a server that has none, which the core said for them.
  // 0.1 kB of it: a publish that they have no words for is refused by them: the core did it for them.
  // 0.04 kB of it: a leg whose own options cannot be had fails, and the next one asks again.
  // 0.06 kB of it: what Socket.IO is answered may have bytes of any kind in it.
  // 0.05 kB of it: a SignalR hub that asks for a result is answered.
  // 0.33 kB of it: what Socket.IO is sent may have bytes anywhere, and the presets of JSON refuse them. Half of that is JSON
  // and its size, which each page has with the core.
  'all presets': 20_060,
  // 0.1 kB of it: a leg is drawn in the lane that nobody is in, never on the one that serves.
  // 0.24 kB of it: requests that nobody waits for are not shown as waiting, and what is wrong is refused or told.
  'devtools in plain JS': 10_990,
  'devtools for React': 12_140,
  // 0.15 kB of it: what bind refuses and tells. 0.1 kB: bind clears the page at the end of a session. 1.4 kB: presence and
  // history, which are for this copy's sockets alone, so that no page can take them from another file.
  'the script tag’s one file': 46_255,
}

/** What is over its budget or has none, a sentence each. */
export function overBudget(sizes: Sizes, budget: Sizes = BUDGET): string[] {
  return Object.entries(sizes).flatMap(([name, bytes]) => {
    const most = budget[name]
    if (most === undefined)
      return [`${name} has no budget: give it one in bench/bytes/budget.ts (it weighs ${bytes} B)`]
    return bytes > most ? [`${name} weighs ${bytes} B, ${bytes - most} over its budget of ${most} B`] : []
  })
}
