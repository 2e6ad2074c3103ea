import { gzipSync } from 'node:zlib'
import { join } from 'node:path'
import { build, type Plugin, type Rolldown } from 'vite'
import { briefTexts } from '../../build/brief-texts.js'
import { leanReconnectingWebSocket } from '../../build/reconnecting-websocket.js'
import { shortNames } from '../../build/short-names.js'
import { planted } from '../../test/kit/mutant.js'
import { ROOT } from '../kit/root.js'
import type { Sizes } from './sizes.js'

/** A text in a file of `src/` and its replacement: nothing, or the least that still compiles. */
type Cut = readonly [file: string, from: string, to?: string]

/**
 * What the core does beyond messages and publishes, by the code that only this feature needs: without that code
 * everything else works as before. Code that several features share counts for none of them alone, only for `all of
 * them`.
 */
export const FEATURES: Readonly<Record<string, readonly Cut[]>> = {
  signals: [
    ['socket/whole-socket.ts', ', signals }', '}'],
    [
      'socket/live-socket.ts',
      "signal: (topic, data) => connection.signals.send(topic, data), onSignal: (topic, handler, how) => connection.signals.on(topic, givenFunction('handler', handler), () => subscribe(topic, () => {}, how)),",
    ],
    [
      'socket/connection.ts',
      'get signals(): Signals { return (this.#signals ??= this.settings.parts.signals(this as never)) }',
    ],
    ['socket/connection.ts', '#signals: Signals | null = null'],
    ['socket/connection.ts', 'this.#signals?.drop()'],
    ['handover/leg-frames.ts', "case 'signal': audience.signals.told(frame) break"],
    ['handover/leg-frames.ts', "if (frame.id[0] === '.') audience.signals.refused(patient(frame)) else"],
    ['protocol/server-frames.ts', 'signal: { id: ID, topic: TOPIC, data: required, by: own },'],
  ],
  requests: [
    ['socket/whole-socket.ts', ', requests'],
    [
      'socket/live-socket.ts',
      "async request(method: string, data?: unknown, how?: RequestOptions) { checkName('method', method, MAX_METHOD) const { input, output } = settings.methods?.get(method) ?? {} fitting(settings, input, data, { type: 'request', method }) const answer = await settings.parts.requests(connection.session.needOutbox() as never, method, data, how) return fitting(settings, output, answer.data, { type: 'answer', method }) as never },",
    ],
    ['publishes/outbox.ts', "if (type === 'request' && leg) this.#handlers.send(leg.number, { type: 'cancel', id })"],
    ['publishes/outbox.ts', "if (type === 'publish') this.#queue.abandon", 'this.#queue.abandon'],
    ['publishes/outbox.ts', "firstSent && entry.type === 'publish'", 'firstSent'],
    ['publishes/outbox.ts', "entry.type === 'publish' && (", '('],
    ['publishes/outbox.ts', 'this.#queue.size[type]', 'this.#queue.size.publish'],
    ['publishes/outbox-queue.ts', ', request: { messages: 0, bytes: 0 }'],
    ['publishes/outbox-queue.ts', 'this.size[type]', 'this.size.publish'],
    ['publishes/outbox-queue.ts', 'patience < Infinity && (', '('],
    ['publishes/outbox-queue.ts', '&& entry.patience < Infinity'],
    ['publishes/outbox-entry.ts', 'this.topic ?? this.id', 'this.topic'],
    ['socket/live-socket.ts', 'checkName,'],
    [
      'socket/topic-arguments.ts',
      "(what: 'topic' | 'method', name: unknown, most: number) { if (typeof name !== 'string' || name === '' || name.length > most)",
      "(name: unknown) { if (typeof name !== 'string' || name === '' || name.length > MAX_TOPIC)",
    ],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a part of a template in the source
    ['socket/topic-arguments.ts', 'A ${what} is a string of 1 to ${most}', 'A topic is a string of 1 to ${MAX_TOPIC}'],
    ['socket/topic-arguments.ts', "checkName('topic', topic, MAX_TOPIC)", 'checkName(topic)'],
    ['publishes/kept-frame.ts', 'data === undefined && method ? { whole: data, bytes: 0 } :'],
    ['publishes/kept-frame.ts', 'topic, method, n } = head', 'topic, n } = head'],
    ['publishes/kept-frame.ts', 'this.method = method!'],
    ['publishes/kept-frame.ts', '{ topic, method, n })', '{ topic, n })'],
    ['publishes/refusal.ts', 'topic ?? method', 'topic'],
    ['options/settings.ts', 'methods: schemas?.methods ?? lacksSchemas,'],
    ['options/schemas.ts', 'if (given === undefined) return undefined'],
    ['options/schemas.ts', 'methods: eachBy((name, given) => readOptions(SIDES, given, name)),'],
  ],
  'the last messages': [
    [
      'topics/topic-sequence.ts',
      'if (to.last !== undefined) { if (to.last <= this.last) return false this.last = to.last } else {',
      '{',
    ],
    [
      'topics/topic-sequence.ts',
      'const { epoch, offset, last } = this if (epoch === null) return last > 0 ? { last } : null return { epoch, offset: Math.max(0, offset - last) }',
      'return this.position',
    ],
    ['topics/topic-sequence.ts', 'const { epoch, last } = this', 'const { epoch } = this'],
    ['topics/topic-sequence.ts', 'if (whole) this.last = 0'],
    ['topics/topic-sequence.ts', ', whole?: boolean'],
    ['topics/merge.ts', ', view.generation === topic.generation)', ')'],
    ['topics/merge.ts', '|| topic.last > 0'],
    ['topics/topic-sequence.ts', 'if (last > this.last) this.offset = Math.min(this.offset, named.after)'],
    ['topics/topic-sequence.ts', 'this.last > 0 ||'],
    ['topics/topic-sequence.ts', 'last = 0'],
    ['socket/topic-arguments.ts', 'const { last } = (given ?? {}) as Partial<Last>'],
    ['socket/topic-arguments.ts', '|| (Number.isSafeInteger(last) && last! > 0)'],
  ],
  'one’s own messages, and whose': [
    ['protocol/server-frames.ts', "id: MAYBE_ID(fields, 'id'), by: own(fields, 'by'),"],
    ['protocol/frame-reader.ts', 'id: undefined, by: undefined,'],
    ['topics/topic-sequence.ts', '{ data, hasData, id, by }: Told', '{ data, hasData }: Told'],
    ['topics/topic-sequence.ts', 'replayed, id, by })', 'replayed })'],
    ['publishes/outbox.ts', 'outcome.id = id'],
    ['socket/live-socket.ts', "connection.events.emit('publish', { topic, data, outcome })"],
  ],
  'the status of a topic': [
    [
      'socket/live-socket.ts',
      'topicStatus(topic) { checkTopic(topic) return createTopicStatus(subscriptions, topic) },',
    ],
    ['topics/subscriptions.ts', 'subscriber, topic.status))', 'subscriber))'],
    ['topics/subscriptions.ts', 'const before = topic.status'],
    ['topics/subscriptions.ts', 'subscriber, before)', 'subscriber)'],
    ['topics/subscriptions.ts', ', before: TopicStatus) { try', ') { try'],
    ['topics/subscriptions.ts', 'watch?.(status, before)', 'watch?.(status)'],
  ],
  debug: [
    ['socket/connection.ts', 'const { debug } = this.settings if (debug) tellDebug(debug, type, event)'],
    ['socket/connection.ts', 'debug === false', 'false'],
    [
      'options/settings.ts',
      "debug: (name, given) => (typeof given === 'boolean' ? given : optionalFunction<(line: string) => void>(name, given)),",
    ],
  ],
}

const ENTRY = 'livesocket-core'

/** Bytes of the core as a page loads it, minified and gzipped, without these features. */
export async function coreWithout(names: readonly string[]): Promise<number> {
  const cuts = names.flatMap((name) => FEATURES[name]!)
  const cut: Plugin = {
    name: 'cut',
    enforce: 'pre',
    resolveId: (id) => (id === ENTRY ? id : null),
    load: (id) => (id === ENTRY ? `export { createLiveSocket } from '${join(ROOT, 'src/index.ts')}'` : null),
    transform(code, id) {
      const here = cuts.filter(([file]) => id === join(ROOT, 'src', file))
      const left = here.reduce((text, [file, from, to = '']) => planted(text, from, to, file), code)
      return here.length === 0 ? null : { code: left, map: null }
    },
  }
  const { output } = (await build({
    root: ROOT,
    configFile: false,
    logLevel: 'silent',
    mode: 'production',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [cut, briefTexts(), leanReconnectingWebSocket(), shortNames()],
    build: {
      write: false,
      minify: true,
      modulePreload: false,
      target: 'es2022',
      rolldownOptions: {
        input: ENTRY,
        preserveEntrySignatures: 'strict',
        optimization: { inlineConst: true },
      },
    },
  })) as Rolldown.RolldownOutput
  const code = output.map((file) => (file.type === 'chunk' ? file.code : '')).join('\n')
  return gzipSync(code, { level: 9 }).length
}

/** How many bytes the core loses without all of the features, and without each. */
export async function featureSizes(): Promise<{ readonly all: number; readonly each: Sizes }> {
  const whole = await coreWithout([])
  const names = Object.keys(FEATURES)
  const each: Record<string, number> = {}
  for (const name of names) each[name] = whole - (await coreWithout([name]))
  return { all: whole - (await coreWithout(names)), each }
}
