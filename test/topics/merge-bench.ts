import { createMerge, type MergeDeps } from '../../src/topics/merge.js'
import type { TopicAnswer, TopicRequest, TopicRequests } from '../../src/protocol/frames.js'
import { createStepClock } from '../kit/step-clock.js'

/** A merge whose calls are recorded: `told()` returns the calls since it was last called. */
export function createMergeBench(options: Partial<MergeDeps> & { standby?: boolean } = {}) {
  const clock = createStepClock()
  let ids = 0
  let lines: string[] = []
  const hooks: { told?: (line: string) => unknown; answered?: (topic: string) => unknown } = {}
  const say = (line: string) => {
    lines.push(line)
    hooks.told?.(line)
  }
  const merge = createMerge(
    { clock, id: () => `s${++ids}`, gapTimeout: 250, maxMessages: 100, maxBytes: 10_000, ...options },
    {
      deliver: (_data, { topic, epoch, offset, replayed }) =>
        say(`${topic} ${epoch}:${offset}${replayed ? ' replayed' : ''}`),
      gap: ({ topic, epoch, from, to, reason }) => say(`${topic} gap ${epoch} ${from}..${to} ${reason}`),
      subscribe: (leg, id, topics) => say(`${id} on ${leg}: ${showRequests(topics)}`),
      unsubscribe: (leg, topics) => say(`unsubscribe ${leg}: ${topics.join(', ')}`),
      serving: null,
      overflow() {
        say('overflow')
        return options.standby ?? false
      },
      invalid: (topic, reason) => say(`invalid ${topic}: ${reason}`),
      answered: (topic) => void hooks.answered?.(topic),
    },
  )
  return {
    merge,
    clock,
    hooks,
    told: () => lines.splice(0),
    /** Dials a leg and welcomes it with these answers. Returns what its hello requested. */
    welcome(leg: number, topics: Record<string, TopicAnswer>, refused: string[] = []) {
      const hello = merge.hello(leg)
      merge.ready(leg, new Map(Object.entries(topics)), new Set(refused))
      return showRequests(hello)
    },
    ready: (leg: number, topics: Record<string, TopicAnswer>) =>
      merge.ready(leg, new Map(Object.entries(topics)), new Set()),
    subscribed: (leg: number, id: string | undefined, topics: Record<string, TopicAnswer>) =>
      merge.subscribed(leg, id, new Map(Object.entries(topics))),
    /** Messages of topic `t`: `5` follows 4, `'3>5'` follows 3, `'3>5 hidden'` only advances the position. */
    bring(leg: number, ...messages: (number | string)[]) {
      for (const message of messages) {
        const [, prev, offset, hidden] = /^(?:(\d+)>)?(\d+)( hidden)?$/.exec(String(message))!
        const frame = {
          type: 'message',
          topic: 't',
          offset: Number(offset),
          prev: Number(prev ?? Number(offset) - 1),
        } as const
        merge.message(leg, hidden ? { ...frame, hasData: false } : { ...frame, hasData: true, data: `data ${offset}` })
      }
    },
  }
}

/** `e:9` has the head 9 and replays nothing; `e:9 after 4` replays from there. */
export function at(text: string): TopicAnswer {
  const [, epoch, offset, after] = /^(\w+):(\d+)(?: after (\d+))?$/.exec(text)!
  return { epoch: epoch!, offset: Number(offset), after: Number(after ?? offset) }
}

function showRequests(topics: TopicRequests): string {
  const one = (from: TopicRequest) =>
    !from ? 'now' : from.last === undefined ? `${from.epoch}:${from.offset}` : `last ${from.last}`
  return [...topics].map(([topic, from]) => `${topic} ${one(from)}`).join(', ')
}
