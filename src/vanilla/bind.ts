import { explain } from '../base/explanation.js'
import { platformClock, type Clock } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { tellUncaught } from '../base/uncaught.js'
import { invalid } from '../options/option-table.js'
import { sessionOf } from '../socket/insides.js'
import type { LiveSocket, SubscribeOptions } from '../socket/live-socket.js'
import { inside } from '../socket/reading.js'
import { checkTopic } from '../socket/topic-arguments.js'

/** How `bind` shows values. */
export interface BindOptions {
  /** Turns a value into text. Default: text as it is, nothing for null and undefined, anything else as JSON. */
  format?: (value: unknown, field: string | undefined, topic: string) => string
  /** The clock whose animation frames time the painting. Default: the browser's frames. */
  clock?: Clock
}

type Bound = Pick<LiveSocket, 'subscribe' | 'publish' | 'store'>

/** How many rows a list keeps without `data-live-limit`. */
const LIMIT = 100

/**
 * Shows a live socket in plain HTML. Returns a function that stops it. Everything is set as text, at most once per
 * animation frame.
 *
 * - `data-live-status`: the status as text. `data-live-when="reconnecting closed"`: the element is shown only in these
 *   statuses.
 * - `data-live-topic="prices"`, optionally with `data-live-field="eur.usd"`: the latest message, or that part of it.
 * - `<template data-live-list="chat" data-live-limit="50" data-live-last="20">`: a copy of the template's content for
 *   each message, the newest last, with `data-live-field` inside. Beyond the limit (default 100) the oldest rows are
 *   removed. `data-live-last` begins with that many of the newest messages that the server has kept; by default the
 *   list begins with new messages.
 * - `<form data-live-publish="chat">`: on submit its fields are published, together with the button that was pressed. A
 *   field with several values is a list, a file is its name. An element with `data-live-error` inside shows what went
 *   wrong; without one that is an uncaught error of the page.
 *
 * When a session ends, everything that topics and lists have shown of it, and its errors, is removed from the page, so
 * that the next user sees only their own. The returned function leaves on the page what it shows.
 *
 * Throws a `LiveSocketError` `invalid`, and has then bound nothing, if a limit or `data-live-last` is no whole number
 * from 1, `data-live-list` is not on a template or `data-live-publish` not on a form, a topic name is invalid, `root`
 * is missing, or the socket belongs to another copy of this library.
 */
export function bind(
  socket: Bound,
  root: ParentNode = document,
  { format = text, clock = platformClock }: BindOptions = {},
): () => void {
  if (!root) throw invalid('root', explain`a part of the page`, root)
  const undo: (() => void)[] = []
  const { paint, drop } = createFrames(clock)
  const clears: (() => void)[] = []
  let { session } = inside(socket)
  /** @param tag the only element that may have the attribute */
  const all = <Kind extends HTMLElement>(name: string, tag?: string) => {
    const found = [...root.querySelectorAll<Kind>(`[data-live-${name}]`)]
    const wrong = tag && found.find(({ localName }) => localName !== tag)
    if (wrong) throw invalid(`data-live-${name}`, explain`on a <${tag}>`, wrong, `on a <${wrong.localName}>`)
    return found
  }

  function write(element: HTMLElement, data: unknown, topic: string) {
    const { liveField: field } = element.dataset
    element.textContent = format(part(data, field), field, topic)
  }

  // This runs at once and not in the next frame. A hidden page has no frames, and what waits for one belongs to the
  // former user too.
  function renew() {
    const present = sessionOf(socket)
    if (present === session) return
    session = present
    drop()
    for (const clear of clears) clear()
  }

  // Everything is checked before the first subscription, so that a mistake leaves nothing behind.
  const lists = all<HTMLTemplateElement>('list', 'template').map((template) => ({
    template,
    topic: topicOf(template.dataset['liveList']),
    limit: numberOf(template, 'limit') ?? LIMIT,
    last: numberOf(template, 'last'),
  }))
  const places = all('topic').map((element) => ({ element, topic: topicOf(element.dataset['liveTopic']) }))
  const forms = all<HTMLFormElement>('publish', 'form')
  for (const form of forms) topicOf(form.dataset['livePublish'])

  const status = () => {
    const now = socket.store.getState().status
    for (const element of all('status')) element.textContent = now
    for (const element of all('when')) element.hidden = !element.dataset['liveWhen']!.split(/\s+/).includes(now)
  }
  status()
  undo.push(
    socket.store.subscribe((state, before) => {
      renew()
      if (state.status !== before.status) status()
    }),
  )

  // Of the messages between two paints only the newest are shown: the others would disappear again in the same frame.
  function follow(
    topic: string,
    most: number,
    show: (data: unknown) => void,
    clear: () => void,
    how?: SubscribeOptions,
  ) {
    let waiting: unknown[] = []
    clears.push(() => {
      waiting = []
      clear()
    })
    undo.push(
      socket.subscribe(
        topic,
        (data) => {
          renew()
          if (waiting.push(data) === 1) paint(() => each(waiting.splice(0), show))
          if (waiting.length > most) waiting.shift()
        },
        how,
      ),
    )
  }

  for (const { element, topic } of places)
    follow(
      topic,
      1,
      (data) => write(element, data, topic),
      () => (element.textContent = ''),
    )

  for (const { template, topic, limit, last } of lists) {
    const rows = rowsAfter(template)
    const add = (data: unknown) => {
      const copy = template.content.cloneNode(true) as DocumentFragment
      for (const element of copy.querySelectorAll<HTMLElement>('[data-live-field]')) write(element, data, topic)
      rows.add(copy)
      rows.keep(limit)
    }
    follow(topic, limit, add, () => rows.keep(0), last === undefined ? {} : { from: { last } })
  }

  for (const form of forms) {
    const { stop, clear } = publishForm(socket, form)
    undo.push(stop)
    clears.push(clear)
  }

  return () => {
    drop()
    for (const one of undo.splice(0)) one()
  }
}

/** Collects what is painted in the next frame. */
function createFrames(clock: Clock) {
  let paints: (() => void)[] = []
  let cancel: (() => void) | null = null
  return {
    paint(task: () => void) {
      paints.push(task)
      cancel ??= clock.frame(() => {
        cancel = null
        each(paints.splice(0), (next) => next())
      })
    },
    drop() {
      cancel?.()
      cancel = null
      paints = []
    },
  }
}

/** The rows that follow a template in the page, the newest last. */
function rowsAfter(template: HTMLTemplateElement) {
  const rows: ChildNode[][] = []
  return {
    add(copy: DocumentFragment) {
      const last = rows.at(-1)?.at(-1) ?? template
      rows.push([...copy.childNodes])
      last.after(copy)
    },
    keep(most: number) {
      while (rows.length > most) for (const node of rows.shift()!) node.remove()
    },
  }
}

/** Publishes a form's fields whenever it is submitted. */
function publishForm(socket: Bound, form: HTMLFormElement): { stop: () => void; clear: () => void } {
  const error = form.querySelector<HTMLElement>('[data-live-error]')
  let bound = true
  const tell = (said: string) => {
    if (error) error.textContent = said
  }
  const submit = (event: Event) => {
    event.preventDefault()
    const session = sessionOf(socket)
    const isPresent = () => bound && sessionOf(socket) === session
    const written = entriesOf(form)
    const sent = entriesOf(form, (event as SubmitEvent).submitter)
    socket.publish(form.dataset['livePublish']!, valuesOf(sent)).then(
      () => {
        if (!isPresent()) return
        // The form is kept if its user has changed it meanwhile. The button does not count as a change: it may be
        // disabled by now, or gone. `reset` comes from the prototype, because a field may have that name.
        if (same(written, entriesOf(form))) HTMLFormElement.prototype.reset.call(form)
        tell('')
      },
      (thrown: unknown) => {
        if (!isPresent()) return
        if (error) tell(thrown instanceof LiveSocketError ? thrown.message : String(thrown))
        else tellUncaught(thrown)
      },
    )
  }
  form.addEventListener('submit', submit)
  return {
    stop() {
      bound = false
      form.removeEventListener('submit', submit)
    },
    clear: () => tell(''),
  }
}

/** Calls `act` for every item, whichever call fails; the first failure is thrown afterwards. */
function each<Item>(items: readonly Item[], act: (item: Item) => void) {
  const failed: unknown[] = []
  for (const item of items) {
    try {
      act(item)
    } catch (thrown) {
      failed.push(thrown)
    }
  }
  if (failed.length > 0) throw failed[0]
}

function topicOf(name: string | undefined): string {
  checkTopic(name)
  return name!
}

function numberOf({ dataset }: HTMLElement, name: 'limit' | 'last'): number | undefined {
  const text = dataset[name === 'limit' ? 'liveLimit' : 'liveLast']
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new LiveSocketError('invalid', explain`data-live-${name} must be a whole number, at least 1, not "${text}".`)
}

type Entry = readonly [name: string, value: string]

/**
 * The entries as a browser sends them in a URL. They lack the button if it was taken out of the form when it was
 * pressed.
 */
function entriesOf(form: HTMLFormElement, submitter?: HTMLElement | null): readonly Entry[] {
  const button = (submitter as HTMLButtonElement | undefined)?.form === form ? submitter : null
  return [...new FormData(form, button)].map(([name, value]) => [name, typeof value === 'string' ? value : value.name])
}

/** An object of the entries. A name that occurs more than once has all its values. */
function valuesOf(entries: readonly Entry[]): Record<string, string | string[]> {
  const values = new Map<string, string[]>()
  for (const [name, value] of entries) values.set(name, [...(values.get(name) ?? []), value])
  return Object.fromEntries([...values].map(([name, all]) => [name, all.length > 1 ? all : all[0]!]))
}

function same(one: readonly Entry[], other: readonly Entry[]): boolean {
  return (
    one.length === other.length && one.every(([name, value], at) => name === other[at]![0] && value === other[at]![1])
  )
}

function part(data: unknown, path: string | undefined): unknown {
  if (!path) return data
  let value: unknown = data
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

function text(value: unknown): string {
  return value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)
}
