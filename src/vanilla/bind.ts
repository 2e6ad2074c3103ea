import { explain } from '../base/explanation.js'
import { platformClock, type Clock } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { tellUncaught } from '../base/uncaught.js'
import { invalid } from '../options/option-table.js'
import { sessionOf } from '../socket/insides.js'
import type { LiveSocket, SubscribeOptions } from '../socket/live-socket.js'
import { inside } from '../socket/reading.js'
import { checkTopic } from '../socket/topic-arguments.js'

/** How what is bound to an element is shown. */
export interface BindOptions {
  /** How a value becomes text. Default: text as it is, anything else as JSON. */
  format?: (value: unknown, field: string | undefined, topic: string) => string
  /** When the page is painted. Default: the browser's frames. */
  clock?: Clock
}

type Bound = Pick<LiveSocket, 'subscribe' | 'publish' | 'store'>

/** Rows that a list keeps where `data-live-limit` says nothing. */
const LIMIT = 100

/**
 * Shows a live socket in plain HTML; returns the undo. Everything is set as text, once a frame.
 *
 * - `data-live-status`: the status as text. `data-live-when="reconnecting closed"`: shown in these alone.
 * - `data-live-topic="prices"`, with `data-live-field="eur.usd"`: the latest message, or that part of it.
 * - `<template data-live-list="chat" data-live-limit="50" data-live-last="20">`: a copy of its content for each message,
 *   the newest last, with `data-live-field` inside. At its limit (100) the oldest go. It begins with so many of the
 *   newest that the server has kept; default with what is new.
 * - `<form data-live-publish="chat">`: its fields are published on submit, with the button that was pressed, one with
 *   several values as a list, a file by its name; `data-live-error` inside shows what went wrong. Without one it is an
 *   uncaught error of the page.
 *
 * What topics and lists have shown of a session, and what went wrong in it, is gone from the page when it ends: what the
 * next user sees is their own. The undo leaves on the page what it shows.
 *
 * Throws `LiveSocketError` `invalid`, and has bound nothing then, where either of these is no whole number from 1 on, a
 * list stands on something else than a template or `data-live-publish` than a form, a topic is none, `root` is not there,
 * and for a socket of another copy of this library.
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
  /** @param tag what alone may bear it */
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

  // At once, not with a frame: a hidden page has none, and what waits for one is the former user's too.
  function renew() {
    const present = sessionOf(socket)
    if (present === session) return
    session = present
    drop()
    for (const clear of clears) clear()
  }

  // Before anything is subscribed to: what is wrong leaves nothing behind.
  const lists = all<HTMLTemplateElement>('list', 'template').map((template) => ({
    template,
    topic: topicOf(template.dataset['liveList']),
    limit: numberOf(template, 'limit') ?? LIMIT,
    last: numberOf(template, 'last'),
  }))
  const places = all('topic').map((element) => ({ element, topic: topicOf(element.dataset['liveTopic']) }))
  const forms = all<HTMLFormElement>('publish', 'form')

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

  // Of what comes before one paint the newest are shown: the others would be gone again with the same frame.
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

/** What is painted with the next frame. */
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

/** What follows a template in the page, the newest last. */
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

/** Publishes what is in a form whenever it is submitted. */
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
        // Whoever has gone on writing meanwhile keeps it. A button is nobody's writing: it may be disabled by now, or gone.
        // A field may have the name of the method.
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

/** All of them, whichever fails; the first failure is thrown afterwards. */
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
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new LiveSocketError('invalid', explain`data-live-${name} is a whole number from 1 on, not "${text}".`)
}

type Entry = readonly [name: string, value: string]

/** As a browser sends them in a URL: without the button where somebody took it out of the form as it was pressed. */
function entriesOf(form: HTMLFormElement, submitter?: HTMLElement | null): readonly Entry[] {
  const button = (submitter as HTMLButtonElement | undefined)?.form === form ? submitter : null
  return [...new FormData(form, button)].map(([name, value]) => [name, typeof value === 'string' ? value : value.name])
}

/** A name that comes more than once has all of its values. */
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
