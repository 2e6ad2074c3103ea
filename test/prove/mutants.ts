import type { Plant } from './compile.js'

const plants = (file: string, mistakes: Readonly<Record<string, readonly [from: string, to: string]>>) =>
  Object.entries(mistakes).map(([name, [from, to]]) => ({ name, file, from, to }))

/**
 * Mistakes that somebody could make; the search must see each of them. Those within the merge have a search of their own
 * (test/topics/merge-mutants.test.ts): what it lets through twice the subscriptions would stop.
 */
export const MUTANTS: readonly (Plant & { readonly name: string })[] = [
  ...plants('handover/machine.ts', {
    'a third leg is dialled while two live': [`if (state.active && state.old) return`, `if (false) return`],
    'the old leg is dropped at the cutover': [`old: active, standby: null, wait`, `old: null, standby: null, wait`],
    'a standby leg that fails takes the active one along': [
      `if (leg === standby?.leg && active) return standbyFailed(`,
      `if (false) return standbyFailed(`,
    ],
    'when the new leg dies the old one does not serve again': [
      `const next: State = { ...state, active: old, old: null`,
      `const next: State = { ...state, active: null, old: null`,
    ],
    'a standby leg is forgotten when the active one dies': [
      `if (standby || !old) return [{ ...state, ...UNTRIED, active: null }, []]`,
      `if (standby || !old) return [{ ...state, ...UNTRIED, active: null, standby: null }, []]`,
    ],
    'a failed dial is the last one': [
      `if (state.wait === 'timer' && verdict.pace === 'spread') return [next, []]`,
      `return [next, []]`,
    ],
    'a stopped session leaves its standby leg open': [
      `const open = [state.standby, state.active, state.old]`,
      `const open = [state.active, state.old]`,
    ],
    'legs are numbered anew in a session': [
      `leg: state.legs + 1, ask: null`,
      `leg: (state.active?.leg ?? 0) + 1, ask: null`,
    ],
  }),
  ...plants('topics/topic-sequence.ts', {
    'a hole is passed in silence': [
      `this.#handlers.gap({ topic: this.name, epoch: at.epoch, from: at.offset + 1, to, reason })`,
      ``,
    ],
    'a new epoch is no gap': [
      `this.#handlers.gap({ topic: this.name, epoch: at.epoch, from: null, to: null, reason: 'epoch' })`,
      ``,
    ],
    'the position does not move': [`this.offset = offset this.#tries = 0`, `this.#tries = 0`],
    'a gap is one too long': [`from: at.offset + 1, to, reason`, `from: at.offset, to, reason`],
  }),
  ...plants('topics/leg-view.ts', {
    'what a leg replays from is taken for what it has': [
      `named = { epoch, head, after, from`,
      `named = { epoch, head, after: head, from`,
    ],
  }),
  ...plants('publishes/publish-queue.ts', {
    'what was unanswered on a dead leg is not sent again': [
      `if (!leg) return false requeue(leg)`,
      `if (!leg) return false`,
    ],
    'a newer publish passes one that the old leg owes': [
      `if (old?.passed || (!old?.unanswered.has(entry.topic) && !old?.abandoned.has(entry.topic))) return entry`,
      `return entry`,
    ],
    'repeats go out in another order': [
      `for (const entry of entries.values()) if (entry.leg === null) waiting.add(entry)`,
      `for (const entry of [...entries.values()].reverse()) if (entry.leg === null) waiting.add(entry)`,
    ],
    'an old leg’s debts are forgotten when it dies': [
      `leg.abandoned.clear() if (leg.unanswered.size === 0) return`,
      `return`,
    ],
  }),
  ...plants('publishes/outbox.ts', {
    'a repeat does not say how old it is': [
      `const age = entry.firstSent ? Math.round(since(this.#deps.clock, entry.firstSent)) : undefined`,
      `const age: number | undefined = undefined`,
    ],
    'one number for all publishes': [`n: ++this.#count`, `n: 1`],
    'an answer settles nothing': [`return entry?.firstSent ? entry : undefined`, `return undefined`],
  }),
  ...plants('policy/close-verdict.ts', {
    'a draining server is taken for the end': [
      `case 'timeout': case 'draining': return SPREAD`,
      `case 'timeout': return SPREAD; case 'draining': return stop('server', close, error)`,
    ],
    'a busy server is taken for the end': [
      `case 'busy': return { do: 'retry', pace: 'busy'`,
      `case 'busy': return stop('server', close, error); return { do: 'retry', pace: 'busy'`,
    ],
    'a refused token is not renewed': [`case 'unauthorized': return RENEW`, `case 'unauthorized': return SPREAD`],
  }),
]
