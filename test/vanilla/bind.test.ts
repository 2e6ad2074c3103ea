// @vitest-environment happy-dom
import { expect, it, onTestFinished, vi } from 'vitest'
import { LiveSocketError } from '../../src/base/errors.js'
import { setInsides, type Insides } from '../../src/socket/insides.js'
import type { LiveSocket } from '../../src/socket/live-socket.js'
import { idleState, type LiveSocketState } from '../../src/socket/store.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { bind, type BindOptions } from '../../src/vanilla/bind.js'

function stage(html: string, format?: BindOptions['format']) {
  document.body.innerHTML = html
  const clock = createSimulatedClock()
  const handlers = new Map<string, Set<(data: never, info: never) => void>>()
  const listeners = new Set<(state: LiveSocketState, before: LiveSocketState) => void>()
  const published: [string, unknown][] = []
  const begun: [string, object][] = []
  let state: LiveSocketState = idleState
  let refusal: Error | null = null
  let session = 1
  const socket = {
    subscribe(topic: string, handler: (data: never, info: never) => void, options: object = {}) {
      begun.push([topic, options])
      const all = handlers.get(topic) ?? new Set()
      handlers.set(topic, all.add(handler))
      return () => void all.delete(handler)
    },
    publish(topic: string, data: unknown) {
      published.push([topic, data])
      return refusal ? Promise.reject(refusal) : Promise.resolve({ id: '1' })
    },
    store: {
      getState: () => state,
      getInitialState: () => idleState,
      subscribe(listener: (state: LiveSocketState, before: LiveSocketState) => void) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
  } as unknown as LiveSocket
  setInsides(socket, {
    get session() {
      return session
    },
  } as Insides)
  const tell = (next: LiveSocketState) => {
    const before = state
    state = next
    for (const listener of listeners) listener(state, before)
  }
  return {
    socket,
    clock,
    endSession() {
      session++
      tell({ ...state, token: { ...state.token, status: 'ended' } })
    },
    published,
    begun,
    undo: bind(socket, document, { clock, ...(format && { format }) }),
    refuse: (error: Error) => void (refusal = error),
    listening: () => listeners.size + [...handlers.values()].reduce((sum, all) => sum + all.size, 0),
    say: (topic: string, data: unknown) =>
      handlers.get(topic)?.forEach((handler) => handler(data as never, {} as never)),
    status: (status: LiveSocketState['status']) => tell({ ...state, status }),
    text: (selector: string) => document.querySelector(selector)!.textContent,
  }
}

it('shows the status, and elements with data-live-when only in their status', () => {
  const { status, text } = stage('<b data-live-status></b><p data-live-when="reconnecting closed">wait</p>')
  const hint = document.querySelector('p')!
  expect([text('b'), hint.hidden]).toEqual(['idle', true])
  status('reconnecting')
  expect([text('b'), hint.hidden]).toEqual(['reconnecting', false])
  status('live')
  expect(hint.hidden).toBe(true)
})

it('shows the latest message of a topic, or a field of it, once a frame', async () => {
  const { say, text, clock } = stage(
    '<b data-live-topic="price" data-live-field="eur.usd"></b><i data-live-topic="price"></i>',
  )
  say('price', { eur: { usd: 1 } })
  say('price', { eur: { usd: 2 } })
  expect(text('b')).toBe('')
  await clock.advance(16)
  expect([text('b'), text('i')]).toEqual(['2', '{"eur":{"usd":2}}'])
  say('price', { eur: null })
  await clock.advance(16)
  expect(text('b')).toBe('')
})

it('adds every message to a list as text, in order, and keeps the newest ones', async () => {
  const { say, clock } = stage(
    '<ul><template data-live-list="chat" data-live-limit="2"><li data-live-field="text"></li></template></ul>',
  )
  for (const text of ['one', '<b>two</b>', 'three']) say('chat', { text })
  await clock.advance(16)
  expect([...document.querySelectorAll('li')].map((row) => row.textContent)).toEqual(['<b>two</b>', 'three'])
  expect(document.querySelector('li b')).toBe(null)
})

it('removes a row completely, including text beside its elements', async () => {
  const { say, clock } = stage(
    '<p><template data-live-list="chat" data-live-limit="1"> said: <b data-live-field="text"></b> </template></p>',
  )
  for (const text of ['one', 'two', 'three']) say('chat', { text })
  await clock.advance(16)
  say('chat', { text: 'four' })
  await clock.advance(16)
  expect(document.querySelector('p')!.textContent).toBe(' said: four ')
})

it.each(['0', '-1', 'many', '1.5', ''])('refuses a list with the limit or the start %o', (number) => {
  for (const name of ['limit', 'last'])
    expect(() => stage(`<template data-live-list="chat" data-live-${name}="${number}"></template>`)).toThrow(
      new RegExp(`data-live-${name} .* whole number`),
    )
})

it.each([
  ['<ul data-live-list="chat"></ul>', 'data-live-list must be on a <template>; it was on a <ul>.'],
  ['<div data-live-publish="chat"></div>', 'data-live-publish must be on a <form>; it was on a <div>.'],
  ['<b data-live-topic></b>', 'A topic is a string of 1 to 256 characters.'],
  ['<template data-live-list=""></template>', 'A topic is a string of 1 to 256 characters.'],
  ['<form data-live-publish=""></form>', 'A topic is a string of 1 to 256 characters.'],
  [
    `<template data-live-list="chat" data-live-last="${'9'.repeat(20)}"></template>`,
    `data-live-last must be a whole number, at least 1, not "${'9'.repeat(20)}".`,
  ],
])('says what is wrong with %s before anything is bound', (html, said) => {
  const { socket, listening } = stage('')
  document.body.innerHTML = `<i data-live-status></i><b data-live-topic="good"></b>${html}`
  const before = listening()
  expect(() => bind(socket, document)).toThrow(said)
  expect([listening(), document.querySelector('i')!.textContent]).toEqual([before, ''])
})

it('reports a root element that does not exist', () => {
  const { socket } = stage('')
  expect(() => bind(socket, document.querySelector('#missing')!)).toThrow(
    'root must be a part of the page; it was null.',
  )
})

it('refuses a socket of another copy of livesocket, because it would not learn when its session ends', () => {
  const { socket } = stage('')
  expect(() => bind({ ...socket })).toThrow(/two copies on the page/)
})

it('begins a list with as many of the newest messages on the server as the page asks for', () => {
  const { begun } = stage('<template data-live-list="chat" data-live-last="20"></template>')
  expect(begun).toEqual([['chat', { from: { last: 20 } }]])
  expect(stage('<template data-live-list="chat"></template>').begun).toEqual([['chat', {}]])
})

it('keeps no more messages for a page that is not painted than its list would show', async () => {
  const { say, clock } = stage(
    '<ul><template data-live-list="chat" data-live-limit="3"><li data-live-field="n"></li></template></ul>',
  )
  let read = 0
  for (let n = 1; n <= 1_000; n++)
    say('chat', {
      get n() {
        return (read++, n)
      },
    })
  await clock.advance(16)
  expect([...document.querySelectorAll('li')].map((row) => row.textContent)).toEqual(['998', '999', '1000'])
  expect(read).toBe(3)
})

it('continues after a format function that throws, and shows everything else', async () => {
  const format = vi.fn((value: unknown) => {
    if (value === 'bad') throw new Error('no format')
    return String(value)
  })
  const { say, text, clock } = stage('<b data-live-topic="a"></b><i data-live-topic="b"></i>', format)
  say('a', 'bad')
  say('b', 'good')
  await expect(clock.advance(16)).rejects.toThrow('no format')
  expect(text('i')).toBe('good')
  say('a', 'well')
  await clock.advance(16)
  expect(text('b')).toBe('well')
})

it('publishes all values of a field name that a form has more than once', () => {
  const { published } = stage(
    '<form data-live-publish="poll"><input name="who" value="ada"><input type="checkbox" name="likes" value="tea" checked><input type="checkbox" name="likes" value="jam" checked><input type="checkbox" name="likes" value="rum"></form>',
  )
  document.querySelector('form')!.dispatchEvent(new Event('submit', { cancelable: true }))
  expect(published).toEqual([['poll', { who: 'ada', likes: ['tea', 'jam'] }]])
})

it('publishes the pressed button with the form, a file as its name, and then empties the form', async () => {
  const { published, clock } = stage(
    '<form data-live-publish="poll"><input name="who"><input type="file" name="proof"><button name="vote" value="yes">Yes</button><button name="reset" value="no">No</button></form>',
  )
  const form = document.querySelector('form')!
  const who = document.querySelector('input')!
  for (const submitter of document.querySelectorAll('button')) {
    who.value = 'ada'
    form.dispatchEvent(new SubmitEvent('submit', { cancelable: true, submitter }))
    await clock.flush()
    expect(who.value).toBe('')
  }
  expect(published).toEqual([
    ['poll', { who: 'ada', proof: '', vote: 'yes' }],
    ['poll', { who: 'ada', proof: '', reset: 'no' }],
  ])
})

it.each<[string, (button: HTMLButtonElement) => void]>([
  ['is disabled while it is sent', (button) => (button.disabled = true)],
  ['has left the form by then', (button) => button.remove()],
  ['has another value by then', (button) => (button.value = 'sent')],
])('empties a form whose button %s', async (_name, change) => {
  const { published, clock, text } = stage(
    '<form data-live-publish="poll"><input name="who"><button name="vote" value="yes">Yes</button><output data-live-error>before</output></form>',
  )
  const form = document.querySelector('form')!
  const who = document.querySelector('input')!
  const submitter = document.querySelector('button')!
  who.value = 'ada'
  form.dispatchEvent(new SubmitEvent('submit', { cancelable: true, submitter }))
  change(submitter)
  await clock.flush()
  expect(published).toEqual([['poll', { who: 'ada', vote: 'yes' }]])
  expect([who.value, text('output')]).toEqual(['', ''])
})

it('publishes a form whose button is removed as it is pressed', () => {
  const { published } = stage(
    '<form data-live-publish="poll"><input name="who" value="ada"><button name="vote" value="yes">Yes</button></form>',
  )
  const form = document.querySelector('form')!
  const submitter = document.querySelector('button')!
  submitter.remove()
  form.dispatchEvent(new SubmitEvent('submit', { cancelable: true, submitter }))
  expect(published).toEqual([['poll', { who: 'ada' }]])
})

it('a form without an error element reports failures as uncaught errors, never silently', async () => {
  const { refuse, clock, endSession } = stage('<form data-live-publish="chat"><input name="text" value="hi"></form>')
  const uncaught = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  onTestFinished(() => uncaught.mockRestore())
  const submit = () => document.querySelector('form')!.dispatchEvent(new Event('submit', { cancelable: true }))
  const refusal = new LiveSocketError('outbox-full', 'wait a little')
  refuse(refusal)
  submit()
  await clock.flush()
  expect(uncaught.mock.calls).toEqual([[refusal]])
  submit()
  endSession()
  await clock.flush()
  expect(uncaught).toHaveBeenCalledTimes(1)
})

it('empties a form when its content is published, and keeps what was typed since', async () => {
  const { clock } = stage('<form data-live-publish="chat"><input name="text"></form>')
  const input = document.querySelector('input')!
  const submit = () => document.querySelector('form')!.dispatchEvent(new Event('submit', { cancelable: true }))
  input.value = 'one'
  submit()
  await clock.flush()
  expect(input.value).toBe('')
  input.value = 'two'
  submit()
  input.value = 'three'
  await clock.flush()
  expect(input.value).toBe('three')
})

it('publishes a form, and shows why a publish failed', async () => {
  const { published, refuse, text, clock } = stage(
    '<form data-live-publish="chat"><input name="text" value="hi"><output data-live-error></output></form>',
  )
  const form = document.querySelector('form')!
  const submit = () => form.dispatchEvent(new Event('submit', { cancelable: true }))
  expect(submit()).toBe(false)
  await clock.flush()
  refuse(new LiveSocketError('outbox-full', 'wait a little'))
  submit()
  await clock.flush()
  expect(published).toEqual([
    ['chat', { text: 'hi' }],
    ['chat', { text: 'hi' }],
  ])
  expect(text('output')).toBe('wait a little')
})

it('shows nothing of an ended session: the next user sees only their own messages', async () => {
  const { say, refuse, text, clock, endSession } = stage(
    '<b data-live-topic="t"></b><ul><template data-live-list="t"><li data-live-field="text"></li></template></ul>' +
      '<form data-live-publish="t"><output data-live-error></output></form>',
  )
  const form = document.querySelector('form')!
  const rows = () => [...document.querySelectorAll('li')].map((row) => row.textContent)
  refuse(new LiveSocketError('refused', 'not you'))
  form.dispatchEvent(new Event('submit', { cancelable: true }))
  say('t', { text: 'painted' })
  await clock.advance(16)
  expect([rows(), text('output')]).toEqual([['painted'], 'not you'])
  say('t', { text: 'waits for a frame' })
  form.dispatchEvent(new Event('submit', { cancelable: true }))
  endSession()
  expect([rows(), text('b'), text('output')]).toEqual([[], '', ''])
  await clock.advance(16)
  expect([rows(), text('b'), text('output')]).toEqual([[], '', ''])
  say('t', { text: 'new user' })
  await clock.advance(16)
  expect([rows(), text('b')]).toEqual([['new user'], '{"text":"new user"}'])
})

it('leaves nothing behind after its undo', async () => {
  const { undo, listening, say, text, clock } = stage(
    '<b data-live-status></b><i data-live-topic="t"></i><template data-live-list="t"></template>',
  )
  say('t', 'late')
  undo()
  await clock.advance(16)
  expect([listening(), text('i')]).toEqual([0, ''])
})
